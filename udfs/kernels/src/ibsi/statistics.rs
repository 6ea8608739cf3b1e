//! Intensity-based statistics: IBSI UHIW.

use crate::feature::{Feature, Undefined, feature};
use crate::firstorder::Statistics;
use crate::region::Region;

/// The eighteen features.
pub(super) fn features(region: &Region) -> Vec<Feature> {
    let mut values: Vec<f64> = region.members().collect();
    let s = Statistics::new(&mut values);
    let [p10, p25, median, p75, p90] = s.percentiles;
    let one = |name, value| feature("stat", name, value, Undefined::NotFinite);
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
        one("iqr", p75 - p25),
        one("range", s.maximum - s.minimum),
        one("mad", s.mean_absolute_deviation),
        one("rmad", s.robust_mean_absolute_deviation),
        one("medad", s.median_absolute_deviation),
        one("cov", s.variance.sqrt() / s.mean),
        one("qcod", (p75 - p25) / (p75 + p25)),
        one("energy", s.energy),
        one("rms", (s.energy / s.count).sqrt()),
    ]
}
