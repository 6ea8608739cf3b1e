//! Exact Euclidean distance transform: lower envelopes of parabolas (Felzenszwalb & Huttenlocher, *Distance Transforms of
//! Sampled Functions*, Theory of Computing 8, 2012), one axis after the other, with a spacing per axis. Linear time.

/// Squared distance (mm²) from each voxel's centre to the nearest member's; infinite without members.
pub(super) fn squared(size: [usize; 3], spacing: [f64; 3], members: &[bool]) -> Vec<f64> {
    let mut field: Vec<f64> = members
        .iter()
        .map(|&m| if m { 0.0 } else { f64::INFINITY })
        .collect();
    let strides = [1, size[0], size[0] * size[1]];
    let longest = size.iter().copied().max().unwrap_or(0);
    let mut line = Line {
        values: Vec::with_capacity(longest),
        roots: Vec::with_capacity(longest),
    };
    for axis in 0..3 {
        let (n, stride) = (size[axis], strides[axis]);
        if n < 2 {
            continue;
        }
        for block in field.chunks_exact_mut(stride * n) {
            for first in 0..stride {
                line.transform(&mut block[first..], stride, n, spacing[axis]);
            }
        }
    }
    field
}

/// Buffers of one line.
struct Line {
    values: Vec<f64>,
    /// Parabolas of the envelope: the voxel of the vertex, and where it begins to be the lowest.
    roots: Vec<(usize, f64)>,
}

impl Line {
    fn transform(&mut self, field: &mut [f64], stride: usize, n: usize, spacing: f64) {
        self.values.clear();
        self.values.extend(field.iter().step_by(stride).take(n));
        self.roots.clear();
        let squared = spacing * spacing;
        for (q, &value) in self.values.iter().enumerate() {
            if value == f64::INFINITY {
                continue;
            }
            let mut from = f64::NEG_INFINITY;
            while let Some(&(p, begin)) = self.roots.last() {
                // Where the parabolas of p and q are equal, in voxels.
                let (low, high) = (p as f64, q as f64);
                from = 0.5 * ((value - self.values[p]) / (squared * (high - low)) + high + low);
                if from > begin {
                    break;
                }
                self.roots.pop();
                from = f64::NEG_INFINITY;
            }
            self.roots.push((q, from));
        }
        if self.roots.is_empty() {
            return;
        }
        let mut k = 0;
        for (q, to) in field.iter_mut().step_by(stride).take(n).enumerate() {
            while k + 1 < self.roots.len() && self.roots[k + 1].1 < q as f64 {
                k += 1;
            }
            let p = self.roots[k].0;
            let apart = q.abs_diff(p) as f64 * spacing;
            *to = self.values[p] + apart * apart;
        }
    }
}
