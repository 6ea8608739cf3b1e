//! Settings of profile `pyradiomics`: those of PyRadiomics 3.0.1 (its parameter schema), each honoured or refused by name.

use radlake_kernels::image_types::ImageType;
use radlake_kernels::neighbours::{MAX_DISTANCE, WeightingNorm};
use radlake_kernels::pyradiomics::Settings as Kernel;
use radlake_kernels::resample::Interpolator;
use radlake_kernels::resegment::{Mode, Resegmentation};
use radlake_kernels::{Discretisation, MAX_LEVELS};

use super::{Profile, ibsi, select};
use crate::dictionary::Entry;
use crate::error::{Error, Result};
use crate::reader::{Section, boolean, choice, integer, list, number, refuse};
use crate::yaml::Node;

/// A derived image and what its texture is measured with.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The filter.
    pub kind: ImageType,
    /// The settings with this image type's own instead of the general ones.
    pub settings: Kernel,
}

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

/// Most derived images of one extraction (a wavelet counts as one).
const MAX_IMAGES: usize = 64;

/// Names of PyRadiomics' image types, in the order of their columns.
const IMAGE_TYPES: [&str; 10] = [
    "Original",
    "LoG",
    "Wavelet",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
    "Gradient",
    "LBP2D",
    "LBP3D",
];

/// Keys that act before images are derived: no image type can have its own.
const GENERAL: [&str; 17] = [
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

/// Keys that any image type can have its own of.
const OF_IMAGES: [&str; 20] = [
    "binWidth",
    "binCount",
    "distances",
    "force2D",
    "force2Ddimension",
    "sigma",
    "start_level",
    "level",
    "wavelet",
    "gradientUseSpacing",
    "lbp2DRadius",
    "lbp2DSamples",
    "lbp2DMethod",
    "lbp3DLevels",
    "lbp3DIcosphereRadius",
    "lbp3DIcosphereSubdivision",
    "voxelArrayShift",
    "symmetricalGLCM",
    "weightingNorm",
    "gldm_a",
];

/// Whether PyRadiomics has a setting of this name.
pub(super) fn knows(key: &str) -> bool {
    GENERAL.contains(&key) || OF_IMAGES.contains(&key)
}

/// What images are measured and filtered with, as it is written.
#[derive(Debug, Clone)]
struct Measure {
    bin_width: f64,
    bin_count: Option<u32>,
    distances: Vec<u32>,
    force_2d: bool,
    dimension: u32,
    sigma: Vec<f64>,
    use_spacing: bool,
    array_shift: f64,
    symmetrical: bool,
    norm: WeightingNorm,
    gldm_a: u32,
    start_level: u32,
    level: u32,
    wavelet: String,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            bin_width: 25.0,
            bin_count: None,
            distances: vec![1],
            force_2d: false,
            dimension: 0,
            sigma: Vec::new(),
            use_spacing: true,
            array_shift: 0.0,
            symmetrical: true,
            norm: WeightingNorm::None,
            gldm_a: 0,
            start_level: 0,
            level: 1,
            wavelet: "coif1".to_owned(),
        }
    }
}

fn positive() -> impl Fn(&Node) -> std::result::Result<f64, String> {
    number("a number above zero", |v| v > 0.0)
}

impl Measure {
    /// Takes the keys of a section over what is set already.
    fn read(&mut self, keys: &mut Section<'_>) -> Result<()> {
        let default = Self::default();
        let any = number("a number", |_| true);
        let bins = integer(1, MAX_LEVELS as u32);
        keys.set("binWidth", &mut self.bin_width, default.bin_width, positive())?;
        keys.set("binCount", &mut self.bin_count, None, |n| bins(n).map(Some))?;
        let distance = integer(1, MAX_DISTANCE as u32);
        let distances = list(false, 1, MAX_DISTANCE, distance);
        keys.set("distances", &mut self.distances, default.distances, distances)?;
        keys.set("force2D", &mut self.force_2d, false, boolean)?;
        keys.set("force2Ddimension", &mut self.dimension, 0, integer(0, 2))?;
        let sigmas = list(false, 0, MAX_IMAGES, positive());
        keys.set("sigma", &mut self.sigma, Vec::new(), sigmas)?;
        keys.set("gradientUseSpacing", &mut self.use_spacing, true, boolean)?;
        keys.set("voxelArrayShift", &mut self.array_shift, 0.0, any)?;
        keys.set("symmetricalGLCM", &mut self.symmetrical, true, boolean)?;
        let norms = choice(vec![
            ("euclidean", WeightingNorm::Euclidean),
            ("manhattan", WeightingNorm::Manhattan),
            ("infinity", WeightingNorm::Infinity),
            ("no_weighting", WeightingNorm::NoWeighting),
        ]);
        keys.set("weightingNorm", &mut self.norm, WeightingNorm::None, norms)?;
        keys.set("gldm_a", &mut self.gldm_a, 0, integer(0, u32::from(u16::MAX)))?;
        keys.set("start_level", &mut self.start_level, 0, integer(0, 64))?;
        keys.set("level", &mut self.level, 1, integer(1, 64))?;
        keys.set("wavelet", &mut self.wavelet, default.wavelet, |node| match node {
            Node::Scalar { text, .. } => Ok(text.clone()),
            _ => Err("must be the name of a wavelet".to_owned()),
        })?;
        // Of images that are refused; wrong values are told all the same.
        let (mut real, mut whole, mut method) = (0.0, 0, ());
        keys.set("lbp2DRadius", &mut real, 0.0, positive())?;
        keys.set("lbp2DSamples", &mut whole, 0, integer(1, 1 << 16))?;
        let methods = ["default", "ror", "uniform", "var"].map(|name| (name, ()));
        keys.set("lbp2DMethod", &mut method, (), choice(methods.to_vec()))?;
        keys.set("lbp3DLevels", &mut whole, 0, integer(1, 1 << 16))?;
        keys.set("lbp3DIcosphereRadius", &mut real, 0.0, positive())?;
        keys.set("lbp3DIcosphereSubdivision", &mut whole, 0, integer(0, 1 << 16))
    }

