//! What a region measures, and how far two regions agree: volume, centroid, diameters, Dice, Hausdorff.
//!
//! Two masks may keep different boxes of one grid: they are compared voxel by voxel where their lattices are the same,
//! and refused where they are not.

mod distance;
mod edt;
mod overlap;

pub use distance::{MAX_DISTANCE_VOXELS, SurfaceDistances, hausdorff_mm, surface_distances};
pub use overlap::{Overlap, dice, overlap};

use crate::error::{Error, Result};
use crate::mask::Mask;
use crate::mesh::{PaddedMask, diameter};

/// Volume of the member voxels, ml: their number times a voxel's volume (IBSI YEKZ, by 1000).
pub fn volume_ml(mask: &Mask) -> f64 {
    mask.count() as f64 * mask.geometry.voxel_volume() / 1000.0
}

/// Mean of the member voxels' centres in the patient, mm. Fails on an empty mask.
pub fn centroid(mask: &Mask) -> Result<[f64; 3]> {
    let [nx, ny, _] = mask.geometry.size;
    let (mut count, mut sums) = (0u64, [0u64; 3]);
    for (row, voxels) in mask.voxels.chunks_exact(nx.max(1)).enumerate() {
        let (mut here, mut x) = (0, 0);
        for (at, _) in voxels.iter().enumerate().filter(|(_, member)| **member) {
            here += 1;
            x += at as u64;
        }
        count += here;
        sums[0] += x;
        sums[1] += here * (row % ny) as u64;
        sums[2] += here * (row / ny) as u64;
    }
    if count == 0 {
        return Err(Error::EmptyMask);
    }
    Ok(mask.geometry.physical(sums.map(|s| s as f64 / count as f64)))
}

/// Largest diameters of a region, mm, between vertices of its surface mesh: half a voxel beyond the outermost centres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaxDiameters {
    /// PyRadiomics' Maximum3DDiameter and the three Maximum2DDiameters, within the grid's planes.
    pub planes: diameter::Diameters,
    /// Within planes of the grid that are axial, or nearest to it: what a reader measures on axial slices (RECIST 1.1
    /// asks for the longest diameter in the plane of measurement).
    pub axial: f64,
}

/// Diameters as PyRadiomics 3.0.1 defines them. Fails on an empty mask.
pub fn max_diameters(mask: &Mask) -> Result<MaxDiameters> {
    let bounds = mask.bounding_box()?;
    let [nx, ny, _] = mask.geometry.size;
    let mut inside = Vec::with_capacity(bounds.size().iter().product());
    for z in bounds.low[2]..=bounds.high[2] {
        for y in bounds.low[1]..=bounds.high[1] {
            let row = nx * (y + ny * z);
            inside.extend_from_slice(&mask.voxels[row + bounds.low[0]..=row + bounds.high[0]]);
        }
    }
    let padded = PaddedMask::from_box(bounds.size(), mask.geometry.spacing, &inside)?;
    let (planes, _) = diameter::diameters(&padded.vertices(), padded.spacing);
    let cranial = |axis: usize| mask.geometry.direction[6 + axis].abs();
    let axial = if cranial(2) >= cranial(0).max(cranial(1)) {
        planes.slice
    } else if cranial(1) >= cranial(0) {
        planes.column
    } else {
        planes.row
    };
    Ok(MaxDiameters { planes, axial })
}

#[cfg(test)]
mod tests;
