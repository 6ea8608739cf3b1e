//! The section `imageType`, and the settings that each image type can have its own of.

use radlake_kernels::image_types::ImageType;
use radlake_kernels::neighbours::{MAX_DISTANCE, WeightingNorm};
use radlake_kernels::pyradiomics::Settings as Kernel;
use radlake_kernels::{Discretisation, MAX_LEVELS};

use super::pyradiomics::GENERAL;
use crate::error::{Error, Result, short};
use crate::reader::{Section, boolean, choice, integer, list, number};
use crate::yaml::Node;

/// A derived image and what its texture is measured with.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The filter.
    pub kind: ImageType,
    /// The settings with this image type's own instead of the general ones.
    pub settings: Kernel,
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

/// Keys that any image type can have its own of.
pub(super) const OF_IMAGES: [&str; 20] = [
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

/// What images are measured and filtered with, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Measure {
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

/// A number above zero.
pub(super) fn positive() -> impl Fn(&Node) -> std::result::Result<f64, String> {
    number("a number above zero", |v| v > 0.0)
}

impl Measure {
    /// Takes the keys of a section over what is set already.
    pub(super) fn read(&mut self, keys: &mut Section<'_>) -> Result<()> {
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

    /// The kernels' settings, with the preprocessing of `base`.
    pub(super) fn kernel(&self, base: &Kernel) -> Kernel {
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
                value: short(value),
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

/// The images of the section, in the order of their columns; the original one if it names none.
pub(super) fn read(mut section: Section<'_>, general: &Measure, base: &Kernel) -> Result<Vec<Image>> {
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
