//! Distances of two vectors.

use super::error::{VectorError, VectorResult};

/// Sums are taken in this many lanes, so that the compiler makes vector instructions of them.
const LANES: usize = 8;

/// What "near" means: pgvector's four operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// `<->`: the root of the sum of squared differences.
    Euclidean,
    /// `<#>`: the inner product, negated, so that the greatest product is nearest.
    NegativeInnerProduct,
    /// `<=>`: one less the cosine of the angle, 0 to 2; NaN where either vector is zero.
    Cosine,
    /// `<+>`: the sum of absolute differences.
    Taxicab,
}

impl Metric {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::Euclidean,
        Self::NegativeInnerProduct,
        Self::Cosine,
        Self::Taxicab,
    ];

    /// Its operator in SQL.
    pub fn operator(self) -> &'static str {
        match self {
            Self::Euclidean => "<->",
            Self::NegativeInnerProduct => "<#>",
            Self::Cosine => "<=>",
            Self::Taxicab => "<+>",
        }
    }

    /// The metric of an operator in SQL.
    pub fn of_operator(operator: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.operator() == operator)
    }
}

/// The distance of two vectors of equal length. It is the same to the last bit as what [`super::nearest`] finds, and whichever
/// of the two comes first. NaN and infinity among the elements go through the arithmetic.
///
/// ```
/// use radlake_kernels::vectors::{Metric, distance};
///
/// assert_eq!(distance(&[0.0, 0.0], &[3.0, 4.0], Metric::Euclidean), Ok(5.0));
/// ```
pub fn distance(a: &[f32], b: &[f32], metric: Metric) -> VectorResult<f64> {
    if a.len() != b.len() {
        return Err(VectorError::DifferentDimensions {
            left: a.len(),
            right: b.len(),
        });
    }
    Ok(match metric {
        Metric::Euclidean => euclidean(a, b),
        Metric::NegativeInnerProduct => negative_inner_product(a, b),
        Metric::Cosine => cosine(a, squares(a), b),
        Metric::Taxicab => taxicab(a, b),
    })
}

/// The sums of `term` over pairs of elements, in lanes. Both slices have the same length.
#[inline(always)]
fn sums<const N: usize>(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> [f64; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            let terms = term(a[lane].into(), b[lane].into());
            for (sum, term) in lanes.iter_mut().zip(terms) {
                sum[lane] += term;
            }
        }
    }
    for (lane, (&a, &b)) in a_rest.iter().zip(b_rest).enumerate() {
        for (sum, term) in lanes.iter_mut().zip(term(a.into(), b.into())) {
            sum[lane] += term;
        }
    }
    lanes.map(|s| ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])))
}

#[inline(always)]
pub(super) fn euclidean(a: &[f32], b: &[f32]) -> f64 {
    let [sum] = sums(a, b, |a, b| [(a - b) * (a - b)]);
    sum.sqrt()
}

#[inline(always)]
pub(super) fn negative_inner_product(a: &[f32], b: &[f32]) -> f64 {
    let [sum] = sums(a, b, |a, b| [a * b]);
    -sum
}

#[inline(always)]
pub(super) fn taxicab(a: &[f32], b: &[f32]) -> f64 {
    let [sum] = sums(a, b, |a, b| [(a - b).abs()]);
    sum
}

/// The sum of squares.
pub(super) fn squares(a: &[f32]) -> f64 {
    let [sum] = sums(a, a, |a, _| [a * a]);
    sum
}

/// `a_squares` is the first vector's sum of squares.
#[inline(always)]
pub(super) fn cosine(a: &[f32], a_squares: f64, b: &[f32]) -> f64 {
    let [product, b_squares] = sums(a, b, |a, b| [a * b, b * b]);
    // The range is kept as pgvector keeps it: comparisons let NaN pass.
    let cosine = product / (a_squares * b_squares).sqrt();
    1.0 - cosine.clamp(-1.0, 1.0)
}
