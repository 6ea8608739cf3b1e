//! Settings of profile `ibsi`: image processing of the reference manual (chapter 2) and aggregation (chapter 3).

use radlake_kernels::ibsi::{IntensityVolume, Settings as Kernel};
use radlake_kernels::neighbours::MAX_DISTANCE;
use radlake_kernels::resample::Interpolator;
use radlake_kernels::{Discretisation, MAX_LEVELS};

use super::pyradiomics::{self, spacings};
use super::{Profile, select};
use crate::dictionary::Entry;
use crate::error::Result;
use crate::reader::{Section, boolean, choice, integer, list, number, refuse};
use crate::yaml::Node;

/// Settings of the profile. Read them from a text: fields that contradict one another give errors or undefined features.
#[derive(Debug, Clone, PartialEq)]
pub struct Ibsi {
    /// Discretisation, range, neighbours.
    pub kernel: Kernel,
    /// `resampledPixelSpacing` x, y, z, mm (0: as the image's), with its `interpolator`.
    pub resample: Option<([f64; 3], Interpolator)>,
    /// `roundIntensities`: whether resampled intensities become whole numbers; `None`: where the source's are.
    pub round: Option<bool>,
    /// `outlierSigma`: voxels further from the mean are left out, in standard deviations.
    pub outliers: Option<f64>,
    /// Suffixes of the aggregations that are wanted, from `dimension` and `aggregation`.
    pub aggregations: Vec<&'static str>,
    /// The features, in the order of their columns.
    pub features: Vec<&'static Entry>,
    /// `label`.
    pub label: u32,
}

impl Default for Ibsi {
    fn default() -> Self {
        Self {
            kernel: Kernel::default(),
            resample: None,
            round: None,
            outliers: None,
            aggregations: aggregations(&["3D"], &["avg", "comb"]),
            features: select::everything(Profile::Ibsi, |_| true),
            label: 1,
        }
    }
}

const KEYS: [&str; 16] = [
    "label",
    "discretisation",
    "binWidth",
    "binCount",
    "ivhDiscretisation",
    "ivhBinWidth",
    "ivhBinCount",
    "resampledPixelSpacing",
    "interpolator",
    "roundIntensities",
    "resegmentRange",
    "outlierSigma",
    "distance",
    "ngldmCoarseness",
    "dimension",
    "aggregation",
];

/// Whether the profile has a setting of this name.
pub(super) fn knows(key: &str) -> bool {
    KEYS.contains(&key)
}

fn aggregations(dimensions: &[&str], methods: &[&str]) -> Vec<&'static str> {
    const ALL: [&str; 9] = [
        "2D",
        "2D_avg",
        "2D_comb",
        "2_5D",
        "2_5D_avg",
        "2_5D_comb",
        "3D",
        "3D_avg",
        "3D_comb",
    ];
    let chosen = |suffix: &&str| {
        dimensions.iter().any(|dimension| {
            suffix.strip_prefix(dimension).is_some_and(|rest| {
                rest.is_empty() || methods.iter().any(|m| rest.strip_prefix('_') == Some(m))
            })
        })
    };
    ALL.into_iter().filter(chosen).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Bins {
    Width,
    Count,
    None,
}

impl Ibsi {
    /// Whether any feature of a class is computed.
    pub fn wants(&self, class: &str) -> bool {
        self.features.iter().any(|e| e.class == class)
    }

