//! Undecimated wavelet transform, level 1, Coiflet 1: PyRadiomics `getWaveletImage` (`pywt.swtn`).

use super::check_box;
use crate::error::Result;
use crate::mask::BoundingBox;
use crate::volume::{PixelType, Volume};

/// Samples that the filter reads before and after the one it writes.
const BEFORE: usize = 2;
const AFTER: usize = 3;

/// The precision in which PyWavelets computes: single for single-precision images, double for all others.
trait Sample: Copy + std::ops::Mul<Output = Self> + std::ops::AddAssign {
    /// Coiflet 1 of PyWavelets, low-pass and high-pass decomposition.
    const FILTERS: [[Self; 6]; 2];
    const ZERO: Self;
    const PIXEL: PixelType;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
}

impl Sample for f64 {
    const FILTERS: [[Self; 6]; 2] = [
        [
            -0.015_655_728_135_791_993,
            -0.072_732_619_512_526_45,
            0.384_864_846_864_857_8,
            0.852_572_020_211_600_4,
            0.337_897_662_457_481_8,
            -0.072_732_619_512_526_45,
        ],
        [
            0.072_732_619_512_526_45,
            0.337_897_662_457_481_8,
            -0.852_572_020_211_600_4,
            0.384_864_846_864_857_8,
            0.072_732_619_512_526_45,
            -0.015_655_728_135_791_993,
        ],
    ];
    const ZERO: Self = 0.0;
    const PIXEL: PixelType = PixelType::Float64;
    fn of(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

impl Sample for f32 {
    /// The largest coefficient is one step below the rounded one: PyWavelets' own table.
    const FILTERS: [[Self; 6]; 2] = [
        [
            -0.015_655_728,
            -0.072_732_62,
            0.384_864_84,
            0.852_571_96,
            0.337_897_66,
            -0.072_732_62,
        ],
        [
            0.072_732_62,
            0.337_897_66,
            -0.852_571_96,
            0.384_864_84,
            0.072_732_62,
            -0.015_655_728,
        ],
    ];
    const ZERO: Self = 0.0;
    const PIXEL: PixelType = PixelType::Float32;
    fn of(value: f64) -> Self {
        value as Self
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

/// The sub-bands over a box of the image: eight (`LLH` … `HHH`, then `LLL`; letters for x, y, z), or four without the
/// axis `flat` (0: z, 1: y, 2: x). The image is periodic; an odd size is made even by repeating the first sample. Of
/// single-precision images the bands are computed in single precision.
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
    match image.pixel {
        PixelType::Float32 => over::<f32>(image, bounds, flat, wanted, each),
        _ => over::<f64>(image, bounds, flat, wanted, each),
    }
}

fn over<T: Sample>(
    image: &Volume,
    bounds: BoundingBox,
    flat: Option<usize>,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Volume) -> Result<()>,
) -> Result<()> {
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
            data.extend(indices[0].iter().map(|&x| T::of(image.values[row + x])));
        }
    }
    let size = std::array::from_fn(|axis| indices[axis].len());
    let geometry = image.geometry.crop(bounds.low, bounds.high);
    bands(&data, size, &axes, "", wanted, &mut |name, values: Vec<T>| {
        let volume = Volume {
            geometry: geometry.clone(),
            values: values.into_iter().map(T::wide).collect(),
            pixel: T::PIXEL,
        };
        each(name, volume)
    })
}

/// Filters along the first of `axes`, low and high, and goes on with the others.
fn bands<T: Sample>(
    data: &[T],
    size: [usize; 3],
    axes: &[usize],
    name: &str,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, Vec<T>) -> Result<()>,
) -> Result<()> {
    let Some((&axis, rest)) = axes.split_first() else {
        return Ok(());
    };
    let mut smaller = size;
    smaller[axis] -= BEFORE + AFTER;
    let [low, high] = T::FILTERS;
    for (letter, filter) in [('L', &low), ('H', &high)] {
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
fn convolve<T: Sample>(data: &[T], size: [usize; 3], axis: usize, filter: &[T; 6]) -> Vec<T> {
    let inner: usize = size[..axis].iter().product();
    let n = size[axis];
    let kept = n - BEFORE - AFTER;
    let mut out = Vec::with_capacity(data.len() / n * kept);
    for block in data.chunks_exact(inner * n) {
        let at = out.len();
        out.resize(at + inner * kept, T::ZERO);
        for (k, &weight) in filter.iter().enumerate() {
            let from = (5 - k) * inner;
            for (sum, &v) in out[at..].iter_mut().zip(&block[from..from + inner * kept]) {
                *sum += weight * v;
            }
        }
    }
    out
}
