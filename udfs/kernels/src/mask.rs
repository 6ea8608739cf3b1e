//! The voxels of a region of interest.

use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// A set of voxels on a grid, x fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// The grid.
    pub geometry: Geometry,
    /// `true` where the voxel belongs to the region.
    pub voxels: Vec<bool>,
}

/// Smallest box that holds a region; both corners inclusive, in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundingBox {
    /// Smallest x, y, z.
    pub low: [usize; 3],
    /// Largest x, y, z.
    pub high: [usize; 3],
}

impl BoundingBox {
    /// Voxels along x, y, z.
    pub fn size(&self) -> [usize; 3] {
        std::array::from_fn(|k| self.high[k] + 1 - self.low[k])
    }

    /// The box grown by `margin` voxels on every side, within `limit` voxels.
    pub fn grow(&self, margin: usize, limit: [usize; 3]) -> Self {
        Self {
            low: self.low.map(|v| v.saturating_sub(margin)),
            high: std::array::from_fn(|k| {
                self.high[k]
                    .saturating_add(margin)
                    .min(limit[k].saturating_sub(1))
            }),
        }
    }

    /// Axes along which the box is longer than one voxel.
    pub fn dimensions(&self) -> usize {
        self.size().iter().filter(|&&n| n > 1).count()
    }
}

impl Mask {
    /// Takes a buffer of memberships. Fails if its length is not the grid's.
    pub fn new(geometry: Geometry, voxels: Vec<bool>) -> Result<Self> {
        geometry.check()?;
        if voxels.len() != geometry.len() {
            return Err(Error::WrongLength {
                size: geometry.size,
                expected: geometry.len(),
                got: voxels.len(),
            });
        }
        Ok(Self { geometry, voxels })
    }

    /// The voxels of a label map that carry `label`.
    pub fn from_labels<T: PartialEq>(geometry: Geometry, labels: &[T], label: &T) -> Result<Self> {
        Self::new(geometry, labels.iter().map(|v| v == label).collect())
    }

    /// Number of voxels inside.
    pub fn count(&self) -> usize {
        self.voxels.iter().filter(|&&v| v).count()
    }

    /// The smallest box that holds the region.
    pub fn bounding_box(&self) -> Result<BoundingBox> {
        let [nx, ny, _] = self.geometry.size;
        let mut found: Option<BoundingBox> = None;
        for (row, voxels) in self.voxels.chunks_exact(nx).enumerate() {
            // Most rows are empty; the fold has no early exit and is vectorised.
            if !voxels.iter().fold(false, |any, &v| any | v) {
                continue;
            }
            let first = voxels.iter().position(|&v| v).unwrap_or(0);
            let last = voxels.iter().rposition(|&v| v).unwrap_or(first);
            let (y, z) = (row % ny, row / ny);
            let bounds = found.get_or_insert(BoundingBox {
                low: [first, y, z],
                high: [last, y, z],
            });
            bounds.low = [bounds.low[0].min(first), bounds.low[1].min(y), bounds.low[2]];
            bounds.high = [bounds.high[0].max(last), bounds.high[1].max(y), z];
        }
        found.ok_or(Error::EmptyMask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounding_box_is_tight() {
        let grid = Geometry::new([5, 4, 3], [1.0; 3]).unwrap();
        let mut labels = vec![0u8; 60];
        labels[1 + 5 * (2 + 4)] = 7;
        labels[3 + 5 * (1 + 4 * 2)] = 7;
        let mask = Mask::from_labels(grid, &labels, &7).unwrap();
        assert_eq!(
            mask.bounding_box().unwrap(),
            BoundingBox {
                low: [1, 1, 1],
                high: [3, 2, 2]
            }
        );
        assert_eq!(mask.count(), 2);
        let empty = Mask {
            voxels: vec![false; 60],
            ..mask
        };
        assert_eq!(empty.bounding_box(), Err(Error::EmptyMask));
    }
}
