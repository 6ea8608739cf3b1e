//! Surface of a region: marching cubes on the binary mask at level ½, its area, its volume and its extent.

mod contour;
pub mod diameter;
mod hull;
mod surface;
mod table;

pub use contour::{Contour, contour};
pub use hull::{Hull, convex_hull};
pub use surface::{Surface, surface};

use crate::error::{Error, Result};
use crate::geometry::MAX_VOXELS;
use crate::region::Region;

/// A region's mask with one voxel of padding.
#[derive(Debug)]
pub struct PaddedMask {
    /// Voxels of the padded box along x, y, z.
    pub(crate) size: [usize; 3],
    /// Millimetres along x, y, z.
    pub(crate) spacing: [f64; 3],
    /// 1 inside, 0 outside.
    pub(crate) voxels: Vec<u8>,
}

impl PaddedMask {
    /// Pads the mask of a region.
    pub fn new(region: &Region) -> Result<Self> {
        Self::from_box(region.size, region.spacing, &region.inside)
    }

    /// Pads a box of memberships, x fastest; there are as many as the sizes say.
    pub(crate) fn from_box(inner: [usize; 3], spacing: [f64; 3], inside: &[bool]) -> Result<Self> {
        let size = inner.map(|n| n.saturating_add(2));
        let length = size.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        let Some(length) = length.filter(|&n| n <= MAX_VOXELS) else {
            return Err(Error::BadSize {
                size,
                limit: MAX_VOXELS,
            });
        };
        let mut voxels = vec![0u8; length];
        for (row, source) in inside.chunks_exact(inner[0]).enumerate() {
            let (y, z) = (row % inner[1] + 1, row / inner[1] + 1);
            let at = 1 + size[0] * (y + size[1] * z);
            for (to, &from) in voxels[at..].iter_mut().zip(source) {
                *to = u8::from(from);
            }
        }
        Ok(Self {
            size,
            spacing,
            voxels,
        })
    }

    /// Vertices of the mesh: midpoints between a voxel inside and a face neighbour outside, as twice (x, y, z) in voxels
    /// of the padded box.
    pub fn vertices(&self) -> Vec<[i32; 3]> {
        let [nx, ny, nz] = self.size;
        let mut found = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                let row = nx * (y + ny * z);
                let here = &self.voxels[row..row + nx];
                let mut compare = |other: &[u8], step: [i32; 3]| {
                    for (x, (a, b)) in here.iter().zip(other).enumerate() {
                        if a != b {
                            found.push([
                                2 * x as i32 + step[0],
                                2 * y as i32 + step[1],
                                2 * z as i32 + step[2],
                            ]);
                        }
                    }
                };
                compare(&self.voxels[row + 1..row + nx], [1, 0, 0]);
                if y + 1 < ny {
                    compare(&self.voxels[row + nx..row + 2 * nx], [0, 1, 0]);
                }
                if z + 1 < nz {
                    let above = row + nx * ny;
                    compare(&self.voxels[above..above + nx], [0, 0, 1]);
                }
            }
        }
        found
    }
}
