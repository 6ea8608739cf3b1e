//! Laplacian of Gaussian: PyRadiomics `getLoGImage` (ITK `LaplacianRecursiveGaussianImageFilter`, after Deriche 1993).

use std::ops::Range;

use super::check_box;
use crate::error::{Error, Result};
use crate::mask::BoundingBox;
use crate::resample::crop_volume;
use crate::volume::{PixelType, Volume};

/// Samples that matter on each side, in standard deviations: the filter's response has fallen by e⁻²⁰ there,
/// below single precision.
const REACH: f64 = 15.0;
/// Lines that are filtered at once.
const LANES: usize = 8;

/// Laplacian of the image smoothed by a Gaussian of `sigma` mm, times σ², over a box of the image. Single precision
/// between the passes, as in ITK. Fails for images of fewer than four voxels, or than σ/spacing + 1, along an axis.
pub fn laplacian_of_gaussian(image: &Volume, bounds: BoundingBox, sigma: f64) -> Result<Volume> {
    check_box(image, bounds)?;
    let (size, spacing) = (image.geometry.size, image.geometry.spacing);
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(Error::BadSetting {
            name: "sigma",
            reason: "must be finite and above zero".to_owned(),
        });
    }
    if (0..3).any(|k| size[k] < 4 || (size[k] as f64) < (sigma / spacing[k]).ceil() + 1.0) {
        let reason = format!("the image is too small for a Gaussian of {sigma} mm");
        return Err(Error::BadSetting {
            name: "sigma",
            reason,
        });
    }
    let reach: [usize; 3] = std::array::from_fn(|k| (REACH * sigma / spacing[k]).ceil() as usize + 4);
    let low: [usize; 3] = std::array::from_fn(|k| bounds.low[k].saturating_sub(reach[k]));
    let high: [usize; 3] = std::array::from_fn(|k| bounds.high[k].saturating_add(reach[k]).min(size[k] - 1));
    let part = crop_volume(image, low, high);
    let size = bounds.size();
    let mut sum = vec![0.0f32; size.iter().product()];
    for derived in 0..3 {
        let mut data: Vec<f32> = part.values.iter().map(|&v| v as f32).collect();
        let mut extent = part.geometry.size;
        let smoothed = (0..3).filter(|axis| *axis != derived);
        for (axis, order) in
            std::iter::once((derived, Order::Second)).chain(smoothed.map(|a| (a, Order::Zero)))
        {
            // Once an axis is filtered only the box is needed along it.
            let kept = bounds.low[axis] - low[axis]..bounds.high[axis] + 1 - low[axis];
            data = Recursive::new(sigma, spacing[axis], order).apply(&data, extent, axis, kept);
            extent[axis] = size[axis];
        }
        let scale = (spacing[derived] * spacing[derived]) as f32;
        sum.iter_mut().zip(&data).for_each(|(s, v)| *s += v / scale);
    }
    Ok(Volume {
        geometry: image.geometry.crop(bounds.low, bounds.high),
        values: sum.into_iter().map(f64::from).collect(),
        pixel: PixelType::Float32,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    Zero,
    Second,
}

/// Fourth-order recursive approximation of a Gaussian or its second derivative.
struct Recursive {
    n: [f64; 4],
    d: [f64; 4],
    m: [f64; 4],
    bn: [f64; 4],
    bm: [f64; 4],
}

const W: [f64; 2] = [0.6681, 2.0787];
const L: [f64; 2] = [-1.3932, -1.3732];

impl Recursive {
    fn new(sigma: f64, spacing: f64, order: Order) -> Self {
        let s = sigma / spacing;
        let (sin, cos) = (W.map(|w| (w / s).sin()), W.map(|w| (w / s).cos()));
        let exp = L.map(|l| (l / s).exp());
        let numerator = |a: [f64; 2], b: [f64; 2]| -> [f64; 4] {
            [
                a[0] + a[1],
                exp[1] * (b[1] * sin[1] - (a[1] + 2.0 * a[0]) * cos[1])
                    + exp[0] * (b[0] * sin[0] - (a[0] + 2.0 * a[1]) * cos[0]),
                2.0 * exp[0]
                    * exp[1]
                    * ((a[0] + a[1]) * cos[1] * cos[0] - b[0] * cos[1] * sin[0] - b[1] * cos[0] * sin[1])
                    + a[1] * exp[0] * exp[0]
                    + a[0] * exp[1] * exp[1],
                exp[1] * exp[0] * exp[0] * (b[1] * sin[1] - a[1] * cos[1])
                    + exp[0] * exp[1] * exp[1] * (b[0] * sin[0] - a[0] * cos[0]),
            ]
        };
        let d = [
            -2.0 * (exp[1] * cos[1] + exp[0] * cos[0]),
            4.0 * cos[1] * cos[0] * exp[0] * exp[1] + exp[0] * exp[0] + exp[1] * exp[1],
            -2.0 * cos[0] * exp[0] * exp[1] * exp[1] - 2.0 * cos[1] * exp[1] * exp[0] * exp[0],
            exp[0] * exp[0] * exp[1] * exp[1],
        ];
        // Sums of coefficients weighted by 1, k, k².
        let moments = |c: &[f64]| -> [f64; 3] {
            c.iter().enumerate().fold([0.0; 3], |[s, f, q], (k, v)| {
                let k = k as f64;
                [s + v, f + k * v, q + k * k * v]
            })
        };
        let [sd, dd, ed] = moments(&[1.0, d[0], d[1], d[2], d[3]]);
        let smooth = numerator([1.3530, -0.3531], [1.8151, 0.0902]);
        let mut n = smooth;
        let scale = match order {
            Order::Zero => {
                let [sn, ..] = moments(&smooth);
                1.0 / (2.0 * sn / sd - smooth[0])
            }
            Order::Second => {
                let second = numerator([-1.3563, 0.3446], [5.2318, -2.2355]);
                let ([sn0, dn0, en0], [sn2, dn2, en2]) = (moments(&smooth), moments(&second));
                let beta = -(2.0 * sn2 - sd * second[0]) / (2.0 * sn0 - sd * smooth[0]);
                n = std::array::from_fn(|k| second[k] + beta * smooth[k]);
                let (sn, dn, en) = (sn2 + beta * sn0, dn2 + beta * dn0, en2 + beta * en0);
                let alpha =
                    (en * sd * sd - ed * sn * sd - 2.0 * dn * dd * sd + 2.0 * dd * dd * sn) / (sd * sd * sd);
                sigma * sigma / alpha
            }
        };
        n.iter_mut().for_each(|v| *v *= scale);
        let m = [
            n[1] - d[0] * n[0],
            n[2] - d[1] * n[0],
            n[3] - d[2] * n[0],
            -d[3] * n[0],
        ];
        let (sn, sm) = (n.iter().sum::<f64>(), m.iter().sum::<f64>());
        Self {
            n,
            d,
            m,
            bn: d.map(|d| d * sn / sd),
            bm: d.map(|d| d * sm / sd),
        }
    }

    /// Filters along an axis of a box and keeps a range of it.
    fn apply(&self, data: &[f32], size: [usize; 3], axis: usize, kept: Range<usize>) -> Vec<f32> {
        let length = size[axis];
        let inner: usize = size[..axis].iter().product();
        let mut out = vec![0.0; data.len() / length * kept.len()];
        let lines: usize = data.len() / length;
        let mut line = vec![[0.0; LANES]; length];
        let (mut forward, mut backward) = (line.clone(), line.clone());
        for first in (0..lines).step_by(LANES) {
            let lanes = LANES.min(lines - first);
            let starts: [(usize, usize); LANES] = std::array::from_fn(|l| {
                (
                    (first + l.min(lanes - 1)) / inner,
                    (first + l.min(lanes - 1)) % inner,
                )
            });
            for (k, v) in line.iter_mut().enumerate() {
                *v = starts.map(|(block, at)| f64::from(data[(block * length + k) * inner + at]));
            }
            self.run(&line, &mut forward, &mut backward);
            for (to, k) in kept.clone().enumerate() {
                for (lane, (block, at)) in starts.iter().take(lanes).enumerate() {
                    out[(block * kept.len() + to) * inner + at] =
                        (forward[k][lane] + backward[k][lane]) as f32;
                }
            }
        }
        out
    }

    /// Causal and anti-causal pass; the line repeats its end values beyond its ends.
    fn run(&self, line: &[[f64; LANES]], forward: &mut [[f64; LANES]], backward: &mut [[f64; LANES]]) {
        let (length, first, last) = (line.len(), line[0], line[line.len() - 1]);
        for k in 0..length {
            let mut v = [0.0; LANES];
            if k >= 4 {
                let inputs = [line[k], line[k - 1], line[k - 2], line[k - 3]];
                let outputs = [forward[k - 1], forward[k - 2], forward[k - 3], forward[k - 4]];
                for lane in 0..LANES {
                    v[lane] = inputs[0][lane] * self.n[0]
                        + inputs[1][lane] * self.n[1]
                        + inputs[2][lane] * self.n[2]
                        + inputs[3][lane] * self.n[3]
                        - (outputs[0][lane] * self.d[0]
                            + outputs[1][lane] * self.d[1]
                            + outputs[2][lane] * self.d[2]
                            + outputs[3][lane] * self.d[3]);
                }
            } else {
                for j in 0..4 {
                    let input = if j <= k { line[k - j] } else { first };
                    let (output, weight) = if j < k {
                        (forward[k - 1 - j], self.d[j])
                    } else {
                        (first, self.bn[j])
                    };
                    for lane in 0..LANES {
                        v[lane] += input[lane] * self.n[j] - output[lane] * weight;
                    }
                }
            }
            forward[k] = v;
        }
        for back in 0..length {
            let k = length - 1 - back;
            let mut v = [0.0; LANES];
            if back >= 4 {
                let inputs = [line[k + 1], line[k + 2], line[k + 3], line[k + 4]];
                let outputs = [backward[k + 1], backward[k + 2], backward[k + 3], backward[k + 4]];
                for lane in 0..LANES {
                    v[lane] = inputs[0][lane] * self.m[0]
                        + inputs[1][lane] * self.m[1]
                        + inputs[2][lane] * self.m[2]
                        + inputs[3][lane] * self.m[3]
                        - (outputs[0][lane] * self.d[0]
                            + outputs[1][lane] * self.d[1]
                            + outputs[2][lane] * self.d[2]
                            + outputs[3][lane] * self.d[3]);
                }
            } else {
                for j in 0..4 {
                    let inside = j < back;
                    let input = if inside { line[k + 1 + j] } else { last };
                    let (output, weight) = if inside {
                        (backward[k + 1 + j], self.d[j])
                    } else {
                        (last, self.bm[j])
                    };
                    for lane in 0..LANES {
                        v[lane] += input[lane] * self.m[j] - output[lane] * weight;
                    }
                }
            }
            backward[k] = v;
        }
    }
}
