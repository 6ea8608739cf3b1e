//! Grey levels in a padded box: neighbours of a voxel are fixed offsets away and need no bounds of their own.

use crate::error::{Error, Result};
use crate::geometry::MAX_VOXELS;
use crate::region::Region;

/// Most grey levels: levels are stored in 16 bits.
pub const MAX_LEVELS: usize = 60_000;

/// A discretised region. Level 0 is "outside", both in the box and in the padding around it.
#[derive(Debug, Clone)]
pub struct Levels {
    /// Voxels of the box (without padding) along x, y, z.
    pub size: [usize; 3],
    /// Millimetres between voxel centres along x, y, z.
    pub spacing: [f64; 3],
    /// Voxels of padding on every side: the largest neighbour distance asked for.
    pub(crate) pad: usize,
    /// Distance in `grey` between neighbours along x, y, z.
    pub(crate) stride: [usize; 3],
    /// Grey level per voxel of the padded box.
    pub(crate) grey: Vec<u16>,
    /// Index (from 1) of the grey level among those present, per voxel of the padded box; `None` where it equals `grey`.
    dense: Option<Vec<u16>>,
    /// The levels that occur, ascending.
    pub present: Vec<u16>,
    /// Voxels per level that occurs.
    pub histogram: Vec<u32>,
    /// Indices into `grey` of the member voxels, ascending.
    pub(crate) members: Vec<u32>,
}

impl Levels {
    /// Pads the levels of a region's box (as [`crate::Discretisation::apply`] returns them).
    pub fn new(region: &Region, levels: &[u16], pad: usize) -> Result<Self> {
        let size = region.size;
        if levels.len() != region.values.len() {
            return Err(Error::WrongLength {
                size,
                expected: region.values.len(),
                got: levels.len(),
            });
        }
        let pad = pad.max(1);
        let padded = size.map(|n| n.saturating_add(2 * pad));
        let length = padded.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        let Some(length) = length.filter(|&n| n <= MAX_VOXELS) else {
            return Err(Error::BadSize {
                size: padded,
                limit: MAX_VOXELS,
            });
        };
        let stride = [1, padded[0], padded[0] * padded[1]];
        let mut grey = vec![0u16; length];
        let mut members = Vec::with_capacity(region.count);
        let largest = levels.iter().copied().max().unwrap_or(0);
        let mut counts = vec![0u32; usize::from(largest).min(MAX_LEVELS) + 1];
        for (row, source) in levels.chunks_exact(size[0]).enumerate() {
            let at = pad + stride[1] * (row % size[1] + pad) + stride[2] * (row / size[1] + pad);
            for (x, &level) in source.iter().enumerate() {
                if level == 0 {
                    continue;
                }
                let Some(count) = counts.get_mut(usize::from(level)) else {
                    return Err(Error::TooManyLevels {
                        levels: f64::from(level),
                        limit: MAX_LEVELS,
                    });
                };
                *count += 1;
                grey[at + x] = level;
                members.push((at + x) as u32);
            }
        }
        if members.is_empty() {
            return Err(Error::EmptyMask);
        }
        let present: Vec<u16> = (1..=largest).filter(|&g| counts[usize::from(g)] > 0).collect();
        let histogram = present.iter().map(|&g| counts[usize::from(g)]).collect();
        let highest = present.last().map_or(0, |&g| usize::from(g));
        let dense = (highest > present.len()).then(|| {
            let mut index = vec![0u16; highest + 1];
            for (k, &g) in present.iter().enumerate() {
                index[usize::from(g)] = k as u16 + 1;
            }
            grey.iter().map(|&g| index[usize::from(g)]).collect()
        });
        Ok(Self {
            size,
            spacing: region.spacing,
            pad,
            stride,
            grey,
            dense,
            present,
            histogram,
            members,
        })
    }

    /// Indices (from 1) among the levels that occur, padded.
    pub(crate) fn dense(&self) -> &[u16] {
        self.dense.as_deref().unwrap_or(&self.grey)
    }

    /// Highest grey level: PyRadiomics' and IBSI's N_g.
    pub fn highest(&self) -> usize {
        self.present.last().map_or(0, |&g| usize::from(g))
    }

    /// Distance in the padded box for an offset in voxels.
    pub(crate) fn delta(&self, offset: [i32; 3]) -> isize {
        (0..3).map(|k| offset[k] as isize * self.stride[k] as isize).sum()
    }

    /// Position in the box (without padding) of a padded index.
    pub(crate) fn position(&self, index: u32) -> [usize; 3] {
        let index = index as usize;
        let (z, rest) = (index / self.stride[2], index % self.stride[2]);
        [
            rest % self.stride[1] - self.pad,
            rest / self.stride[1] - self.pad,
            z - self.pad,
        ]
    }

    /// Member voxels of each slice that has any, for IBSI's 2D aggregation.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u32]> {
        let plane = self.stride[2] as u32;
        self.members.chunk_by(move |a, b| a / plane == b / plane)
    }
}
