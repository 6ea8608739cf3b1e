//! Gradient magnitude: PyRadiomics `getGradientImage` (ITK `GradientMagnitudeImageFilter`).

use super::check_box;
use crate::error::Result;
use crate::mask::BoundingBox;
use crate::volume::{PixelType, Volume};

/// Length of the vector of central differences, per mm if `use_spacing`, over a box of the image. Beyond its border the
/// image repeats its last voxel. The result is of single precision unless the image is of double.
pub fn gradient_magnitude(image: &Volume, bounds: BoundingBox, use_spacing: bool) -> Result<Volume> {
    check_box(image, bounds)?;
    let size = image.geometry.size;
    let index = |p: [usize; 3]| p[0] + size[0] * (p[1] + size[1] * p[2]);
    let pixel = if image.pixel == PixelType::Float64 {
        PixelType::Float64
    } else {
        PixelType::Float32
    };
    let mut values = Vec::with_capacity(bounds.size().iter().product());
    for z in bounds.low[2]..=bounds.high[2] {
        for y in bounds.low[1]..=bounds.high[1] {
            for x in bounds.low[0]..=bounds.high[0] {
                let squared: f64 = (0..3)
                    .map(|axis| {
                        let (mut before, mut after) = ([x, y, z], [x, y, z]);
                        before[axis] = before[axis].saturating_sub(1);
                        after[axis] = (after[axis] + 1).min(size[axis] - 1);
                        let step = if use_spacing {
                            image.geometry.spacing[axis]
                        } else {
                            1.0
                        };
                        let slope = 0.5 * (image.values[index(after)] - image.values[index(before)]) / step;
                        slope * slope
                    })
                    .sum();
                values.push(pixel.cast(squared.sqrt()));
            }
        }
    }
    Ok(Volume {
        geometry: image.geometry.crop(bounds.low, bounds.high),
        values,
        pixel,
    })
}
