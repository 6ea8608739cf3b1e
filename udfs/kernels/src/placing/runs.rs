//! Runs of member pixels: what is kept of frames until the box of the result is known.

use super::lattice::Footprint;
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::mask::Mask;
use crate::placed::PlacedMask;

/// Most runs; beyond it a segmentation is noise. 320 MB.
const MAX_RUNS: usize = 1 << 24;

struct Run {
    first: [u32; 3],
    axis: u8,
    length: u32,
}

/// Runs within a grid, and their box.
pub(super) struct Runs {
    size: [i64; 3],
    low: [i64; 3],
    high: [i64; 3],
    runs: Vec<Run>,
}

impl Runs {
    /// Of a checked lattice: its axes are short enough for the counts of a run.
    pub(super) fn new(grid: &Geometry) -> Self {
        Self {
            size: grid.size.map(|n| n as i64),
            low: [i64::MAX; 3],
            high: [i64::MIN; 3],
            runs: Vec::new(),
        }
    }

    /// Adds the members of a frame; returns how many are outside the grid.
    pub(super) fn add(&mut self, footprint: &Footprint, columns: usize, pixels: &[bool]) -> Result<usize> {
        let mut outside = 0;
        for (row, pixels) in pixels.chunks_exact(columns).enumerate() {
            let mut column = 0;
            while let Some(skipped) = pixels[column..].iter().position(|&v| v) {
                let first = column + skipped;
                column = pixels[first..]
                    .iter()
                    .position(|&v| !v)
                    .map_or(columns, |n| first + n);
                let ends = [first, column - 1].map(|c| footprint.voxel(c as i64, row as i64));
                let kept = self.push(footprint.along[0].0, ends);
                outside += column - first - kept;
            }
            if self.runs.len() > MAX_RUNS {
                return Err(Error::TooMany {
                    what: "runs of pixels of a segment",
                    got: self.runs.len(),
                    limit: MAX_RUNS,
                });
            }
        }
        Ok(outside)
    }

    /// Keeps what is within the grid of a run; returns how many voxels that are.
    fn push(&mut self, axis: usize, [a, b]: [[i64; 3]; 2]) -> usize {
        let from: [i64; 3] = std::array::from_fn(|k| a[k].min(b[k]).max(0));
        let to: [i64; 3] = std::array::from_fn(|k| a[k].max(b[k]).min(self.size[k] - 1));
        if (0..3).any(|k| from[k] > to[k]) {
            return 0;
        }
        for k in 0..3 {
            self.low[k] = self.low[k].min(from[k]);
            self.high[k] = self.high[k].max(to[k]);
        }
        let length = to[axis] - from[axis] + 1;
        self.runs.push(Run {
            first: from.map(|v| v as u32),
            axis: axis as u8,
            length: length as u32,
        });
        length as usize
    }

    /// The mask of the runs' box. Fails where it has more voxels than a mask may.
    pub(super) fn finish(self, grid: &Geometry) -> Result<Option<PlacedMask>> {
        if self.runs.is_empty() {
            return Ok(None);
        }
        let [low, high] = [self.low, self.high].map(|v| v.map(|v| v as usize));
        let geometry = grid.crop(low, high);
        geometry.check()?;
        let mut voxels = vec![false; geometry.len()];
        let strides = [1, geometry.size[0], geometry.size[0] * geometry.size[1]];
        for run in self.runs {
            let first: usize = (0..3)
                .map(|k| (run.first[k] as usize - low[k]) * strides[k])
                .sum();
            let stride = strides[usize::from(run.axis)];
            voxels[first..]
                .iter_mut()
                .step_by(stride)
                .take(run.length as usize)
                .for_each(|v| *v = true);
        }
        let mask = Mask::new(geometry, voxels)?;
        Ok(Some(PlacedMask { low, mask }))
    }
}
