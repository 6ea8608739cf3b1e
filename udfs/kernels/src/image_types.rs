//! Features of derived images: PyRadiomics' `imageType` section.

use crate::error::Result;
use crate::feature::Feature;
use crate::filters::{
    Pointwise, gradient_magnitude, laplacian_of_gaussian, pointwise, wavelet, wavelet_bands,
};
use crate::mask::{BoundingBox, Mask};
use crate::pyradiomics::{self, Base, Masks, Settings};
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
    /// `Gradient` with `gradientUseSpacing: false`, per voxel.
    GradientPerVoxel,
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

/// An image and its mask after normalisation, resampling and re-segmentation, from which derived images are made one at a
/// time.
#[derive(Debug)]
pub struct Prepared<'a> {
    base: Base<'a>,
    masks: Masks,
    bounds: BoundingBox,
    /// The re-segmented mask in its box.
    inside: Mask,
}

impl<'a> Prepared<'a> {
    /// Prepares. With `filters` the whole image is kept, since filters look beyond the region; else its box only, to the
    /// same values.
    pub fn new(image: &'a Volume, mask: &'a Mask, settings: &Settings, filters: bool) -> Result<Self> {
        let base = if filters {
            pyradiomics::base(image, mask, settings)?
        } else {
            pyradiomics::cropped_base(image, mask, settings)?
        };
        let masks = pyradiomics::resegment(&base, settings)?;
        let bounds = masks.mask.bounding_box()?;
        let inside = crop_mask(&masks.mask, bounds.low, bounds.high);
        Ok(Self {
            base,
            masks,
            bounds,
            inside,
        })
    }

    /// Shape features: of the mask before re-segmentation, unless `resegment_shape`.
    pub fn shape(&self, settings: &Settings) -> Result<Vec<Feature>> {
        let region = Region::crop_to(&self.base.image, &self.masks.shape_mask, self.masks.shape_bounds)?;
        pyradiomics::shape(&region, settings)
    }

    /// Hands over the regions of the derived images of one type, each with its name, one after the other. Those whose
    /// name is not `wanted` are left out.
    pub fn visit(
        &self,
        kind: ImageType,
        settings: &Settings,
        wanted: &dyn Fn(&str) -> bool,
        each: &mut dyn FnMut(&str, &Region) -> Result<()>,
    ) -> Result<()> {
        let mut region = |name: &str, volume: &Volume| each(name, &Region::crop(volume, &self.inside)?);
        if kind == ImageType::Wavelet {
            let named = |band: &str| format!("wavelet-{band}");
            return wavelet_bands(
                &self.base.image,
                self.bounds,
                settings.force_2d,
                &|band| wanted(&named(band)),
                &mut |band, volume| region(&named(band), &volume),
            );
        }
        for (name, volume) in filter(&self.base.image, self.bounds, kind, settings)? {
            if wanted(&name) {
                region(&name, &volume)?;
            }
        }
        Ok(())
    }
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
        ImageType::GradientPerVoxel => single("gradient", gradient_magnitude(image, bounds, false)?),
    }
}