    fn kernel(&self, base: &Kernel) -> Kernel {
        let mut distances: Vec<usize> = self.distances.iter().map(|d| *d as usize).collect();
        distances.sort_unstable();
        distances.dedup();
        Kernel {
            discretisation: match self.bin_count {
                Some(count) => Discretisation::PyRadiomicsCount(count as usize),
                None => Discretisation::PyRadiomicsWidth(self.bin_width),
            },
            force_2d: self.force_2d.then_some(self.dimension as usize),
            distances,
            symmetrical_glcm: self.symmetrical,
            weighting_norm: self.norm,
            gldm_a: self.gldm_a as u16,
            voxel_array_shift: self.array_shift,
            ..base.clone()
        }
    }

    /// The images of one type.
    fn images(&self, name: &str, path: &str) -> Result<Vec<ImageType>> {
        let refused = |key: &str, value: &str, hint: &str| {
            Err(Error::Setting {
                key: format!("{path}.{key}"),
                value: crate::error::short(value),
                hint: hint.to_owned(),
            })
        };
        Ok(vec![match name {
            "LoG" if self.sigma.is_empty() => {
                return refused(
                    "sigma",
                    "nothing",
                    "list the widths in mm, as in sigma: [1.0, 3.0]",
                );
            }
            "LoG" => {
                let mut sigma = self.sigma.clone();
                sigma.sort_by(f64::total_cmp);
                sigma.dedup();
                return Ok(sigma.into_iter().map(ImageType::LoG).collect());
            }
            "Wavelet" if self.wavelet != "coif1" => {
                return refused("wavelet", &self.wavelet, "only coif1 is computed: leave it out");
            }
            "Wavelet" if self.level != 1 => {
                let level = self.level.to_string();
                return refused("level", &level, "only one level is computed: leave it out");
            }
            "Wavelet" if self.start_level != 0 => {
                let level = self.start_level.to_string();
                return refused(
                    "start_level",
                    &level,
                    "only the first level is computed: leave it out",
                );
            }
            "Wavelet" => ImageType::Wavelet,
            "Square" => ImageType::Square,
            "SquareRoot" => ImageType::SquareRoot,
            "Logarithm" => ImageType::Logarithm,
            "Exponential" => ImageType::Exponential,
            "Gradient" if self.use_spacing => ImageType::Gradient,
            "Gradient" => ImageType::GradientPerVoxel,
            "LBP2D" | "LBP3D" => {
                let hint = "local binary patterns are not computed: remove the image type";
                return Err(Error::Setting {
                    key: path.to_owned(),
                    value: "enabled".to_owned(),
                    hint: hint.to_owned(),
                });
            }
            _ => ImageType::Original,
        }])
    }
}

impl Image {
    /// What identifies the filter: as PyRadiomics names the image, the eight of a wavelet as one.
    pub fn name(&self) -> String {
        match self.kind {
            ImageType::Original => "original".to_owned(),
            ImageType::LoG(sigma) => format!("log-sigma-{sigma}-mm"),
            ImageType::Wavelet => "wavelet".to_owned(),
            ImageType::Square => "square".to_owned(),
            ImageType::SquareRoot => "squareroot".to_owned(),
            ImageType::Logarithm => "logarithm".to_owned(),
            ImageType::Exponential => "exponential".to_owned(),
            ImageType::Gradient => "gradient".to_owned(),
            ImageType::GradientPerVoxel => "gradient-per-voxel".to_owned(),
        }
    }
}

impl PyRadiomics {
    /// Whether any feature of a class is computed.
    pub fn wants(&self, class: &str) -> bool {
        self.features.iter().any(|e| e.class == class)
    }

    pub(super) fn read(mut keys: Section<'_>, images: Section<'_>, classes: Section<'_>) -> Result<Self> {
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
        let images = read_images(images, &measure, &base)?;
        Ok(Self {
            base,
            images,
            features,
            label,
        })
    }
}

fn read_images(mut section: Section<'_>, general: &Measure, base: &Kernel) -> Result<Vec<Image>> {
    let mut images = Vec::new();
    for name in IMAGE_TYPES {
        let Some(node) = section.take(name) else {
            continue;
        };
        let path = section.path(name);
        let mut own = Section::new(&path, node)?;
        let mut measure = general.clone();
        measure.read(&mut own)?;
        own.finish(&OF_IMAGES, |key| {
            let general = GENERAL.contains(&key);
            general.then(|| "has no effect on one image type: set it under setting".to_owned())
        })?;
        let settings = measure.kernel(base);
        images.extend(measure.images(name, &path)?.into_iter().map(|kind| Image {
            kind,
            settings: settings.clone(),
        }));
    }
    section.finish(&IMAGE_TYPES, |_| None)?;
    if images.is_empty() {
        images.push(Image {
            kind: ImageType::Original,
            settings: base.clone(),
        });
    }
    Ok(images)
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
