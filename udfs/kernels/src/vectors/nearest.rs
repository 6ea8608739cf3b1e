//! The nearest of many vectors in one pass over their memory.

use super::distance::{Metric, cosine, euclidean, negative_inner_product, squares, taxicab};
use super::error::{VectorError, VectorResult};
use super::estimate::{self, Chunked, Estimate, Filter};
use super::top::{Near, TopK};

/// Rows that are estimated before any is compared with what was found.
const BLOCK: usize = 16;

/// A vector to which the nearest are sought. Batches, or threads over parts of the rows, each [`Query::scan`] into a [`TopK`].
#[derive(Debug, Clone)]
pub struct Query {
    values: Vec<f32>,
    chunked: Chunked,
    squares: f64,
    metric: Metric,
}

impl Query {
    /// Fails on a vector without elements.
    pub fn new(query: &[f32], metric: Metric) -> VectorResult<Self> {
        if query.is_empty() {
            return Err(VectorError::Empty);
        }
        Ok(Self {
            values: query.to_vec(),
            chunked: Chunked::new(query),
            squares: squares(query),
            metric,
        })
    }

    /// Offers every row of `vectors` (rows × dimensions, row-major, as a fixed-size list of Arrow has them) to `found`, the first
    /// as row `first`. `valid` is asked, with a row of this slice from 0, about those only that may be kept; values of
    /// rows that are not valid may be anything. Fails where the memory is no whole number of rows.
    pub fn scan(
        &self,
        vectors: &[f32],
        first: usize,
        valid: Option<&dyn Fn(usize) -> bool>,
        found: &mut TopK,
    ) -> VectorResult<()> {
        let dimensions = self.values.len();
        if !vectors.len().is_multiple_of(dimensions) {
            return Err(VectorError::BrokenRow {
                values: vectors.len(),
                dimensions,
            });
        }
        if found.k() == 0 {
            return Ok(());
        }
        let query = self.values.as_slice();
        let scan = Scan {
            query: self,
            vectors,
            first,
            valid,
        };
        // One loop for each metric, so that none of them asks within it which one it is.
        match self.metric {
            Metric::Euclidean => scan.run(found, estimate::of_squared_differences, |row| {
                euclidean(query, row)
            }),
            Metric::NegativeInnerProduct => scan.run(found, estimate::of_products, |row| {
                negative_inner_product(query, row)
            }),
            Metric::Cosine => scan.run(found, estimate::of_products, |row| {
                cosine(query, self.squares, row)
            }),
            Metric::Taxicab => scan.run(found, estimate::of_differences, |row| taxicab(query, row)),
        }
        Ok(())
    }
}

/// One pass.
struct Scan<'a> {
    query: &'a Query,
    vectors: &'a [f32],
    first: usize,
    valid: Option<&'a dyn Fn(usize) -> bool>,
}

impl Scan<'_> {
    #[inline(always)]
    fn run(
        &self,
        found: &mut TopK,
        estimate: impl Fn(&Chunked, &[f32], &mut Estimate),
        distance: impl Fn(&[f32]) -> f64,
    ) {
        let dimensions = self.query.values.len();
        let mut filter = Filter::new(self.query.metric, self.query.squares, dimensions);
        filter.narrow(found.farthest());
        let mut estimates = [Estimate::default(); BLOCK];
        let mut start = 0;
        for block in self.vectors.chunks(dimensions.saturating_mul(BLOCK)) {
            let rows = block.chunks_exact(dimensions);
            let count = rows.len();
            for (row, out) in rows.clone().zip(&mut estimates) {
                estimate(&self.query.chunked, row, out);
            }
            for (k, (values, estimate)) in rows.zip(&estimates).enumerate() {
                let row = start + k;
                if !filter.beyond(estimate) && self.valid.is_none_or(|valid| valid(row)) {
                    found.offer(self.first + row, distance(values));
                    filter.narrow(found.farthest());
                }
            }
            start += count;
        }
    }
}

/// The `k` rows of `vectors` (rows × `dims`, row-major) nearest to `query`, nearest first, equal distances by row: exact, in
/// one pass. Rows for which `valid` says no (NULL) are left out. Fails where `query` has not `dims` elements, has none, or the
/// memory is no whole number of rows.
///
/// ```
/// use radlake_kernels::vectors::{Metric, nearest};
///
/// let near = nearest(&[1.0, 1.0], &[0.0, 0.0, 1.0, 2.0, 5.0, 5.0], 2, 2, Metric::Taxicab, None)?;
/// assert_eq!(near.iter().map(|n| (n.index, n.distance)).collect::<Vec<_>>(), [(1, 1.0), (0, 2.0)]);
/// # Ok::<(), radlake_kernels::vectors::VectorError>(())
/// ```
pub fn nearest(
    query: &[f32],
    vectors: &[f32],
    dims: usize,
    k: usize,
    metric: Metric,
    valid: Option<&dyn Fn(usize) -> bool>,
) -> VectorResult<Vec<Near>> {
    if query.len() != dims {
        return Err(VectorError::DifferentDimensions {
            left: query.len(),
            right: dims,
        });
    }
    let mut found = TopK::new(k);
    Query::new(query, metric)?.scan(vectors, 0, valid, &mut found)?;
    Ok(found.into_sorted())
}
