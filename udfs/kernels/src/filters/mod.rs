//! Derived images: PyRadiomics' image types (`radiomics.imageoperations.get*Image`).
//!
//! Filters take the whole image and compute only the box that is asked for, to the same values.

mod gradient;
mod laplacian;
mod pointwise;
mod wavelet;

pub use gradient::gradient_magnitude;
pub use laplacian::laplacian_of_gaussian;
pub use pointwise::{Pointwise, pointwise};
pub use wavelet::{wavelet, wavelet_bands};

use crate::error::{Error, Result};
use crate::mask::BoundingBox;
use crate::volume::Volume;

/// Fails unless the box lies inside the image.
fn check_box(image: &Volume, bounds: BoundingBox) -> Result<()> {
    let inside = (0..3).all(|k| bounds.low[k] <= bounds.high[k] && bounds.high[k] < image.geometry.size[k]);
    if inside {
        Ok(())
    } else {
        Err(Error::SizeMismatch {
            image: image.geometry.size,
            mask: bounds.high.map(|v| v.saturating_add(1)),
        })
    }
}
