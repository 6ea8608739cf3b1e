//! A volume of intensities.

use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// How the source stored its voxels. Values are kept as `f64`; the type decides how derived values round, because
/// SimpleITK (and with it PyRadiomics) writes a resampled or filtered image in the type of its input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PixelType {
    /// Integers from `min` to `max`.
    Integer {
        /// Smallest value of the type.
        min: f64,
        /// Largest value of the type.
        max: f64,
    },
    /// IEEE single precision.
    Float32,
    /// IEEE double precision.
    Float64,
}

impl PixelType {
    /// Signed 16-bit integers: most CT and MR.
    pub const INT16: Self = Self::Integer {
        min: i16::MIN as f64,
        max: i16::MAX as f64,
    };

    /// The value as it would come back from a buffer of this type: integers are clamped and truncated
    /// toward zero, as ITK's resampling filter casts.
    pub fn cast(self, value: f64) -> f64 {
        match self {
            Self::Integer { min, max } => value.clamp(min, max).trunc(),
            Self::Float32 => f64::from(value as f32),
            Self::Float64 => value,
        }
    }
}

/// Intensities on a grid, x fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// The grid.
    pub geometry: Geometry,
    /// One value per voxel; index `x + size_x * (y + size_y * z)`.
    pub values: Vec<f64>,
    /// How the source stored them.
    pub pixel: PixelType,
}

impl Volume {
    /// Takes a buffer of intensities. Fails if its length is not the grid's.
    pub fn new(geometry: Geometry, values: Vec<f64>, pixel: PixelType) -> Result<Self> {
        geometry.check()?;
        if values.len() != geometry.len() {
            return Err(Error::WrongLength {
                size: geometry.size,
                expected: geometry.len(),
                got: values.len(),
            });
        }
        Ok(Self {
            geometry,
            values,
            pixel,
        })
    }

    /// The same grid with other values, for filters.
    pub(crate) fn with_values(&self, values: Vec<f64>, pixel: PixelType) -> Self {
        Self {
            geometry: self.geometry.clone(),
            values,
            pixel,
        }
    }
}
