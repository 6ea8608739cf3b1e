//! Whether the pixels of a frame are voxels of a grid, and which.

use crate::geometry::{Geometry, multiply};
use crate::planes::{IN_PLANE_TOLERANCE, Plane};

/// Where pixel (column, row) of a frame lies: `base + column · along[0] + row · along[1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Footprint {
    /// Voxel of the first pixel; may be outside the grid.
    pub(super) base: [i64; 3],
    /// Axis and sign of increasing columns, of increasing rows.
    pub(super) along: [(usize, i64); 2],
    /// Columns, rows.
    size: [i64; 2],
}

/// Distance from a voxel centre that still is that voxel, in voxels along `axis`.
pub(super) fn tolerance(grid: &Geometry, axis: usize) -> f64 {
    (IN_PLANE_TOLERANCE / grid.spacing[axis]).min(0.25)
}

impl Footprint {
    /// `None` where the pixels are no voxels of the grid. `inverse` is that of the grid's index-to-physical matrix, `axes`
    /// the plane's.
    pub(super) fn new(
        grid: &Geometry,
        inverse: &[f64; 9],
        plane: &Plane,
        axes: [[f64; 3]; 3],
    ) -> Option<Self> {
        let apart = std::array::from_fn(|k| plane.position[k] - grid.origin[k]);
        let start = multiply(inverse, apart);
        let columns = multiply(inverse, axes[0].map(|v| v * plane.spacing[1]));
        let rows = multiply(inverse, axes[1].map(|v| v * plane.spacing[0]));
        let along = [unit(columns)?, unit(rows)?];
        if along[0].0 == along[1].0 || start.iter().any(|v| v.abs() > 1e12) {
            return None;
        }
        let found = Self {
            base: start.map(|v| v.round() as i64),
            along,
            size: [plane.size[1] as i64, plane.size[0] as i64],
        };
        for corner in [[0, 0], [1, 0], [0, 1], [1, 1]] {
            let [c, r] = [0, 1].map(|k: usize| corner[k] * (found.size[k] - 1));
            let voxel = found.voxel(c, r);
            for k in 0..3 {
                let exact = start[k] + columns[k] * c as f64 + rows[k] * r as f64;
                if (exact - voxel[k] as f64).abs() > tolerance(grid, k) {
                    return None;
                }
            }
        }
        Some(found)
    }

    /// The voxel of a pixel.
    pub(super) fn voxel(&self, column: i64, row: i64) -> [i64; 3] {
        let mut voxel = self.base;
        for ((axis, sign), steps) in self.along.into_iter().zip([column, row]) {
            voxel[axis] += sign * steps;
        }
        voxel
    }

    /// Smallest and largest voxel.
    pub(super) fn corners(&self) -> [[i64; 3]; 2] {
        let far = self.voxel(self.size[0] - 1, self.size[1] - 1);
        [
            std::array::from_fn(|k| self.base[k].min(far[k])),
            std::array::from_fn(|k| self.base[k].max(far[k])),
        ]
    }

    /// The axis of the grid that is normal to the frame.
    pub(super) fn normal(&self) -> usize {
        3 - self.along[0].0 - self.along[1].0
    }
}

/// Axis and sign of a step that is one voxel along one axis, roughly: the corners say how exactly.
fn unit(step: [f64; 3]) -> Option<(usize, i64)> {
    let rounded = step.map(f64::round);
    let axis = rounded.iter().position(|v| v.abs() == 1.0)?;
    let others = (0..3).all(|k| k == axis || rounded[k] == 0.0);
    // A frame of one row or column has no far corner that could tell another spacing.
    let one = (step[axis].abs() - 1.0).abs() < 0.25;
    (others && one).then_some((axis, rounded[axis] as i64))
}
