//! A mask that keeps only the box of a larger grid in which its voxels lie.

use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::mask::{BoundingBox, Mask};

/// A mask cropped to the smallest box, and where in its grid that box begins.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedMask {
    /// The box's first voxel in the grid.
    pub low: [usize; 3],
    /// The voxels of the box; its geometry is the box's.
    pub mask: Mask,
}

impl PlacedMask {
    /// Crops a mask to the box of its voxels; `None` without any.
    pub fn new(mask: &Mask) -> Option<Self> {
        let bounds = mask.bounding_box().ok()?;
        Some(Self::within(mask, &mask.geometry, [0; 3], bounds))
    }

    /// Crops `mask`, which begins at `base` of `grid`, to the box of its voxels.
    pub(crate) fn crop(mask: &Mask, grid: &Geometry, base: [usize; 3]) -> Option<Self> {
        let bounds = mask.bounding_box().ok()?;
        Some(Self::within(mask, grid, base, bounds))
    }

    fn within(mask: &Mask, grid: &Geometry, base: [usize; 3], bounds: BoundingBox) -> Self {
        let [nx, ny, _] = mask.geometry.size;
        let size = bounds.size();
        let mut voxels = Vec::with_capacity(size.iter().product());
        for z in bounds.low[2]..=bounds.high[2] {
            for y in bounds.low[1]..=bounds.high[1] {
                let row = nx * (y + ny * z);
                voxels.extend_from_slice(&mask.voxels[row + bounds.low[0]..=row + bounds.high[0]]);
            }
        }
        let corner = |v: [usize; 3]| std::array::from_fn(|k| v[k] + base[k]);
        let low = corner(bounds.low);
        Self {
            low,
            mask: Mask {
                geometry: grid.crop(low, corner(bounds.high)),
                voxels,
            },
        }
    }

    /// The whole grid's mask. Fails where the grid is too large, or does not hold the box.
    pub fn expand(&self, grid: &Geometry) -> Result<Mask> {
        grid.check()?;
        let size = self.mask.geometry.size;
        if (0..3).any(|k| self.low[k].saturating_add(size[k]) > grid.size[k]) {
            return Err(Error::SizeMismatch {
                image: grid.size,
                mask: size,
            });
        }
        let mut voxels = vec![false; grid.len()];
        for (row, from) in self.mask.voxels.chunks_exact(size[0]).enumerate() {
            let (y, z) = (self.low[1] + row % size[1], self.low[2] + row / size[1]);
            let at = self.low[0] + grid.size[0] * (y + grid.size[1] * z);
            voxels[at..at + size[0]].copy_from_slice(from);
        }
        Mask::new(grid.clone(), voxels)
    }
}
