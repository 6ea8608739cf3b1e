//! Intensities to zero mean and unit deviation: PyRadiomics `normalize`, `normalizeScale`, `removeOutliers`.

use crate::error::{Error, Result};
use crate::volume::{PixelType, Volume};

/// Subtracts a mean, divides by a standard deviation, clips and scales.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    mean: f64,
    deviation: f64,
    limit: f64,
    scale: f64,
}

impl Normalisation {
    /// Mean and standard deviation (of a sample) of a whole image; `outliers`: clip at so many deviations. Fails where the
    /// image has one intensity or voxels that are not finite.
    pub fn of(image: &Volume, scale: f64, outliers: Option<f64>) -> Result<Self> {
        let count = image.values.len() as f64;
        let mean = image.values.iter().sum::<f64>() / count;
        let squares: f64 = image.values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        if !(deviation.is_finite() && deviation > 0.0) {
            let reason = "the image has one voxel, one intensity, or voxels that are not finite".to_owned();
            return Err(Error::BadSetting {
                name: "normalize",
                reason,
            });
        }
        if !scale.is_finite() || outliers.is_some_and(|o| o.is_nan() || o < 0.0) {
            let reason = "normalizeScale must be finite and removeOutliers not negative".to_owned();
            return Err(Error::BadSetting {
                name: "normalize",
                reason,
            });
        }
        Ok(Self {
            mean,
            deviation,
            limit: outliers.unwrap_or(f64::INFINITY),
            scale,
        })
    }

    /// The image, or a crop of it, normalised. As SimpleITK's, the result is of double precision whatever the image is of.
    pub fn apply(&self, image: &Volume) -> Volume {
        let one = |v: &f64| ((v - self.mean) / self.deviation).clamp(-self.limit, self.limit) * self.scale;
        image.with_values(image.values.iter().map(one).collect(), PixelType::Float64)
    }
}