    pub(super) fn read(mut keys: Section<'_>, images: &Section<'_>, classes: Section<'_>) -> Result<Self> {
        let mut s = Self::default();
        keys.set("label", &mut s.label, 1, integer(1, u32::MAX))?;
        let any = || number("a number", |_| true);
        let positive = || number("a number above zero", |v| v > 0.0);

        let bound = |node: &Node| match node {
            Node::Null => Ok(None),
            node => any()(node).map(Some),
        };
        let mut range = vec![None, None];
        let nothing = range.clone();
        keys.set("resegmentRange", &mut range, nothing, list(false, 2, 2, bound))?;
        if let [low, high] = range.as_slice() {
            s.kernel.range = [*low, *high];
        }
        if let [Some(low), Some(high)] = s.kernel.range
            && low > high
        {
            s.kernel.range = [Some(high), Some(low)];
        }
        keys.set("outlierSigma", &mut s.outliers, None, |n| positive()(n).map(Some))?;

        let levels = ["discretisation", "binWidth", "binCount"];
        let (kind, width, count) = bins(&mut keys, levels, Bins::Count, 32)?;
        s.kernel.discretisation = match kind {
            Bins::Width => Discretisation::IbsiWidth {
                width,
                start: s.kernel.range[0],
            },
            Bins::Count => Discretisation::IbsiCount(count),
            Bins::None => Discretisation::Identity,
        };
        let volumes = ["ivhDiscretisation", "ivhBinWidth", "ivhBinCount"];
        let (kind, width, count) = bins(&mut keys, volumes, Bins::None, 1000)?;
        s.kernel.intensity_volume = match kind {
            Bins::Width => IntensityVolume::Width(width),
            Bins::Count => IntensityVolume::Count(count),
            Bins::None => IntensityVolume::Discrete,
        };

        let mut spacing = None;
        keys.set("resampledPixelSpacing", &mut spacing, None, |n| {
            spacings(n).map(Some)
        })?;
        let mut how = Interpolator::Linear;
        let interpolators = choice(vec![
            ("nearest", Interpolator::Nearest),
            ("linear", Interpolator::Linear),
            ("bspline", Interpolator::BSpline),
            ("sitkNearestNeighbor", Interpolator::Nearest),
            ("sitkLinear", Interpolator::Linear),
            ("sitkBSpline", Interpolator::BSpline),
        ]);
        keys.set("interpolator", &mut how, Interpolator::Linear, interpolators)?;
        s.resample = spacing.map(|spacing| (spacing, how));
        let automatic = choice(vec![("auto", None)]);
        keys.set("roundIntensities", &mut s.round, None, |node| {
            automatic(node)
                .or_else(|_| boolean(node).map(Some))
                .map_err(|_| "must be true, false or auto".to_owned())
        })?;

        let (mut distance, mut coarseness) = (1, 0);
        keys.set("distance", &mut distance, 1, integer(1, MAX_DISTANCE as u32))?;
        keys.set(
            "ngldmCoarseness",
            &mut coarseness,
            0,
            integer(0, u32::from(u16::MAX)),
        )?;
        s.kernel.distance = distance as usize;
        s.kernel.coarseness = coarseness as u16;

        let dimension = choice(vec![
            ("2D", "2D"),
            ("2.5D", "2_5D"),
            ("2_5D", "2_5D"),
            ("3D", "3D"),
        ]);
        let mut dimensions = vec!["3D"];
        let default = dimensions.clone();
        keys.set("dimension", &mut dimensions, default, list(true, 1, 3, dimension))?;
        let method = choice(vec![("average", "avg"), ("merge", "comb")]);
        let mut methods = vec!["avg", "comb"];
        let default = methods.clone();
        keys.set("aggregation", &mut methods, default, list(true, 1, 2, method))?;
        s.aggregations = aggregations(&dimensions, &methods);

        keys.finish(&KEYS, |key| {
            pyradiomics::knows(key)
                .then(|| "is of profile pyradiomics: set profile: pyradiomics, or leave it out".to_owned())
        })?;
        if let Some((key, node)) = images.rest().find(|(key, _)| *key != "Original") {
            let hint = "filters are of profile pyradiomics: leave it out";
            return Err(refuse(&images.path(key), node, hint));
        }
        if let Some(features) = select::read(Profile::Ibsi, classes)? {
            s.features = features;
        }
        Ok(s)
    }
}

/// `FBS` with a width, `FBN` with a count, or `none`; the width or the count alone say which.
fn bins(
    keys: &mut Section<'_>,
    [kind, width, count]: [&str; 3],
    usual: Bins,
    usual_count: u32,
) -> Result<(Bins, f64, usize)> {
    let (mut chosen, mut given_width, mut given_count) = (None, None, None);
    let kinds = choice(vec![
        ("FBS", Bins::Width),
        ("FBN", Bins::Count),
        ("none", Bins::None),
    ]);
    let node = keys.take(kind).cloned().unwrap_or(Node::Null);
    keys.set(kind, &mut chosen, None, |n| kinds(n).map(Some))?;
    let positive = number("a number above zero", |v| v > 0.0);
    keys.set(width, &mut given_width, None, |n| positive(n).map(Some))?;
    let levels = integer(1, MAX_LEVELS as u32);
    keys.set(count, &mut given_count, None, |n| levels(n).map(Some))?;
    let refused = |hint: String| Err(refuse(&keys.path(kind), &node, &hint));
    let bins = match (chosen, given_width, given_count) {
        (None | Some(Bins::Width), Some(_), None) => Bins::Width,
        (None | Some(Bins::Count), None, Some(_)) => Bins::Count,
        (Some(Bins::Width), None, _) => return refused(format!("a fixed bin size needs {width}")),
        (None, None, None) => usual,
        (Some(other), None, None) => other,
        _ => {
            return refused(format!(
                "FBS goes with {width}, FBN with {count}, none with neither: set one"
            ));
        }
    };
    let count = given_count.unwrap_or(usual_count);
    Ok((bins, given_width.unwrap_or_default(), count as usize))
}
