//! Similar cases: which cases' features are nearest to those of one, and which features make the distance.
//!
//! Features differ in unit, spread and presence. Each is scaled by its median and its spread over the cases
//! ([`Scaling::of`]), so that a wild value of one case moves no other case; the distance of two cases is over the features
//! that both have, and a mean, so that missing values do not make cases nearer. NaN and infinity are missing values.
//! Pure functions in `f64`; the same cases in the same order give the same bits.

mod scaling;

pub use scaling::{Scale, Scaling, UnknownReason, Unweighted};

use radlake_kernels::vectors::TopK;

/// Robust z-scores are clipped here, on both sides.
pub const MAX_Z: f64 = 8.0;

/// How far two cases are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// Root mean square of the differences of robust z-scores, 0 to 16: 1 is a spread's difference in each feature.
    pub value: f64,
    /// Features that both have, of those with a weight.
    pub shared: usize,
}

/// What one feature contributes to a distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// The feature's place in the scaling, from 0.
    pub feature: usize,
    /// Robust z-score of the first case (the query), clipped.
    pub a: f64,
    /// Robust z-score of the second.
    pub b: f64,
    /// Share of the squared distance, above 0, at most 1; all features' make 1.
    pub share: f64,
}

/// A case, how far it is from the query, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// The case's place in the list, from 0.
    pub case: usize,
    /// Its distance.
    pub distance: f64,
    /// Features that the distance is over.
    pub shared: usize,
    /// The features that contribute most, the greatest share first.
    pub contributions: Vec<Contribution>,
}

impl Scaling {
    /// The distance of two cases, each with a value for every feature of the scaling, in its order (values that a shorter case
    /// lacks are missing). `None` where they share less than a third of the features that have a weight, or none: two cases
    /// that have little in common are not compared.
    pub fn distance(&self, a: &[Option<f64>], b: &[Option<f64>]) -> Option<Distance> {
        let (mut shared, mut sum) = (0, 0.0);
        for (_, a, b) in self.pairs(a, b) {
            shared += 1;
            sum += (a - b) * (a - b);
        }
        let enough = shared > 0 && shared * 3 >= self.weighted();
        enough.then(|| Distance {
            value: (sum / shared as f64).sqrt(),
            shared,
        })
    }

    /// The at most `n` features that contribute most to the distance of two cases, the greatest share first, equal shares by
    /// their order. Features in which the cases agree contribute nothing and are left out.
    pub fn contributions(&self, a: &[Option<f64>], b: &[Option<f64>], n: usize) -> Vec<Contribution> {
        let sum: f64 = self.pairs(a, b).map(|(_, a, b)| (a - b) * (a - b)).sum();
        let mut found: Vec<Contribution> = self
            .pairs(a, b)
            .map(|(feature, a, b)| Contribution {
                feature,
                a,
                b,
                share: (a - b) * (a - b) / sum,
            })
            .filter(|c| c.share > 0.0)
            .collect();
        found.sort_by(|x, y| y.share.total_cmp(&x.share));
        found.truncate(n);
        found
    }

    /// The at most `k` cases nearest to the query, nearest first, equal distances by the cases' order, each with the `n` features
    /// that contribute most. Exact: every case is compared. Cases without a distance ([`Scaling::distance`]) are left out;
    /// the query itself, where it is among the cases, is found at distance 0.
    pub fn similar<C: AsRef<[Option<f64>]>>(
        &self,
        query: &[Option<f64>],
        cases: &[C],
        k: usize,
        n: usize,
    ) -> Vec<Neighbour> {
        let mut top = TopK::new(k);
        for (case, values) in cases.iter().enumerate() {
            if let Some(distance) = self.distance(query, values.as_ref()) {
                top.offer(case, distance.value);
            }
        }
        let near = top.into_sorted().into_iter();
        near.filter_map(|near| {
            let values = cases.get(near.index)?.as_ref();
            Some(Neighbour {
                case: near.index,
                distance: near.distance,
                shared: self.pairs(query, values).count(),
                contributions: self.contributions(query, values, n),
            })
        })
        .collect()
    }

    /// The features that both have: place and both z-scores.
    fn pairs<'a>(
        &'a self,
        a: &'a [Option<f64>],
        b: &'a [Option<f64>],
    ) -> impl Iterator<Item = (usize, f64, f64)> + 'a {
        let scales = self.scales().iter().zip(a).zip(b).enumerate();
        scales.filter_map(|(feature, ((scale, a), b))| Some((feature, scale.z((*a)?)?, scale.z((*b)?)?)))
    }
}
