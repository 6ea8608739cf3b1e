//! How features are made comparable.

use std::fmt;
use std::str::FromStr;

use super::MAX_Z;

/// A normal distribution's standard deviation by its median absolute deviation.
const MAD_TO_SD: f64 = 1.4826;

/// A normal distribution's interquartile range by its standard deviation.
const IQR_BY_SD: f64 = 1.349;

/// Why a feature has no weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unweighted {
    /// Fewer than three cases have it.
    TooFew,
    /// It is missing in more than half of the cases.
    MostlyMissing,
    /// It is the same in all cases.
    NoSpread,
    /// Its spread is not finite.
    TooWide,
}

impl Unweighted {
    const ALL: [Self; 4] = [Self::TooFew, Self::MostlyMissing, Self::NoSpread, Self::TooWide];

    /// The reason as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooFew => "fewer than 3 cases have it",
            Self::MostlyMissing => "missing in more than half of the cases",
            Self::NoSpread => "the same in all cases",
            Self::TooWide => "its spread is not finite",
        }
    }
}

impl fmt::Display for Unweighted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Unweighted {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|reason| reason.as_str() == text).ok_or(UnknownReason)
    }
}

/// A stored reason that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such reason for a feature without weight")]
pub struct UnknownReason;

/// How one feature is scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Its median, in the feature's unit; 0 where no case has it.
    pub centre: f64,
    /// What one robust standard deviation is, in the feature's unit; 0 where it has no weight.
    pub spread: f64,
    /// Cases that have it.
    pub count: usize,
    /// Why it has no weight.
    pub reason: Option<Unweighted>,
}

impl Scale {
    /// The scale of one feature over the cases; see [`Scaling::of`].
    pub fn of(column: &[Option<f64>]) -> Self {
        let mut values: Vec<f64> = column
            .iter()
            .flatten()
            .copied()
            .filter(|v| v.is_finite())
            .collect();
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let centre = quantile(&values, 0.5);
        let spread = if count < 3 {
            Err(Unweighted::TooFew)
        } else if count * 2 < column.len() {
            Err(Unweighted::MostlyMissing)
        } else {
            spread(&values, centre)
        };
        Self {
            centre,
            spread: spread.unwrap_or(0.0),
            count,
            reason: spread.err(),
        }
    }

    /// The robust z-score of a value, clipped to ±[`MAX_Z`]; `None` where the feature has no weight or the value is not finite.
    pub fn z(&self, value: f64) -> Option<f64> {
        let weighted = self.reason.is_none() && self.spread > 0.0 && value.is_finite();
        let z = (value - self.centre) / self.spread;
        (weighted && !z.is_nan()).then(|| z.clamp(-MAX_Z, MAX_Z))
    }
}

/// How the features of a set of cases are scaled. It belongs beside each result, for it depends on the cases that the one who
/// asked may see: [`Scaling::rows`] and [`Scaling::from`] give and take what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaling {
    scales: Vec<Scale>,
    weighted: usize,
}

impl Scaling {
    /// The scaling of features, a column each, over the same cases: centre is the median, spread 1.4826 times the median absolute
    /// deviation from it. Where that is 0 (half of the cases have one value) it is the interquartile range by 1.349, where that
    /// is 0 too the standard deviation. A feature that fewer than three cases or fewer than half of them have, or that is the
    /// same in all, has no weight, and its scale says why.
    pub fn of(columns: &[Vec<Option<f64>>]) -> Self {
        columns.iter().map(|column| Scale::of(column)).collect()
    }

    /// One for each feature, in their order.
    pub fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// How many features have a weight.
    pub fn weighted(&self) -> usize {
        self.weighted
    }

    /// What is stored: name, centre, spread, count and reason of each feature. `names` are those of the features, in their order.
    pub fn rows<'a, S: AsRef<str>>(
        &'a self,
        names: &'a [S],
    ) -> impl Iterator<Item = (&'a str, f64, f64, usize, Option<&'static str>)> + 'a {
        let rows = names.iter().zip(&self.scales);
        rows.map(|(name, s)| {
            let reason = s.reason.map(Unweighted::as_str);
            (name.as_ref(), s.centre, s.spread, s.count, reason)
        })
    }
}

impl From<Vec<Scale>> for Scaling {
    fn from(scales: Vec<Scale>) -> Self {
        let weighted = scales.iter().filter(|s| s.reason.is_none()).count();
        Self { scales, weighted }
    }
}

impl FromIterator<Scale> for Scaling {
    fn from_iter<I: IntoIterator<Item = Scale>>(scales: I) -> Self {
        Self::from(scales.into_iter().collect::<Vec<_>>())
    }
}

/// The spread of sorted values around their median.
fn spread(sorted: &[f64], centre: f64) -> Result<f64, Unweighted> {
    if sorted.first() == sorted.last() {
        return Err(Unweighted::NoSpread);
    }
    let mut deviations: Vec<f64> = sorted.iter().map(|v| (v - centre).abs()).collect();
    deviations.sort_by(f64::total_cmp);
    let mut spread = MAD_TO_SD * quantile(&deviations, 0.5);
    if spread == 0.0 {
        spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / IQR_BY_SD;
    }
    if spread == 0.0 {
        spread = standard_deviation(sorted);
    }
    match spread {
        s if !s.is_finite() => Err(Unweighted::TooWide),
        0.0 => Err(Unweighted::NoSpread),
        s => Ok(s),
    }
}

/// Linear between ranks, as NumPy's default; 0 of no values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * sorted.len().saturating_sub(1) as f64;
    let at = |rank: f64| sorted.get(rank as usize).copied().unwrap_or(0.0);
    let (low, high, part) = (at(rank.floor()), at(rank.ceil()), rank.fract());
    if low == high {
        low
    } else {
        low * (1.0 - part) + high * part
    }
}

/// Of a sample (by n - 1), in two passes.
fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0)).sqrt()
}
