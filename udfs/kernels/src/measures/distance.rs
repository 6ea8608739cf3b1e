//! Distances between two regions, mm, exact, between voxel centres.

use super::edt;
use super::overlap::offset;
use crate::error::{Error, Result};
use crate::mask::Mask;

/// Most voxels of the box around both masks: distances need eight bytes each, 1 GiB.
pub const MAX_DISTANCE_VOXELS: usize = 1 << 27;

/// Distances between the surfaces of two regions, mm. A surface is the voxels of a region with a face neighbour that is
/// not of it, or is outside the mask's box; distances are from each such voxel's centre to the nearest of the other's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceDistances {
    /// Greatest of both directions.
    pub largest: f64,
    /// The 95th percentile of each direction (linear between ranks), the greater of the two, as *Metrics Reloaded* and MONAI
    /// define HD95.
    pub percentile_95: f64,
    /// Mean over the voxels of both surfaces (average symmetric surface distance).
    pub mean: f64,
}

/// Both masks in the box around both.
struct Pair {
    size: [usize; 3],
    spacing: [f64; 3],
    members: [Vec<bool>; 2],
}

impl Pair {
    fn new(a: &Mask, b: &Mask) -> Result<Self> {
        let offset = offset(&a.geometry, &b.geometry)?;
        let (in_a, in_b) = (a.bounding_box()?, b.bounding_box()?);
        let shifted = |v: [usize; 3]| -> [i64; 3] { std::array::from_fn(|k| v[k] as i64 + offset[k]) };
        let (low_b, high_b) = (shifted(in_b.low), shifted(in_b.high));
        let low: [i64; 3] = std::array::from_fn(|k| low_b[k].min(in_a.low[k] as i64));
        let size: [usize; 3] =
            std::array::from_fn(|k| (high_b[k].max(in_a.high[k] as i64) - low[k] + 1) as usize);
        let voxels = size.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        let Some(voxels) = voxels.filter(|&n| n <= MAX_DISTANCE_VOXELS) else {
            return Err(Error::BadSize {
                size,
                limit: MAX_DISTANCE_VOXELS,
            });
        };
        let members = [(a, [0; 3]), (b, offset)].map(|(mask, offset): (&Mask, [i64; 3])| {
            let mut members = vec![false; voxels];
            let [nx, ny, _] = mask.geometry.size;
            for (row, from) in mask.voxels.chunks_exact(nx).enumerate() {
                let (y, z) = ((row % ny) as i64 + offset[1], (row / ny) as i64 + offset[2]);
                for (x, _) in from.iter().enumerate().filter(|(_, member)| **member) {
                    let [x, y, z] =
                        [x as i64 + offset[0] - low[0], y - low[1], z - low[2]].map(|v| v as usize);
                    members[x + size[0] * (y + size[1] * z)] = true;
                }
            }
            members
        });
        Ok(Self {
            size,
            spacing: a.geometry.spacing,
            members,
        })
    }

    /// Squared distances from the members of one to the nearest of the other.
    fn directed(&self, from: &[bool], to: &[bool]) -> Vec<f64> {
        let field = edt::squared(self.size, self.spacing, to);
        field
            .iter()
            .zip(from)
            .filter(|(_, member)| **member)
            .map(|(d, _)| *d)
            .collect()
    }

    /// The members with a face neighbour that is none.
    fn surface(&self, members: &[bool]) -> Vec<bool> {
        let [nx, ny, nz] = self.size;
        let mut surface = members.to_vec();
        for z in 1..nz.saturating_sub(1) {
            for y in 1..ny.saturating_sub(1) {
                for x in 1..nx.saturating_sub(1) {
                    let at = x + nx * (y + ny * z);
                    let buried = [1, nx, nx * ny]
                        .iter()
                        .all(|step| members[at - step] && members[at + step]);
                    surface[at] &= !buried;
                }
            }
        }
        surface
    }
}

/// Hausdorff distance between two sets of voxels, mm: the greatest distance from a voxel of one to the nearest of the
/// other, inner voxels included, as SimpleITK's `HausdorffDistanceImageFilter` defines it. Fails on empty masks, on
/// different lattices, and where the box around both has more than [`MAX_DISTANCE_VOXELS`].
pub fn hausdorff_mm(a: &Mask, b: &Mask) -> Result<f64> {
    let pair = Pair::new(a, b)?;
    let [a, b] = &pair.members;
    let largest = |found: Vec<f64>| found.into_iter().fold(0.0, f64::max);
    Ok(largest(pair.directed(a, b))
        .max(largest(pair.directed(b, a)))
        .sqrt())
}

/// Distances between the surfaces of two regions; fails as [`hausdorff_mm`] does.
pub fn surface_distances(a: &Mask, b: &Mask) -> Result<SurfaceDistances> {
    let pair = Pair::new(a, b)?;
    let [a, b] = [0, 1].map(|k: usize| pair.surface(&pair.members[k]));
    let mut found = SurfaceDistances {
        largest: 0.0,
        percentile_95: 0.0,
        mean: 0.0,
    };
    let mut count = 0;
    for (from, to) in [(&a, &b), (&b, &a)] {
        let mut distances = pair.directed(from, to);
        distances.iter_mut().for_each(|d| *d = d.sqrt());
        distances.sort_by(f64::total_cmp);
        count += distances.len();
        found.mean += distances.iter().sum::<f64>();
        found.largest = found.largest.max(distances[distances.len() - 1]);
        found.percentile_95 = found.percentile_95.max(percentile(&distances, 0.95));
    }
    found.mean /= count as f64;
    Ok(found)
}

/// Linear between ranks, as NumPy's default.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * (sorted.len() - 1) as f64;
    let (low, part) = (rank.floor() as usize, rank.fract());
    let next = sorted[(low + 1).min(sorted.len() - 1)];
    sorted[low] + part * (next - sorted[low])
}
