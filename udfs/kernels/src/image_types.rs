//! Features of derived images: PyRadiomics' `imageType` section.

use crate::error::Result;
use crate::feature::Feature;
use crate::filters::{Pointwise, gradient_magnitude, laplacian_of_gaussian, pointwise, wavelet};
use crate::mask::{BoundingBox, Mask};
use crate::pyradiomics::{self, Settings};
use crate::region::Region;
use crate::resample::{crop_mask, crop_volume};
use crate::volume::Volume;

/// One of PyRadiomics' image types.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ImageType {
    /// `Original`.
    Original,
    /// `LoG` with one of its `sigma` values, mm.
    LoG(f64),
    /// `Wavelet`: Coiflet 1, level 1; eight images, or four with `force2D`.
    Wavelet,
    /// `Square`.
    Square,
    /// `SquareRoot`.
    SquareRoot,
    /// `Logarithm`.
    Logarithm,
    /// `Exponential`.
    Exponential,
    /// `Gradient`, per mm.
    Gradient,
}

/// Features of one derived image.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// PyRadiomics' prefix: `original`, `log-sigma-1-0-mm-3D`, `wavelet-LLH`, `square` …
    pub image: String,
    /// First order and texture; of the original image also shape.
    pub features: Vec<Feature>,
}

/// Features of every image type asked for. Filters see the whole (normalised, resampled) image, but compute only the
/// region's box.
pub fn extract(
    image: &Volume,
    mask: &Mask,
    settings: &Settings,
    types: &[ImageType],
) -> Result<Vec<Derived>> {
    let base = pyradiomics::base(image, mask, settings)?;
    let masks = pyradiomics::resegment(&base, settings)?;
    let bounds = masks.mask.bounding_box()?;
    let inside = crop_mask(&masks.mask, bounds.low, bounds.high);
    let mut derived = Vec::new();
    for kind in types {
        for (name, volume) in filter(&base.image, bounds, *kind, settings)? {
            let region = Region::crop(&volume, &inside)?;
            let mut features = Vec::new();
            if *kind == ImageType::Original {
                let shape = Region::crop_to(&base.image, &masks.shape_mask, masks.shape_bounds)?;
                features = pyradiomics::shape(&shape, settings)?;
            }
            features.extend(pyradiomics::intensity(&region, settings)?);
            derived.push(Derived {
                image: name,
                features,
            });
        }
    }
    Ok(derived)
}

/// The derived images of one type, over a box, with their names.
fn filter(
    image: &Volume,
    bounds: BoundingBox,
    kind: ImageType,
    settings: &Settings,
) -> Result<Vec<(String, Volume)>> {
    let single = |name: &str, volume: Volume| Ok(vec![(name.to_owned(), volume)]);
    let point = |name: &str, filter| single(name, pointwise(image, bounds, filter)?);
    match kind {
        ImageType::Original => single("original", crop_volume(image, bounds.low, bounds.high)),
        ImageType::LoG(sigma) => {
            // Python prints whole numbers with a decimal.
            let name = format!("log-sigma-{sigma:?}-mm-3D").replace('.', "-");
            single(&name, laplacian_of_gaussian(image, bounds, sigma)?)
        }
        ImageType::Wavelet => Ok(wavelet(image, bounds, settings.force_2d)?
            .into_iter()
            .map(|(band, volume)| (format!("wavelet-{band}"), volume))
            .collect()),
        ImageType::Square => point("square", Pointwise::Square),
        ImageType::SquareRoot => point("squareroot", Pointwise::SquareRoot),
        ImageType::Logarithm => point("logarithm", Pointwise::Logarithm),
        ImageType::Exponential => point("exponential", Pointwise::Exponential),
        ImageType::Gradient => single("gradient", gradient_magnitude(image, bounds, true)?),
    }
}
