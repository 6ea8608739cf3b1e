//! Intensities to grey levels.
//!
//! Fixed bin size: IBSI Q3RU, PyRadiomics `binWidth`; fixed bin number: IBSI K15C, PyRadiomics `binCount`
//! (`radiomics.imageoperations.getBinEdges`). The two differ in where the first bin starts and in rounding at the edges.

use crate::error::{Error, Result};
use crate::levels::MAX_LEVELS;
use crate::region::Region;
use crate::volume::PixelType;

/// How intensities become grey levels 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Discretisation {
    /// PyRadiomics `binWidth`: bins of this width, starting at the multiple of the width at or below the minimum.
    PyRadiomicsWidth(f64),
    /// PyRadiomics `binCount`: numpy's histogram edges from minimum to maximum, the last bin closed.
    PyRadiomicsCount(usize),
    /// IBSI fixed bin size: bins of this width from `start` (the lower bound of re-segmentation), or from the region's
    /// minimum where there is none.
    IbsiWidth {
        /// Width of a bin, in units of intensity.
        width: f64,
        /// Where the first bin starts; `None`: at the region's minimum.
        start: Option<f64>,
    },
    /// IBSI fixed bin number.
    IbsiCount(usize),
    /// Intensities are grey levels already: positive whole numbers.
    Identity,
}

impl Discretisation {
    /// The grey level (from 1) of every voxel of the box, 0 outside the region.
    pub fn apply(&self, region: &Region) -> Result<Vec<u16>> {
        let (low, high) = region
            .members()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        let each = |level: &dyn Fn(f64) -> usize| -> Vec<u16> {
            let members = region.values.iter().zip(&region.inside);
            // `bounded` has limited every level to MAX_LEVELS, which fits.
            members
                .map(|(&v, &member)| if member { level(v) as u16 } else { 0 })
                .collect()
        };
        match *self {
            Self::PyRadiomicsWidth(width) => {
                positive("binWidth", width)?;
                let edges = width_edges(low, high, width, region.pixel)?;
                Ok(each(&|v| digitise(&edges, v)))
            }
            Self::PyRadiomicsCount(count) => {
                let edges = count_edges(low, high, bin_count(count)?, region.pixel);
                Ok(each(&|v| digitise(&edges, v)))
            }
            Self::IbsiWidth { width, start } => {
                positive("binWidth", width)?;
                let start = start.unwrap_or(low);
                if !start.is_finite() || start > low {
                    return Err(setting(
                        "binWidth",
                        "the first bin starts above the region's minimum",
                    ));
                }
                bounded(((high - start) / width).floor() + 1.0)?;
                Ok(each(&|v| ((v - start) / width).floor() as usize + 1))
            }
            Self::IbsiCount(count) => {
                let count = bin_count(count)?;
                let scale = count as f64 / (high - low);
                if high == low {
                    return Ok(each(&|_| 1));
                }
                Ok(each(&|v| (((v - low) * scale).floor() as usize + 1).min(count)))
            }
            Self::Identity => {
                bounded(high)?;
                if low < 1.0 || region.members().any(|v| v.fract() != 0.0) {
                    return Err(setting(
                        "discretisation",
                        "grey levels must be positive whole numbers",
                    ));
                }
                Ok(each(&|v| v as usize))
            }
        }
    }
}

fn setting(name: &'static str, reason: &str) -> Error {
    Error::BadSetting {
        name,
        reason: reason.to_owned(),
    }
}

fn positive(name: &'static str, width: f64) -> Result<()> {
    if width.is_finite() && width > 0.0 {
        Ok(())
    } else {
        Err(setting(name, "must be finite and above zero"))
    }
}

fn bin_count(count: usize) -> Result<usize> {
    if count == 0 {
        return Err(setting("binCount", "must be at least 1"));
    }
    bounded(count as f64)?;
    Ok(count)
}

fn bounded(levels: f64) -> Result<()> {
    if levels <= MAX_LEVELS as f64 {
        Ok(())
    } else {
        Err(Error::TooManyLevels {
            levels,
            limit: MAX_LEVELS,
        })
    }
}

/// `numpy.arange(minimum - minimum % width, maximum + 2 * width, width)`. For single-precision images numpy computes
/// the bounds in single precision and the edges in double.
fn width_edges(low: f64, high: f64, width: f64, pixel: PixelType) -> Result<Vec<f64>> {
    let (start, stop) = if pixel == PixelType::Float32 {
        let (low, high, width) = (low as f32, high as f32, width as f32);
        (
            f64::from(low - floor_mod_f32(low, width)),
            f64::from(high + 2.0 * width),
        )
    } else {
        (low - floor_mod(low, width), high + 2.0 * width)
    };
    let length = ((stop - start) / width).ceil();
    bounded(length - 2.0)?;
    let step = (start + width) - start;
    Ok((0..length as usize).map(|k| start + k as f64 * step).collect())
}

