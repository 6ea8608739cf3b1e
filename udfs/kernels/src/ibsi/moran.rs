//! Spatial autocorrelation: Moran's I (IBSI N365) and Geary's C (NPT7), with inverse distances as weights.
//!
//! Both are sums over all pairs of voxels. Weights depend on the offset only, so large regions go through a convolution
//! by fast Fourier transform, which is exact but for rounding.

use crate::feature::Undefined;
use crate::region::Region;

/// Up to this many voxels pairs are summed directly.
const DIRECT: usize = 2048;
/// Largest transform: 2²⁶ complex numbers are 1 GiB.
const LARGEST: usize = 1 << 26;

/// Moran's I and Geary's C; NaN for a flat region.
pub(super) fn autocorrelation(region: &Region) -> Result<[f64; 2], Undefined> {
    let n = region.count as f64;
    let mean = region.members().sum::<f64>() / n;
    let squares: f64 = region.members().map(|v| (v - mean) * (v - mean)).sum();
    // Sums over ordered pairs of w, w·xᵢ·xⱼ and w·xᵢ², x being the difference to the mean.
    let [weights, products, own] = if region.count <= DIRECT {
        direct(region, mean)
    } else {
        convolved(region, mean)?
    };
    let apart = 2.0 * (own - products);
    Ok([
        n / weights * products / squares,
        (n - 1.0) / (2.0 * weights) * apart / squares,
    ])
}

fn direct(region: &Region, mean: f64) -> [f64; 3] {
    let [nx, ny, _] = region.size;
    let points: Vec<([f64; 3], f64)> = region
        .values
        .iter()
        .zip(&region.inside)
        .enumerate()
        .filter(|(_, (_, member))| **member)
        .map(|(k, (v, _))| {
            let at = [k % nx, k / nx % ny, k / (nx * ny)];
            (
                std::array::from_fn(|axis| at[axis] as f64 * region.spacing[axis]),
                v - mean,
            )
        })
        .collect();
    let mut sums = [0.0; 3];
    for (k, (a, x)) in points.iter().enumerate() {
        for (b, y) in &points[..k] {
            let squared: f64 = (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum();
            let weight = 1.0 / squared.sqrt();
            sums[0] += 2.0 * weight;
            sums[1] += 2.0 * weight * x * y;
            sums[2] += weight * (x * x + y * y);
        }
    }
    sums
}

type Complex = (f64, f64);

fn convolved(region: &Region, mean: f64) -> Result<[f64; 3], Undefined> {
    let size = region.size.map(|n| (2 * n - 1).next_power_of_two());
    let length = size.iter().product::<usize>();
    if length > LARGEST {
        return Err(Undefined::TooLarge);
    }
    let index = |x: usize, y: usize, z: usize| x + size[0] * (y + size[1] * z);
    let mut field: Vec<Complex> = vec![(0.0, 0.0); length];
    let mut kernel = field.clone();
    let [nx, ny, nz] = region.size;
    let wrapped = |k: usize, n: usize| k.min(n - k) as f64;
    for z in 0..size[2] {
        for y in 0..size[1] {
            for x in 0..size[0] {
                let mm = [wrapped(x, size[0]), wrapped(y, size[1]), wrapped(z, size[2])];
                let squared: f64 = (0..3).map(|axis| (mm[axis] * region.spacing[axis]).powi(2)).sum();
                if squared > 0.0 {
                    kernel[index(x, y, z)].0 = 1.0 / squared.sqrt();
                }
            }
        }
    }
    let members = || {
        region
            .values
            .iter()
            .zip(&region.inside)
            .enumerate()
            .filter(|(_, (_, member))| **member)
            .map(|(k, (v, _))| (index(k % nx, k / nx % ny, k / (nx * ny)), v - mean))
    };
    debug_assert!(nx * ny * nz == region.values.len());
    for (at, x) in members() {
        field[at] = (x, 1.0);
    }
    transform(&mut kernel, size);
    transform(&mut field, size);
    // The kernel is even: its transform is real. Conjugating before and after makes the second transform an inverse.
    for (f, k) in field.iter_mut().zip(&kernel) {
        *f = (f.0 * k.0, -f.1 * k.0);
    }
    transform(&mut field, size);
    let scale = 1.0 / length as f64;
    Ok(members().fold([0.0; 3], |[weights, products, own], (at, x)| {
        let (near, count) = (field[at].0 * scale, -field[at].1 * scale);
        [weights + count, products + x * near, own + x * x * count]
    }))
}

/// Forward transform along all axes, unscaled.
fn transform(data: &mut [Complex], size: [usize; 3]) {
    for axis in 0..3 {
        let n = size[axis];
        let inner: usize = size[..axis].iter().product();
        let roots: Vec<Complex> = (0..n / 2)
            .map(|k| {
                let angle = -2.0 * std::f64::consts::PI * k as f64 / n as f64;
                (angle.cos(), angle.sin())
            })
            .collect();
        let mut line = vec![(0.0, 0.0); n];
        for block in data.chunks_exact_mut(inner * n) {
            for at in 0..inner {
                for (k, v) in line.iter_mut().enumerate() {
                    *v = block[at + k * inner];
                }
                radix2(&mut line, &roots);
                for (k, v) in line.iter().enumerate() {
                    block[at + k * inner] = *v;
                }
            }
        }
    }
}

/// In-place transform of a power of two.
fn radix2(line: &mut [Complex], roots: &[Complex]) {
    let n = line.len();
    if n < 2 {
        return;
    }
    let bits = n.trailing_zeros();
    for k in 0..n {
        let other = k.reverse_bits() >> (usize::BITS - bits);
        if other > k {
            line.swap(k, other);
        }
    }
    let mut half = 1;
    while half < n {
        for block in line.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let root = roots[k * (n / 2 / half)];
                let turned = (b.0 * root.0 - b.1 * root.1, b.0 * root.1 + b.1 * root.0);
                (*a, *b) = ((a.0 + turned.0, a.1 + turned.1), (a.0 - turned.0, a.1 - turned.1));
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::PixelType;

    #[test]
    fn convolution_equals_pairs() {
        let size = [7, 5, 6];
        let values: Vec<f64> = (0..210).map(|k| f64::from((k * k * 31 + 7 * k) % 101)).collect();
        let inside: Vec<bool> = (0..210).map(|k| k % 3 != 1).collect();
        let region = Region::from_box(size, [0.7, 1.0, 2.5], values, inside, PixelType::Float64).unwrap();
        let (a, b) = (direct(&region, 40.0), convolved(&region, 40.0).unwrap());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 1e-11 * a.abs(), "{a} {b}");
        }
    }
}
