//! Statistics of the intensities: PyRadiomics `radiomics.firstorder`, IBSI's intensity statistics (UHIW).

use crate::feature::{Feature, Undefined, feature};
use crate::levels::Levels;
use crate::region::Region;

/// Moments and order statistics that both profiles share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Number of voxels.
    pub count: f64,
    /// IBSI Q4LE.
    pub mean: f64,
    /// Second central moment (divided by the count), IBSI ECT3.
    pub variance: f64,
    /// Third central moment.
    pub third: f64,
    /// Fourth central moment.
    pub fourth: f64,
    /// IBSI 1GSF.
    pub minimum: f64,
    /// IBSI 84IY.
    pub maximum: f64,
    /// Percentiles 10, 25, 50, 75, 90, interpolated linearly as numpy does.
    pub percentiles: [f64; 5],
    /// Mean absolute deviation from the mean, IBSI 4FUA.
    pub mean_absolute_deviation: f64,
    /// The same of the values from the 10th to the 90th percentile, from their mean, IBSI 1128.
    pub robust_mean_absolute_deviation: f64,
    /// Mean absolute deviation from the median, IBSI N72L.
    pub median_absolute_deviation: f64,
    /// Sum of squares, IBSI N8CA.
    pub energy: f64,
}

impl Statistics {
    /// Statistics of at least one finite value; the slice is reordered.
    pub fn new(values: &mut [f64]) -> Self {
        let count = values.len() as f64;
        let (minimum, maximum) = values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
                (v.min(low), v.max(high))
            });
        // Of equal values sums round: no spread may come of it.
        let mean = if minimum == maximum {
            minimum
        } else {
            values.iter().sum::<f64>() / count
        };
        let (mut second, mut third, mut fourth, mut absolute) = (0.0, 0.0, 0.0, 0.0);
        let mut energy = 0.0;
        for &v in values.iter() {
            let d = v - mean;
            second += d * d;
            third += d * d * d;
            fourth += d * d * d * d;
            absolute += d.abs();
            energy += v * v;
        }
        let percentiles = percentiles(values, [10.0, 25.0, 50.0, 75.0, 90.0]);
        let [p10, _, median, _, p90] = percentiles;
        let kept = |v: &&f64| (p10..=p90).contains(*v);
        let (inner, sum) = values
            .iter()
            .filter(kept)
            .fold((0.0, 0.0), |(n, s), v| (n + 1.0, s + v));
        let centre = if p10 == p90 { p10 } else { sum / inner };
        let robust = values
            .iter()
            .filter(kept)
            .map(|v| (v - centre).abs())
            .sum::<f64>()
            / inner;
        Self {
            count,
            mean,
            variance: second / count,
            third: third / count,
            fourth: fourth / count,
            minimum,
            maximum,
            percentiles,
            mean_absolute_deviation: absolute / count,
            robust_mean_absolute_deviation: robust,
            median_absolute_deviation: values.iter().map(|v| (v - median).abs()).sum::<f64>() / count,
            energy,
        }
    }

    /// Third standardised moment, IBSI KE2M; 0 for a flat region.
    pub fn skewness(&self) -> f64 {
        if self.variance == 0.0 {
            0.0
        } else {
            self.third / self.variance.powf(1.5)
        }
    }

    /// Fourth standardised moment; 0 for a flat region. IBSI's IPH6 is this less 3.
    pub fn kurtosis(&self) -> f64 {
        if self.variance == 0.0 {
            0.0
        } else {
            self.fourth / (self.variance * self.variance)
        }
    }
}

/// Percentiles by partial selection, interpolated as `numpy.percentile` does; `at` ascending.
fn percentiles<const N: usize>(values: &mut [f64], at: [f64; N]) -> [f64; N] {
    let mut done = 0;
    at.map(|q| {
        let position = q / 100.0 * (values.len() - 1) as f64;
        let (low, fraction) = (position.floor(), position.fract());
        let mut rank = |k: usize| {
            let k = k.min(values.len() - 1);
            if k >= done {
                values[done..].select_nth_unstable_by(k - done, f64::total_cmp);
                done = k;
            }
            values[k]
        };
        let a = rank(low as usize);
        let b = rank(low as usize + 1);
        let step = b - a;
        if fraction >= 0.5 {
            b - step * (1.0 - fraction)
        } else {
            a + step * fraction
        }
    })
}

/// The eighteen features of PyRadiomics (and TotalEnergy). `shift` is `voxelArrayShift`.
pub fn pyradiomics(region: &Region, levels: &Levels, shift: f64) -> Vec<Feature> {
    let mut values: Vec<f64> = region.members().collect();
    let energy: f64 = values.iter().map(|v| (v + shift) * (v + shift)).sum();
    let s = Statistics::new(&mut values);
    let (mut entropy, mut uniformity) = (0.0, 0.0);
    for &n in &levels.histogram {
        let p = f64::from(n) / s.count;
        entropy -= p * (p + f64::EPSILON).log2();
        uniformity += p * p;
    }
    let [p10, p25, median, p75, p90] = s.percentiles;
    let one = |name, value| feature("firstorder", name, value, Undefined::NotFinite);
    vec![
        one("10Percentile", p10),
        one("90Percentile", p90),
        one("Energy", energy),
        one("Entropy", entropy),
        one("InterquartileRange", p75 - p25),
        one("Kurtosis", s.kurtosis()),
        one("Maximum", s.maximum),
        one("MeanAbsoluteDeviation", s.mean_absolute_deviation),
        one("Mean", s.mean),
        one("Median", median),
        one("Minimum", s.minimum),
        one("Range", s.maximum - s.minimum),
        one("RobustMeanAbsoluteDeviation", s.robust_mean_absolute_deviation),
        one("RootMeanSquared", (energy / s.count).sqrt()),
        one("Skewness", s.skewness()),
        one("TotalEnergy", energy * region.spacing.iter().product::<f64>()),
        one("Uniformity", uniformity),
        one("Variance", s.variance),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of equal values is that value, though their sum rounds: no spread may come of it.
    #[test]
    fn equal_values_have_no_spread() {
        let s = Statistics::new(&mut [-211.735_021_3; 12_909]);
        assert_eq!(s.mean, -211.735_021_3);
        assert_eq!([s.variance, s.third, s.fourth], [0.0; 3]);
        assert_eq!((s.skewness(), s.kurtosis()), (0.0, 0.0));
        assert_eq!(s.mean_absolute_deviation, 0.0);
        assert_eq!(s.robust_mean_absolute_deviation, 0.0);
    }

    /// The same for the values between the 10th and the 90th percentile.
    #[test]
    fn equal_values_within_the_percentiles_have_no_robust_deviation() {
        let mut values = [0.1; 999];
        values[0] = -5.0;
        values[998] = 7.0;
        assert_eq!(Statistics::new(&mut values).robust_mean_absolute_deviation, 0.0);
    }
}