/// Edges of `numpy.histogram(values, count)`, the last raised by one.
fn count_edges(low: f64, high: f64, count: usize, pixel: PixelType) -> Vec<f64> {
    let (low, high) = if low == high {
        (low - 0.5, high + 0.5)
    } else {
        (low, high)
    };
    let mut edges: Vec<f64> = if pixel == PixelType::Float32 {
        let (low, high) = (low as f32, high as f32);
        let step = (high - low) / count as f32;
        (0..=count).map(|k| f64::from(k as f32 * step + low)).collect()
    } else {
        let step = (high - low) / count as f64;
        (0..=count).map(|k| k as f64 * step + low).collect()
    };
    edges[count] = high + 1.0;
    edges
}

/// `numpy.digitize`: how many edges are at or below the value. Edges are evenly spaced but for rounding and the last,
/// so the guess is off by at most a few.
fn digitise(edges: &[f64], value: f64) -> usize {
    let last = edges.len() - 1;
    if last == 0 {
        return usize::from(value >= edges[0]);
    }
    let width = edges[1] - edges[0];
    let mut k = (((value - edges[0]) / width).max(0.0) as usize).min(last);
    while k > 0 && edges[k] > value {
        k -= 1;
    }
    while k < last && edges[k + 1] <= value {
        k += 1;
    }
    k + 1
}

/// Python's `%`: the remainder has the sign of the divisor, which is positive here.
fn floor_mod(value: f64, width: f64) -> f64 {
    let rest = value % width;
    if rest < 0.0 { rest + width } else { rest }
}

fn floor_mod_f32(value: f32, width: f32) -> f32 {
    let rest = value % width;
    if rest < 0.0 { rest + width } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(values: &[f64]) -> Region {
        let n = values.len();
        Region::from_box(
            [n, 1, 1],
            [1.0; 3],
            values.to_vec(),
            vec![true; n],
            PixelType::Float64,
        )
        .unwrap()
    }

    /// `radiomics.imageoperations.binImage` on the same values.
    #[test]
    fn pyradiomics_widths_start_at_a_multiple() {
        let levels =
            Discretisation::PyRadiomicsWidth(25.0).apply(&region(&[-30.0, -25.0, 0.0, 24.9, 25.0, 74.0]));
        assert_eq!(levels.unwrap(), [1, 2, 3, 3, 4, 5]);
    }

    #[test]
    fn counts_close_the_last_bin() {
        let region = region(&[0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(
            Discretisation::PyRadiomicsCount(4).apply(&region).unwrap(),
            [1, 2, 3, 4, 4]
        );
        assert_eq!(
            Discretisation::IbsiCount(4).apply(&region).unwrap(),
            [1, 2, 3, 4, 4]
        );
    }

    #[test]
    fn flat_regions_have_one_level() {
        let flat = region(&[-7.25, -7.25]);
        for how in [
            Discretisation::PyRadiomicsWidth(25.0),
            Discretisation::IbsiWidth {
                width: 25.0,
                start: None,
            },
            Discretisation::IbsiCount(32),
        ] {
            let levels = how.apply(&flat).unwrap();
            assert_eq!(levels[0], levels[1]);
        }
        // numpy widens a flat range by a half on both sides, so the value falls into the upper half.
        assert_eq!(Discretisation::PyRadiomicsCount(4).apply(&flat).unwrap(), [3, 3]);
    }

    #[test]
    fn levels_are_bounded() {
        let wide = region(&[0.0, 1e12]);
        assert!(matches!(
            Discretisation::PyRadiomicsWidth(1.0).apply(&wide),
            Err(Error::TooManyLevels { .. })
        ));
        assert!(matches!(
            Discretisation::PyRadiomicsCount(1 << 20).apply(&wide),
            Err(Error::TooManyLevels { .. })
        ));
        assert!(matches!(
            Discretisation::Identity.apply(&wide),
            Err(Error::TooManyLevels { .. })
        ));
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                Discretisation::PyRadiomicsWidth(width).apply(&wide),
                Err(Error::BadSetting { .. })
            ));
        }
        assert!(matches!(
            Discretisation::IbsiCount(0).apply(&wide),
            Err(Error::BadSetting { .. })
        ));
    }
}
