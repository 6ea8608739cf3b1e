//! Interpolation along one axis.

use super::{Interpolator, bspline};

/// For every position of the new axis: up to four voxels of the old one and their weights.
pub(super) struct Axis {
    taps: Vec<([usize; 4], [f64; 4])>,
    /// How many of the four are used.
    used: usize,
}

impl Axis {
    /// Positions are continuous indices of the whole axis, of which voxels from `low` on (`size` of them) are at hand.
    pub(super) fn new(positions: &[f64], low: usize, size: usize, interpolator: Interpolator) -> Self {
        let last = (size - 1) as f64;
        let tap = |&position: &f64| {
            let at = position - low as f64;
            match interpolator {
                Interpolator::Nearest => {
                    // Half-way positions go up; the sum is taken on the whole axis, as ITK takes it.
                    let nearest = ((position + 0.5).floor() - low as f64).clamp(0.0, last) as usize;
                    ([nearest, 0, 0, 0], [1.0, 0.0, 0.0, 0.0])
                }
                Interpolator::Linear => {
                    let at = at.clamp(0.0, last);
                    let base = at.floor();
                    let next = (base + 1.0).min(last);
                    (
                        [base as usize, next as usize, 0, 0],
                        [1.0 - (at - base), at - base, 0.0, 0.0],
                    )
                }
                Interpolator::BSpline => bspline::taps(at, size),
            }
        };
        let used = match interpolator {
            Interpolator::Nearest => 1,
            Interpolator::Linear => 2,
            Interpolator::BSpline => 4,
        };
        Self {
            taps: positions.iter().map(tap).collect(),
            used,
        }
    }

    /// Applies the weights along `axis` of a box of `size`.
    pub(super) fn apply(&self, data: &[f64], size: [usize; 3], axis: usize) -> Vec<f64> {
        let inner: usize = size[..axis].iter().product();
        let outer: usize = size[axis + 1..].iter().product();
        let mut result = Vec::with_capacity(inner * self.taps.len() * outer);
        for block in data.chunks_exact(inner * size[axis]).take(outer) {
            for (voxels, weights) in &self.taps {
                let at = result.len();
                let line = |k: usize| &block[voxels[k] * inner..(voxels[k] + 1) * inner];
                result.extend(line(0).iter().map(|v| v * weights[0]));
                for (k, weight) in weights.iter().enumerate().take(self.used).skip(1) {
                    for (sum, v) in result[at..].iter_mut().zip(line(k)) {
                        *sum += v * weight;
                    }
                }
            }
        }
        result
    }
}
