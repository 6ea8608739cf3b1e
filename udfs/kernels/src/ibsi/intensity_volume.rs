//! Intensity-volume histogram: IBSI P88C.

use crate::error::{Error, Result};
use crate::feature::{Feature, Undefined, feature};
use crate::levels::MAX_LEVELS;
use crate::region::Region;

/// The intensity axis of the histogram (IBSI 3.5: by kind of unit).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum IntensityVolume {
    /// Whole numbers in calibrated units (CT): every intensity is a level.
    Discrete,
    /// Calibrated units with a bin width (PET): levels are bin centres.
    Width(f64),
    /// Arbitrary units (MR): this many bins, levels are their numbers.
    Count(usize),
}

/// Levels 0 … `last`, each standing for an intensity.
struct Axis {
    last: usize,
    level: Box<dyn Fn(f64) -> f64>,
    intensity: Box<dyn Fn(usize) -> f64>,
}

/// Volume and intensity fractions, and their differences. `range` bounds the axis where re-segmentation did and units
/// are calibrated; elsewhere the region's own intensities do.
pub(super) fn features(
    region: &Region,
    kind: IntensityVolume,
    range: [Option<f64>; 2],
) -> Result<Vec<Feature>> {
    let (lowest, highest) = region
        .members()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    let (low, high) = match kind {
        IntensityVolume::Count(_) => (lowest, highest),
        _ => (range[0].unwrap_or(lowest), range[1].unwrap_or(highest)),
    };
    let axis = axis(kind, low, high)?;
    let mut at_least = vec![0.0; axis.last + 1];
    for v in region.members() {
        at_least[(axis.level)(v).clamp(0.0, axis.last as f64) as usize] += 1.0;
    }
    for k in (0..axis.last).rev() {
        at_least[k] += at_least[k + 1];
    }
    let volume = |k: usize| at_least[k] / region.count as f64;
    let fraction = |k: usize| k as f64 / axis.last as f64;
    let volume_at = |share: f64| {
        (0..=axis.last)
            .find(|&k| fraction(k) >= share)
            .map_or(f64::NAN, volume)
    };
    let intensity_at = |share: f64| {
        let level = (0..=axis.last)
            .find(|&k| volume(k) <= share)
            .unwrap_or(axis.last + 1);
        (axis.intensity)(level)
    };
    let (v10, v90, i10, i90) = (
        volume_at(0.1),
        volume_at(0.9),
        intensity_at(0.1),
        intensity_at(0.9),
    );
    let area = (0..axis.last)
        .map(|k| 0.5 * (volume(k) + volume(k + 1)) / axis.last as f64)
        .sum();
    let one = |name, value| feature("ivh", name, value, Undefined::FlatRegion);
    Ok(vec![
        one("v10", v10),
        one("v90", v90),
        one("i10", i10),
        one("i90", i90),
        one("diff_v10_v90", v10 - v90),
        one("diff_i10_i90", i10 - i90),
        one("auc", area),
    ])
}

fn axis(kind: IntensityVolume, low: f64, high: f64) -> Result<Axis> {
    let bounded = |levels: f64| {
        if levels.is_nan() || levels > MAX_LEVELS as f64 {
            return Err(Error::TooManyLevels {
                levels,
                limit: MAX_LEVELS,
            });
        }
        Ok((levels.max(1.0) - 1.0) as usize)
    };
    match kind {
        IntensityVolume::Discrete => Ok(Axis {
            last: bounded(high.floor() - low + 1.0)?,
            level: Box::new(move |v| v - low),
            intensity: Box::new(move |k| low + k as f64),
        }),
        IntensityVolume::Width(width) if width.is_finite() && width > 0.0 => Ok(Axis {
            last: bounded(((high - low) / width).ceil().max(1.0))?,
            level: Box::new(move |v| ((v - low) / width).floor()),
            intensity: Box::new(move |k| low + (k as f64 + 0.5) * width),
        }),
        IntensityVolume::Count(count) if count > 0 => Ok(Axis {
            last: bounded(count as f64)?,
            level: Box::new(move |v| {
                if high > low {
                    (count as f64 * (v - low) / (high - low)).floor()
                } else {
                    0.0
                }
            }),
            intensity: Box::new(|k| k as f64 + 1.0),
        }),
        _ => {
            let reason =
                "bin width and count of the intensity-volume histogram must be above zero".to_owned();
            Err(Error::BadSetting { name: "ivh", reason })
        }
    }
}
