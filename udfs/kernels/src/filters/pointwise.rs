//! Filters that look at one voxel at a time: PyRadiomics Square, SquareRoot, Logarithm, Exponential. All scale by the
//! largest magnitude of the whole image, so hand over the whole image.

use super::check_box;
use crate::error::{Error, Result};
use crate::mask::BoundingBox;
use crate::resample::crop_volume;
use crate::volume::{PixelType, Volume};

/// One of PyRadiomics' pointwise image types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointwise {
    /// `square`: (x/√max)².
    Square,
    /// `squareroot`: √(max·|x|) with the sign of x.
    SquareRoot,
    /// `logarithm`: ln(|x| + 1) with the sign of x, scaled to the image's range.
    Logarithm,
    /// `exponential`: exp(x·ln(max)/max).
    Exponential,
}

/// Applies the filter to a box of the image; the scale is the whole image's. Fails where the image is zero everywhere or not finite.
pub fn pointwise(image: &Volume, bounds: BoundingBox, filter: Pointwise) -> Result<Volume> {
    check_box(image, bounds)?;
    let largest = image
        .values
        .iter()
        .fold(0.0f64, |m, v| if v.is_nan() { f64::NAN } else { m.max(v.abs()) });
    if !(largest.is_finite() && largest > 0.0) {
        let reason = "the image is zero everywhere or not finite".to_owned();
        return Err(Error::BadSetting {
            name: "imageType",
            reason,
        });
    }
    let part = crop_volume(image, bounds.low, bounds.high);
    let signed = |v: f64, f: &dyn Fn(f64) -> f64| if v == 0.0 { 0.0 } else { f(v.abs()).copysign(v) };
    let each = |f: &dyn Fn(f64) -> f64| part.values.iter().map(|&v| f(v)).collect::<Vec<f64>>();
    let values = match filter {
        Pointwise::Square => {
            let scale = 1.0 / largest.sqrt();
            each(&|v| (scale * v) * (scale * v))
        }
        Pointwise::SquareRoot => each(&|v| signed(v, &|m| (m * largest).sqrt())),
        Pointwise::Logarithm => {
            let scale = largest / (largest + 1.0).ln();
            each(&|v| signed(v, &|m| (m + 1.0).ln()) * scale)
        }
        Pointwise::Exponential => {
            let scale = largest.ln() / largest;
            each(&|v| (scale * v).exp())
        }
    };
    Ok(part.with_values(values, PixelType::Float64))
}
