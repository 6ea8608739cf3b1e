//! Settings of profile `pyradiomics`: those of PyRadiomics 3.0.1 (its parameter schema), each honoured or refused by name.

use radlake_kernels::image_types::ImageType;
use radlake_kernels::pyradiomics::Settings as Kernel;
use radlake_kernels::resample::Interpolator;
use radlake_kernels::resegment::{Mode, Resegmentation};

use super::images::{self, Image, Measure, OF_IMAGES, positive};
use super::{Profile, ibsi, select};
use crate::dictionary::Entry;
use crate::error::{Error, Result};
use crate::reader::{Section, boolean, choice, integer, list, number, refuse};
use crate::yaml::Node;

/// Settings of the profile. Read them from a text: fields that contradict one another give errors or undefined features.
#[derive(Debug, Clone, PartialEq)]
pub struct PyRadiomics {
    /// Preprocessing, and what images without settings of their own are measured with.
    pub base: Kernel,
    /// The images, in the order of their columns.
    pub images: Vec<Image>,
    /// The features, in the order of their columns.
    pub features: Vec<&'static Entry>,
    /// `label`.
    pub label: u32,
}

impl Default for PyRadiomics {
    fn default() -> Self {
        let base = Kernel::default();
        Self {
            images: vec![Image {
                kind: ImageType::Original,
                settings: base.clone(),
            }],
            base,
            features: select::everything(Profile::PyRadiomics, |class| class != "shape2D"),
            label: 1,
        }
    }
}

/// Keys that act before images are derived: no image type can have its own.
pub(super) const GENERAL: [&str; 17] = [
    "minimumROIDimensions",
    "minimumROISize",
    "geometryTolerance",
    "correctMask",
    "additionalInfo",
    "label",
    "label_channel",
    "normalize",
    "normalizeScale",
    "removeOutliers",
    "resampledPixelSpacing",
    "interpolator",
    "padDistance",
    "resegmentRange",
    "resegmentMode",
    "resegmentShape",
    "preCrop",
];

/// Whether PyRadiomics has a setting of this name.
pub(super) fn knows(key: &str) -> bool {
    GENERAL.contains(&key) || OF_IMAGES.contains(&key)
}

impl PyRadiomics {
    /// Whether any feature of a class is computed.
    pub fn wants(&self, class: &str) -> bool {
        self.features.iter().any(|e| e.class == class)
    }

    pub(super) fn read(mut keys: Section<'_>, sections: Section<'_>, classes: Section<'_>) -> Result<Self> {
        let mut measure = Measure::default();
        measure.read(&mut keys)?;
        let mut label = 1;
        let preprocessing = preprocessing(&mut keys, &mut label)?;
        let known: Vec<&str> = GENERAL
            .iter()
            .chain(&OF_IMAGES)
            .copied()
            .filter(|key| knows(key))
            .collect();
        keys.finish(&known, |key| {
            let other = ibsi::knows(key) && !knows(key);
            other.then(|| "is of profile ibsi: set profile: ibsi, or leave it out".to_owned())
        })?;
        let mut base = measure.kernel(&preprocessing);
        let flat = base.force_2d.is_some();
        let named_flat = classes.has("shape2D");
        if named_flat && !flat {
            return Err(Error::Setting {
                key: "featureClass.shape2D".to_owned(),
                value: "enabled".to_owned(),
                hint: "the shape of a slice needs force2D: true".to_owned(),
            });
        }
        let features = select::read(Profile::PyRadiomics, classes)?
            .unwrap_or_else(|| select::everything(Profile::PyRadiomics, |class| flat || class != "shape2D"));
        base.mcc = features.iter().any(|e| e.name == "glcm_mcc");
        let images = images::read(sections, &measure, &base)?;
        Ok(Self {
            base,
            images,
            features,
            label,
        })
    }
}

