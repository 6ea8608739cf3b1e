//! The `ibsi` profile: the features of the IBSI reference manual (chapter 3) under the tags of its reference data.

mod histogram;
mod intensity_volume;
mod local_intensity;
mod moran;
mod morphology;
pub mod phantom;
mod phantom_values;
mod statistics;
mod texture;

pub use self::intensity_volume::IntensityVolume;

use crate::discretise::Discretisation;
use crate::error::{Error, Result};
use crate::feature::Feature;
use crate::levels::Levels;
use crate::mask::Mask;
use crate::pyradiomics::{EVERY, Want};
use crate::region::Region;
use crate::volume::Volume;

/// Settings of the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Grey levels of the intensity histogram and of texture.
    pub discretisation: Discretisation,
    /// Levels of the intensity-volume histogram.
    pub intensity_volume: IntensityVolume,
    /// Bounds of re-segmentation by range, which are also those of the intensity-volume histogram.
    pub range: [Option<f64>; 2],
    /// Distance of neighbours, voxels: δ.
    pub distance: usize,
    /// Largest difference of dependent neighbours: α of NGLDM.
    pub coarseness: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            discretisation: Discretisation::IbsiCount(32),
            intensity_volume: IntensityVolume::Discrete,
            range: [None, None],
            distance: 1,
            coarseness: 0,
        }
    }
}

/// All features. `morphology` is the mask before re-segmentation, `intensity` the one after it; the image is whole (local
/// intensity looks around the region).
pub fn extract(
    image: &Volume,
    morphology: &Mask,
    intensity: &Mask,
    settings: &Settings,
) -> Result<Vec<Feature>> {
    extract_of(image, morphology, intensity, settings, EVERY)
}

/// [`extract`] of the classes that are wanted (`morph`, `loc`, `stat`, `ih`, `ivh`, `cm`, `rlm`, `szm`, `dzm`, `ngt`, `ngl`).
pub fn extract_of(
    image: &Volume,
    morphology: &Mask,
    intensity: &Mask,
    settings: &Settings,
    want: Want<'_>,
) -> Result<Vec<Feature>> {
    for mask in [morphology, intensity] {
        if image.geometry.size != mask.geometry.size {
            return Err(Error::SizeMismatch {
                image: image.geometry.size,
                mask: mask.geometry.size,
            });
        }
    }
    let bounds = morphology.bounding_box()?;
    let shape = Region::crop_to(image, morphology, bounds)?;
    let region = Region::crop_to(image, intensity, bounds)?;
    let mut features = Vec::new();
    if want("morph")? {
        features.extend(morphology::features(&shape, &region)?);
    }
    if want("loc")? {
        features.extend(local_intensity::features(image, intensity)?);
    }
    if want("stat")? {
        features.extend(statistics::features(&region));
    }
    let histogram = want("ih")?;
    let volumes = want("ivh")?;
    let mut textures = [false; texture::CLASSES.len()];
    for (wanted, class) in textures.iter_mut().zip(texture::CLASSES) {
        *wanted = want(class)?;
    }
    let mut levels = None;
    if histogram || textures.contains(&true) {
        let grey = settings.discretisation.apply(&region)?;
        levels = Some(Levels::new(&region, &grey, settings.distance)?);
    }
    if let Some(levels) = levels.as_ref().filter(|_| histogram) {
        features.extend(histogram::features(levels));
    }
    if volumes {
        features.extend(intensity_volume::features(
            &region,
            settings.intensity_volume,
            settings.range,
        )?);
    }
    if let Some(levels) = &levels {
        features.extend(texture::features(levels, &shape.inside, settings, want)?);
    }
    Ok(features)
}
