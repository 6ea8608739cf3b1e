//! Undecimated wavelet transform, level 1, Coiflet 1: PyRadiomics `getWaveletImage` (`pywt.swtn`).

use super::check_box;
use crate::error::Result;
use crate::mask::BoundingBox;
use crate::volume::{PixelType, Volume};

/// Coiflet 1 of PyWavelets: low-pass and high-pass decomposition filters.
const LOW: [f64; 6] = [
    -0.015_655_728_135_791_993,
    -0.072_732_619_512_526_45,
    0.384_864_846_864_857_8,
    0.852_572_020_211_600_4,
    0.337_897_662_457_481_8,
    -0.072_732_619_512_526_45,
];
const HIGH: [f64; 6] = [
    0.072_732_619_512_526_45,
    0.337_897_662_457_481_8,
    -0.852_572_020_211_600_4,
    0.384_864_846_864_857_8,
    0.072_732_619_512_526_45,
    -0.015_655_728_135_791_993,
];
/// Samples that the filter reads before and after the one it writes.
const BEFORE: usize = 2;
const AFTER: usize = 3;

/// The sub-bands over a box of the image: eight (`LLH` … `HHH`, then `LLL`; letters for x, y, z), or four without the
/// axis `flat` (0: z, 1: y, 2: x). The image is periodic; an odd size is made even by repeating the first sample.
pub fn wavelet(image: &Volume, bounds: BoundingBox, flat: Option<usize>) -> Result<Vec<(String, Volume)>> {
    let mut bands = Vec::new();
    wavelet_bands(image, bounds, flat, &|_| true, &mut |name, volume| {
        bands.push((name.to_owned(), volume));
        Ok(())
    })?;
    // The approximation comes last.
    bands.rotate_left(1);
    Ok(bands)
}

/// The sub-bands of [`wavelet`] one after the other (the approximation first), those that are `wanted`. Held in memory are
/// one band and what it was made of.
pub fn wavelet_bands(
    image: &Volume,
    bounds: BoundingBox,
    flat: Option<usize>,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Volume) -> Result<()>,
) -> Result<()> {
    check_box(image, bounds)?;
    let size = bounds.size();
    let axes: Vec<usize> = (0..3).filter(|axis| flat != Some(2 - axis)).collect();
    let indices: [Vec<usize>; 3] = std::array::from_fn(|axis| {
        let n = image.geometry.size[axis];
        if !axes.contains(&axis) {
            return (bounds.low[axis]..=bounds.high[axis]).collect();
        }
        let even = n + n % 2;
        let start = bounds.low[axis] + BEFORE * even - BEFORE;
        (start..start + size[axis] + BEFORE + AFTER)
            .map(|k| k % even)
            .map(|k| if k == n { 0 } else { k })
            .collect()
    });
    let [nx, ny, _] = image.geometry.size;
    let mut data = Vec::with_capacity(indices.iter().map(Vec::len).product());
    for &z in &indices[2] {
        for &y in &indices[1] {
            let row = nx * (y + ny * z);
            data.extend(indices[0].iter().map(|&x| image.values[row + x]));
        }
    }
    let size = std::array::from_fn(|axis| indices[axis].len());
    let geometry = image.geometry.crop(bounds.low, bounds.high);
    bands(&data, size, &axes, "", wanted, &mut |name, values| {
        let volume = Volume {
            geometry: geometry.clone(),
            values,
            pixel: PixelType::Float64,
        };
        each(name, volume)
    })
}

/// Filters along the first of `axes`, low and high, and goes on with the others.
fn bands(
    data: &[f64],
    size: [usize; 3],
    axes: &[usize],
    name: &str,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Vec<f64>) -> Result<()>,
) -> Result<()> {
    let Some((&axis, rest)) = axes.split_first() else {
        return Ok(());
    };
    let mut smaller = size;
    smaller[axis] -= BEFORE + AFTER;
    for (letter, filter) in [('L', &LOW), ('H', &HIGH)] {
        let name = format!("{name}{letter}");
        if !rest.is_empty() {
            bands(
                &convolve(data, size, axis, filter),
                smaller,
                rest,
                &name,
                wanted,
                each,
            )?;
        } else if wanted(&name) {
            each(&name, convolve(data, size, axis, filter))?;
        }
    }
    Ok(())
}

/// out[n] = Σₖ filter[k]·in[n + 5 − k] along an axis, where all inputs exist.
fn convolve(data: &[f64], size: [usize; 3], axis: usize, filter: &[f64; 6]) -> Vec<f64> {
    let inner: usize = size[..axis].iter().product();
    let n = size[axis];
    let kept = n - BEFORE - AFTER;
    let mut out = Vec::with_capacity(data.len() / n * kept);
    for block in data.chunks_exact(inner * n) {
        let at = out.len();
        out.resize(at + inner * kept, 0.0);
        for (k, weight) in filter.iter().enumerate() {
            let from = (5 - k) * inner;
            for (sum, v) in out[at..].iter_mut().zip(&block[from..from + inner * kept]) {
                *sum += weight * v;
            }
        }
    }
    out
}