/// What happens before images are derived.
fn preprocessing(keys: &mut Section<'_>, label: &mut u32) -> Result<Kernel> {
    let mut base = Kernel::default();
    let (mut normalise, mut scale, mut outliers) = (false, 1.0, None);
    keys.set("normalize", &mut normalise, false, boolean)?;
    keys.set("normalizeScale", &mut scale, 1.0, positive())?;
    keys.set("removeOutliers", &mut outliers, None, |n| positive()(n).map(Some))?;
    base.normalise = normalise.then_some((scale, outliers));
    let mut spacing = None;
    keys.set("resampledPixelSpacing", &mut spacing, None, |n| {
        spacings(n).map(Some)
    })?;
    let mut how = Some(Interpolator::BSpline);
    keys.set("interpolator", &mut how, None, |n| interpolator(n).map(Some))?;
    base.resample = spacing.zip(how);
    keys.set("preCrop", &mut base.pre_crop, false, boolean)?;
    let mut pad = 5;
    keys.set("padDistance", &mut pad, 5, integer(0, 4096))?;
    base.pad_distance = pad as usize;
    let (mut range, mut mode) = (Vec::new(), Mode::Absolute);
    let bounds = list(false, 1, 2, number("a number", |_| true));
    keys.set("resegmentRange", &mut range, Vec::new(), bounds)?;
    let modes = vec![
        ("absolute", Mode::Absolute),
        ("relative", Mode::Relative),
        ("sigma", Mode::Sigma),
    ];
    keys.set("resegmentMode", &mut mode, Mode::Absolute, choice(modes))?;
    keys.set("resegmentShape", &mut base.resegment_shape, false, boolean)?;
    range.sort_by(f64::total_cmp);
    base.resegment = range.first().map(|low| Resegmentation {
        low: *low,
        high: range.get(1).copied(),
        mode,
    });
    let (mut dimensions, mut size) = (2, None);
    keys.set("minimumROIDimensions", &mut dimensions, 2, integer(1, 3))?;
    let least = integer(1, u32::MAX);
    keys.set("minimumROISize", &mut size, None, |n| least(n).map(Some))?;
    base.minimum_dimensions = dimensions as usize;
    base.minimum_size = size.map(|n| n as usize);
    region(keys, label)?;
    Ok(base)
}

/// Settings about which region is meant and what is told beside the features: the caller hands over the mask, on the
/// image's grid, so that all but the label have no effect, and say so where that matters.
fn region(keys: &mut Section<'_>, label: &mut u32) -> Result<()> {
    let (mut tolerance, mut flag) = (0.0, false);
    keys.set("label", label, 1, integer(1, u32::MAX))?;
    keys.set("geometryTolerance", &mut tolerance, 0.0, positive())?;
    keys.set("correctMask", &mut flag, false, boolean)?;
    keys.set("additionalInfo", &mut flag, false, boolean)?;
    let channel_node = keys.take("label_channel");
    if let Some(node) = channel_node.filter(|node| **node != Node::Null) {
        let path = keys.path("label_channel");
        let channel = integer(0, u32::MAX)(node).map_err(|hint| refuse(&path, node, &hint))?;
        if channel != 0 {
            let hint = "a region is one row, not a channel of a mask: choose the row, and leave it out";
            return Err(refuse(&path, node, hint));
        }
    }
    Ok(())
}

/// Three distances in mm, 0 standing for the image's own.
pub(super) fn spacings(node: &Node) -> std::result::Result<[f64; 3], String> {
    let values = list(false, 3, 3, number("a number, not negative", |v| v >= 0.0))(node)
        .map_err(|hint| format!("{hint}: distances along x, y and z in mm, 0 for the image's own"))?;
    match values.as_slice() {
        [x, y, z] => Ok([*x, *y, *z]),
        _ => Err("must have three values".to_owned()),
    }
}

/// SimpleITK's interpolators by name or number.
fn interpolator(node: &Node) -> std::result::Result<Interpolator, String> {
    const NAMES: [&str; 10] = [
        "sitkNearestNeighbor",
        "sitkLinear",
        "sitkBSpline",
        "sitkGaussian",
        "sitkLabelGaussian",
        "sitkHammingWindowedSinc",
        "sitkCosineWindowedSinc",
        "sitkWelchWindowedSinc",
        "sitkLanczosWindowedSinc",
        "sitkBlackmanWindowedSinc",
    ];
    let text = match node {
        Node::Scalar { text, .. } => text.as_str(),
        _ => "",
    };
    let number = integer(1, 10)(node).map(|n| n as usize - 1).ok();
    match number.or_else(|| NAMES.iter().position(|name| *name == text)) {
        Some(0) => Ok(Interpolator::Nearest),
        Some(1) => Ok(Interpolator::Linear),
        Some(2) => Ok(Interpolator::BSpline),
        Some(_) => Err("is not computed: use sitkNearestNeighbor, sitkLinear or sitkBSpline".to_owned()),
        None => Err("must be sitkNearestNeighbor, sitkLinear or sitkBSpline".to_owned()),
    }
}
