//! Dropping voxels by intensity: IBSI IFBN, PyRadiomics `radiomics.imageoperations.resegmentMask`.

use crate::error::{Error, Result};
use crate::mask::Mask;
use crate::volume::Volume;

/// How the bounds of [`Resegmentation`] are meant (PyRadiomics `resegmentMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Intensities.
    #[default]
    Absolute,
    /// Fractions of the region's maximum.
    Relative,
    /// Standard deviations from the region's mean.
    Sigma,
}

/// Keeps voxels from `low` to `high`, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resegmentation {
    /// Lower bound.
    pub low: f64,
    /// Upper bound; `None`: none.
    pub high: Option<f64>,
    /// Meaning of the bounds.
    pub mode: Mode,
}

impl Resegmentation {
    /// The mask without voxels outside the bounds. Fails where none is left; NaN is outside.
    pub fn apply(&self, image: &Volume, mask: &Mask) -> Result<Mask> {
        if image.geometry.size != mask.geometry.size {
            return Err(Error::SizeMismatch {
                image: image.geometry.size,
                mask: mask.geometry.size,
            });
        }
        if self.low.is_nan() || self.high.is_some_and(f64::is_nan) {
            return Err(Error::BadSetting {
                name: "resegmentRange",
                reason: "must not be NaN".to_owned(),
            });
        }
        let members = || {
            image
                .values
                .iter()
                .zip(&mask.voxels)
                .filter(|(_, m)| **m)
                .map(|(v, _)| *v)
        };
        let scale: &dyn Fn(f64) -> f64 = match self.mode {
            Mode::Absolute => &|bound| bound,
            Mode::Relative => {
                let highest = members().fold(f64::NEG_INFINITY, f64::max);
                &move |bound| bound * highest
            }
            Mode::Sigma => {
                let count = members().count() as f64;
                let mean = members().sum::<f64>() / count;
                let deviation = (members().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt();
                &move |bound| mean + deviation * bound
            }
        };
        let (mut low, mut high) = (self.low, self.high);
        if let Some(other) = high.filter(|other| *other < low) {
            (low, high) = (other, Some(low));
        }
        let (low, high) = (scale(low), high.map(scale));
        let kept = |v: f64| v >= low && high.is_none_or(|high| v <= high);
        let voxels: Vec<bool> = image
            .values
            .iter()
            .zip(&mask.voxels)
            .map(|(&v, &m)| m && kept(v))
            .collect();
        if !voxels.contains(&true) {
            return Err(Error::EmptyMask);
        }
        Ok(Mask {
            geometry: mask.geometry.clone(),
            voxels,
        })
    }
}
