//! An image and a mask, cropped to the mask's box: what every feature class works on.

use crate::error::{Error, Result};
use crate::mask::{BoundingBox, Mask};
use crate::volume::{PixelType, Volume};

/// Intensities and membership inside the bounding box of a region.
#[derive(Debug, Clone)]
pub struct Region {
    /// Voxels of the box along x, y, z.
    pub size: [usize; 3],
    /// Millimetres between voxel centres along x, y, z.
    pub spacing: [f64; 3],
    /// One intensity per voxel of the box, x fastest.
    pub values: Vec<f64>,
    /// Membership per voxel of the box.
    pub inside: Vec<bool>,
    /// Number of member voxels, at least one.
    pub count: usize,
    /// Precision in which the source computes (bin edges of single-precision images are single in PyRadiomics).
    pub pixel: PixelType,
}

impl Region {
    /// Crops both to the mask's bounding box. Fails on different sizes, on an empty mask, and where a member voxel is
    /// NaN or infinite (outside the region anything is allowed).
    pub fn crop(image: &Volume, mask: &Mask) -> Result<Self> {
        if image.geometry.size != mask.geometry.size {
            return Err(Error::SizeMismatch {
                image: image.geometry.size,
                mask: mask.geometry.size,
            });
        }
        Self::crop_to(image, mask, mask.bounding_box()?)
    }

    /// Crops both to a box, which must lie inside the image: IBSI's intensity mask in the box of its morphological mask.
    pub(crate) fn crop_to(image: &Volume, mask: &Mask, bounds: BoundingBox) -> Result<Self> {
        let size = bounds.size();
        let [nx, ny, _] = image.geometry.size;
        let length = size.iter().product();
        let (mut values, mut inside) = (Vec::with_capacity(length), Vec::with_capacity(length));
        for z in bounds.low[2]..=bounds.high[2] {
            for y in bounds.low[1]..=bounds.high[1] {
                let row = nx * (y + ny * z);
                values.extend_from_slice(&image.values[row + bounds.low[0]..=row + bounds.high[0]]);
                inside.extend_from_slice(&mask.voxels[row + bounds.low[0]..=row + bounds.high[0]]);
            }
        }
        Self::from_box(size, image.geometry.spacing, values, inside, image.pixel)
    }

    /// Takes a box that is cropped already.
    pub fn from_box(
        size: [usize; 3],
        spacing: [f64; 3],
        values: Vec<f64>,
        inside: Vec<bool>,
        pixel: PixelType,
    ) -> Result<Self> {
        let expected = size.iter().product();
        for got in [values.len(), inside.len()] {
            if got != expected {
                return Err(Error::WrongLength { size, expected, got });
            }
        }
        let members = || values.iter().zip(&inside).filter(|(_, member)| **member);
        let (count, bad) = members().fold((0, 0), |(count, bad), (value, _)| {
            (count + 1, bad + usize::from(!value.is_finite()))
        });
        if count == 0 {
            return Err(Error::EmptyMask);
        }
        if bad > 0 {
            return Err(Error::NotFinite { count: bad });
        }
        Ok(Self {
            size,
            spacing,
            values,
            inside,
            count,
            pixel,
        })
    }

    /// Intensities of the member voxels, in order.
    pub fn members(&self) -> impl Iterator<Item = f64> + '_ {
        self.values
            .iter()
            .zip(&self.inside)
            .filter(|(_, member)| **member)
            .map(|(value, _)| *value)
    }

    /// Axes along which the box is longer than one voxel.
    pub fn dimensions(&self) -> usize {
        self.size.iter().filter(|&&n| n > 1).count()
    }
}
