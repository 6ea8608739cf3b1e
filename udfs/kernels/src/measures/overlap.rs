//! Two masks of one lattice: where one lies in the other's voxels, and what they share.

use crate::error::{Error, Result};
use crate::geometry::{Geometry, invert, multiply};
use crate::mask::Mask;

/// Share of a voxel by which corners of one box may miss the other's voxels.
const MISS: f64 = 0.01;

/// Voxels of two masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// Voxels of the first.
    pub first: usize,
    /// Voxels of the second.
    pub second: usize,
    /// Voxels of both.
    pub both: usize,
}

/// The voxel of `a` (may be outside its box) at which `b` begins. Fails where their voxels are not the same.
pub(super) fn offset(a: &Geometry, b: &Geometry) -> Result<[i64; 3]> {
    let inverse = invert(&a.index_to_physical()).ok_or(Error::BadDirection)?;
    let index = |at: [f64; 3]| {
        let physical = b.physical(at);
        multiply(&inverse, std::array::from_fn(|k| physical[k] - a.origin[k]))
    };
    let start = index([0.0; 3]);
    if !start.iter().all(|v| v.abs() < 1e9) {
        return Err(Error::LatticeMismatch {
            reason: "they are too far apart",
        });
    }
    if start.iter().any(|v| (v - v.round()).abs() > MISS) {
        return Err(Error::LatticeMismatch {
            reason: "one is shifted by a part of a voxel",
        });
    }
    for corner in 0..8 {
        // One beyond the last voxel: a box one voxel thick has a spacing too.
        let at = std::array::from_fn(|k| {
            if corner >> k & 1 == 1 {
                b.size[k] as f64
            } else {
                0.0
            }
        });
        let found = index(at);
        if (0..3).any(|k| (found[k] - start[k].round() - at[k]).abs() > MISS) {
            return Err(Error::LatticeMismatch {
                reason: "spacing or orientation differ",
            });
        }
    }
    Ok(start.map(|v| v.round() as i64))
}

/// Counts voxels of two masks on boxes of one lattice.
pub fn overlap(a: &Mask, b: &Mask) -> Result<Overlap> {
    let offset = offset(&a.geometry, &b.geometry)?;
    let [sa, sb] = [a.geometry.size, b.geometry.size];
    // The part of `b`'s box that is in `a`'s, in voxels of `b`.
    let low: [i64; 3] = offset.map(|v| (-v).max(0));
    let high: [i64; 3] = std::array::from_fn(|k| (sa[k] as i64 - offset[k]).min(sb[k] as i64));
    let mut both = 0;
    if (0..3).all(|k| low[k] < high[k]) {
        let length = (high[0] - low[0]) as usize;
        let row = |size: [usize; 3], [x, y, z]: [i64; 3]| {
            x as usize + size[0] * (y as usize + size[1] * z as usize)
        };
        for z in low[2]..high[2] {
            for y in low[1]..high[1] {
                let (at_b, at_a) = (
                    row(sb, [low[0], y, z]),
                    row(sa, [low[0] + offset[0], y + offset[1], z + offset[2]]),
                );
                both += a.voxels[at_a..at_a + length]
                    .iter()
                    .zip(&b.voxels[at_b..at_b + length])
                    .filter(|(a, b)| **a && **b)
                    .count();
            }
        }
    }
    Ok(Overlap {
        first: a.count(),
        second: b.count(),
        both,
    })
}

/// Dice's coefficient, 2·|A∩B| / (|A|+|B|), as SimpleITK's `LabelOverlapMeasuresImageFilter` computes it: 0 where one
/// mask is empty. Fails where both are, and on different lattices.
pub fn dice(a: &Mask, b: &Mask) -> Result<f64> {
    let found = overlap(a, b)?;
    let all = found.first + found.second;
    if all == 0 {
        return Err(Error::EmptyMask);
    }
    Ok(2.0 * found.both as f64 / all as f64)
}
