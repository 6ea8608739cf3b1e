//! Which rows cannot be among the nearest, by sums of `f32`, which take half the time of sums of `f64`.
//!
//! A sum of n terms in floating point is within n·u of the sum of their magnitudes, to first order, with u = 2⁻²⁴ for `f32`
//! (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, §3.1 and §4.2). A row whose distance is beyond the farthest
//! that was kept by more than that is passed over; of all others the exact distance is taken. So the result is that of
//! the exact distances, to the last bit.

use super::distance::Metric;

/// Sums are taken in this many lanes, four registers of SSE.
const LANES: usize = 16;

/// More than what products too small for an `f32` lose in all, at any number of dimensions that fits into memory.
const TINY: f64 = 1e-30;

type Lanes = [f32; LANES];

const UNKNOWN: Lanes = [f32::NAN; LANES];

/// The query as the passes read it.
#[derive(Debug, Clone)]
pub(super) struct Chunked {
    chunks: Vec<Lanes>,
    /// The last lanes of the query, and 1 at those that are in no chunk: rows are read as far back, so that what is left of a
    /// row costs one chunk more and no loop.
    rest: Option<(Lanes, Lanes)>,
}

impl Chunked {
    pub(super) fn new(query: &[f32]) -> Self {
        let (chunks, rest) = query.as_chunks::<LANES>();
        let fresh = |lane: usize| f32::from(u8::from(lane + rest.len() >= LANES));
        Self {
            chunks: chunks.to_vec(),
            rest: (!rest.is_empty()).then(|| {
                let last = query.last_chunk().unwrap_or(&UNKNOWN);
                (*last, std::array::from_fn(fresh))
            }),
        }
    }
}

/// What one pass in `f32` tells of a row, still in lanes: the sum that the metric is made of, and the row's sum of squares where
/// that is needed. The lanes are added up in another loop: the compiler would else arrange the first for the sake of that.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Estimate {
    sum: Lanes,
    squares: Lanes,
}

#[inline(always)]
pub(super) fn of_squared_differences(query: &Chunked, row: &[f32], out: &mut Estimate) {
    sum(query, row, |a, b| (a - b) * (a - b), &mut out.sum);
}

#[inline(always)]
pub(super) fn of_differences(query: &Chunked, row: &[f32], out: &mut Estimate) {
    sum(query, row, |a, b| (a - b).abs(), &mut out.sum);
}

#[inline(always)]
pub(super) fn of_products(query: &Chunked, row: &[f32], out: &mut Estimate) {
    let (mut products, mut squares) = ([0.0; LANES], [0.0; LANES]);
    for (a, b) in query.chunks.iter().zip(row.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            products[lane] += a[lane] * b[lane];
            squares[lane] += b[lane] * b[lane];
        }
    }
    if let Some((a, fresh)) = &query.rest {
        // Rows shorter than the lanes are not estimated: nothing is told of NaN.
        let b: &Lanes = row.last_chunk().unwrap_or(&UNKNOWN);
        for lane in 0..LANES {
            let b = fresh[lane] * b[lane];
            products[lane] += a[lane] * b;
            squares[lane] += b * b;
        }
    }
    out.sum = products;
    out.squares = squares;
}

#[inline(always)]
fn sum(query: &Chunked, row: &[f32], term: impl Fn(f32, f32) -> f32, out: &mut Lanes) {
    let mut lanes = [0.0; LANES];
    for (a, b) in query.chunks.iter().zip(row.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    if let Some((a, fresh)) = &query.rest {
        // Rows shorter than the lanes are not estimated: nothing is told of NaN.
        let b: &Lanes = row.last_chunk().unwrap_or(&UNKNOWN);
        for lane in 0..LANES {
            lanes[lane] += fresh[lane] * term(a[lane], b[lane]);
        }
    }
    *out = lanes;
}

#[inline(always)]
fn across(s: &Lanes) -> f32 {
    let [a, b, c, d]: [f32; 4] = std::array::from_fn(|k| (s[k] + s[k + 4]) + (s[k + 8] + s[k + 12]));
    (a + c) + (b + d)
}

/// Tells from estimates which rows are too far.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    metric: Metric,
    /// The query's sum of squares.
    squares: f64,
    /// Relative error of a sum, at most.
    error: f64,
    /// What a row's sum is compared with, made of the farthest distance that was kept; NaN while any row may be kept.
    limit: f64,
}

impl Filter {
    pub(super) fn new(metric: Metric, squares: f64, dimensions: usize) -> Self {
        // Additions in a lane, across lanes and of the tail, the term's own rounding, all of it twice for safety.
        let error = (dimensions / LANES + 2 * LANES) as f64 * f64::from(f32::EPSILON);
        Self {
            metric,
            squares,
            error: if error < 0.1 { error } else { f64::INFINITY },
            limit: f64::NAN,
        }
    }

    /// Takes the farthest distance that was kept, once as many are kept as are wanted.
    pub(super) fn narrow(&mut self, farthest: Option<f64>) {
        let far = farthest.unwrap_or(f64::NAN);
        let above = |sum: f64| (sum + TINY) / (1.0 - self.error) * (1.0 + 1e-12);
        self.limit = match self.metric {
            Metric::Euclidean => above(far * far),
            Metric::Taxicab => above(far),
            Metric::NegativeInnerProduct => far,
            Metric::Cosine if self.squares > TINY => {
                let cosine = 1.0 - far - 4.0 * self.error;
                cosine * cosine.abs() * self.squares
            }
            Metric::Cosine => f64::NAN,
        };
    }

    /// Whether the row is certainly farther than the farthest that was kept. No where the estimate is NaN or overflowed.
    #[inline(always)]
    pub(super) fn beyond(&self, estimate: &Estimate) -> bool {
        let sum = f64::from(across(&estimate.sum));
        let squares = || f64::from(across(&estimate.squares));
        match self.metric {
            Metric::Euclidean | Metric::Taxicab => sum > self.limit && sum < f64::INFINITY,
            // No roots: squares are compared. Sums are at most the root of both squares, so that slack is in proportion to that.
            Metric::NegativeInnerProduct => {
                let squares = squares();
                let excess = -sum - TINY - self.limit;
                let slack = 2.0 * self.error;
                (excess * excess.abs() > slack * slack * self.squares * (squares + TINY))
                    & (squares < f64::INFINITY)
                    & sum.is_finite()
            }
            Metric::Cosine => {
                let squares = squares();
                // The cosine of the farthest times both lengths, squared, with its sign.
                let square = self.limit * squares;
                // Where squares nearly vanish their relative error is unknown. Without branches, as both signs are as likely.
                (sum * sum.abs() < square - 1e-12 * square.abs())
                    & (squares > TINY)
                    & (squares < f64::INFINITY)
                    & sum.is_finite()
            }
        }
    }
}
