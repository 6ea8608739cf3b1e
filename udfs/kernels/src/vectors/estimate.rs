//! Which rows cannot be among the nearest, by sums of `f32`, which take half the time of sums of `f64`.
//!
//! A sum of n terms in floating point is within n·u of the sum of their magnitudes, to first order, with u = 2⁻²⁴ for `f32`
//! (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, §3.1 and §4.2). A row whose distance is beyond the farthest
//! that was kept by more than that is passed over; of all others the exact distance is taken. So the result is that of
//! the exact distances, to the last bit.

use super::distance::Metric;

/// Sums are taken in this many lanes, two registers of SSE.
const LANES: usize = 8;

/// More than what products too small for an `f32` lose in all, at any number of dimensions that fits into memory.
const TINY: f64 = 1e-30;

/// What one pass in `f32` tells of a row: the sum that the metric is made of, and the row's sum of squares where that is needed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Estimate {
    sum: f32,
    squares: f32,
}

#[inline(always)]
pub(super) fn of_squared_differences(query: &[f32], row: &[f32]) -> Estimate {
    Estimate {
        sum: sum(query, row, |a, b| (a - b) * (a - b)),
        squares: 0.0,
    }
}

#[inline(always)]
pub(super) fn of_differences(query: &[f32], row: &[f32]) -> Estimate {
    Estimate {
        sum: sum(query, row, |a, b| (a - b).abs()),
        squares: 0.0,
    }
}

#[inline(always)]
pub(super) fn of_products(query: &[f32], row: &[f32]) -> Estimate {
    let (query, query_rest) = query.as_chunks::<LANES>();
    let (chunks, rest) = row.as_chunks::<LANES>();
    let (mut products, mut squares) = ([0.0; LANES], [0.0; LANES]);
    for (a, b) in query.iter().zip(chunks) {
        for lane in 0..LANES {
            products[lane] += a[lane] * b[lane];
        }
        for lane in 0..LANES {
            squares[lane] += b[lane] * b[lane];
        }
    }
    let mut found = Estimate {
        sum: 0.0,
        squares: 0.0,
    };
    for (a, b) in query_rest.iter().zip(rest) {
        found.sum += a * b;
        found.squares += b * b;
    }
    found.sum += across(products);
    found.squares += across(squares);
    found
}

#[inline(always)]
fn sum(query: &[f32], row: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (query, query_rest) = query.as_chunks::<LANES>();
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in query.iter().zip(chunks) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    let mut tail = 0.0;
    for (a, b) in query_rest.iter().zip(rest) {
        tail += term(*a, *b);
    }
    tail + across(lanes)
}

#[inline(always)]
fn across(s: [f32; LANES]) -> f32 {
    let [a, b, c, d]: [f32; 4] = std::array::from_fn(|k| s[k] + s[k + 4]);
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
    /// The farthest distance that was kept; NaN while any row may be kept.
    farthest: f64,
    /// The sum from which on a row is too far, where that is the same for all rows.
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
            farthest: f64::NAN,
            limit: f64::NAN,
        }
    }

    /// Takes the farthest distance that was kept, once as many are kept as are wanted.
    pub(super) fn narrow(&mut self, farthest: Option<f64>) {
        self.farthest = farthest.unwrap_or(f64::NAN);
        let sum = match self.metric {
            Metric::Euclidean => self.farthest * self.farthest,
            _ => self.farthest,
        };
        self.limit = (sum + TINY) / (1.0 - self.error) * (1.0 + 1e-12);
    }

    /// Whether the row is certainly farther than the farthest that was kept. No where the estimate is NaN or overflowed.
    #[inline(always)]
    pub(super) fn beyond(&self, estimate: Estimate) -> bool {
        let (sum, squares) = (f64::from(estimate.sum), f64::from(estimate.squares));
        match self.metric {
            Metric::Euclidean | Metric::Taxicab => sum > self.limit && estimate.sum < f32::INFINITY,
            Metric::NegativeInnerProduct => {
                let slack = 2.0 * self.error * (self.squares * (squares + TINY)).sqrt() + TINY;
                -sum - slack > self.farthest && squares < f64::INFINITY && sum.is_finite()
            }
            Metric::Cosine => {
                // Where squares nearly vanish their relative error is unknown.
                let cosine = sum / (self.squares * squares).sqrt();
                1.0 - cosine - 4.0 * self.error > self.farthest
                    && squares > TINY
                    && self.squares > TINY
                    && squares < f64::INFINITY
                    && sum.is_finite()
            }
        }
    }
}
