//! Intensity histogram: IBSI ZVCW, of grey levels.

use crate::feature::{Feature, Undefined, feature};
use crate::firstorder::Statistics;
use crate::levels::Levels;

/// The twenty-three features.
pub(super) fn features(levels: &Levels) -> Vec<Feature> {
    let mut values: Vec<f64> = levels
        .members
        .iter()
        .map(|&m| f64::from(levels.grey[m as usize]))
        .collect();
    let s = Statistics::new(&mut values);
    let [p10, p25, median, p75, p90] = s.percentiles;
    // Counts of every level from 1 to the highest, those without voxels included.
    let mut counts = vec![0.0; levels.highest()];
    for (&level, &n) in levels.present.iter().zip(&levels.histogram) {
        counts[usize::from(level) - 1] = f64::from(n);
    }
    let share = || counts.iter().map(|n| n / s.count).filter(|p| *p > 0.0);
    let most = counts.iter().copied().fold(0.0, f64::max);
    // IBSI AMMC: of several modes, the one nearest to the mean, the lower of two as near.
    let mode = (1..=counts.len())
        .filter(|level| counts[level - 1] == most)
        .min_by(|&a, &b| (a as f64 - s.mean).abs().total_cmp(&(b as f64 - s.mean).abs()))
        .unwrap_or(0);
    let gradient = gradient(&counts);
    let steepest = |better: fn(f64, f64) -> bool| {
        gradient
            .iter()
            .enumerate()
            .fold((f64::NAN, f64::NAN), |best, (k, &g)| {
                if best.0.is_nan() || better(g, best.0) {
                    (g, k as f64 + 1.0)
                } else {
                    best
                }
            })
    };
    let (up, down) = (steepest(|a, b| a > b), steepest(|a, b| a < b));
    let one = |name, value| feature("ih", name, value, Undefined::FlatRegion);
    vec![
        one("mean", s.mean),
        one("var", s.variance),
        one("skew", s.skewness()),
        one(
            "kurt",
            if s.variance == 0.0 {
                0.0
            } else {
                s.kurtosis() - 3.0
            },
        ),
        one("median", median),
        one("min", s.minimum),
        one("p10", p10),
        one("p90", p90),
        one("max", s.maximum),
        one("mode", mode as f64),
        one("iqr", p75 - p25),
        one("range", s.maximum - s.minimum),
        one("mad", s.mean_absolute_deviation),
        one("rmad", s.robust_mean_absolute_deviation),
        one("medad", s.median_absolute_deviation),
        one("cov", s.variance.sqrt() / s.mean),
        one("qcod", (p75 - p25) / (p75 + p25)),
        one("entropy", share().map(|p| -p * p.log2()).sum()),
        one("uniformity", share().map(|p| p * p).sum()),
        one("max_grad", up.0),
        one("max_grad_g", up.1),
        one("min_grad", down.0),
        one("min_grad_g", down.1),
    ]
}

/// Central differences, one-sided at the ends (IBSI 12CE); empty for one level.
fn gradient(counts: &[f64]) -> Vec<f64> {
    let n = counts.len();
    if n < 2 {
        return Vec::new();
    }
    (0..n)
        .map(|k| match k {
            0 => counts[1] - counts[0],
            k if k == n - 1 => counts[k] - counts[k - 1],
            k => 0.5 * (counts[k + 1] - counts[k - 1]),
        })
        .collect()
}
