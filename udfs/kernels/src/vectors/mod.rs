//! Vectors of `f32`: their distances, the nearest of many, and their text, all as pgvector defines them.
//!
//! Meaning and messages are those of pgvector 0.8 (`src/vector.c`). Sums are of `f64`, where pgvector's are of `f32`: results
//! are right to some 15 digits at any number of dimensions, and what overflows there (`3e38` beside `-3e38`) is a number here.
//! Infinity and NaN are refused by [`parse`] and not looked for again: from a caller's own memory they go through the
//! arithmetic, and a distance that is NaN stands after all others, as in PostgreSQL.

mod distance;
mod error;
mod estimate;
mod literal;
mod nearest;
mod top;

pub use distance::{Metric, distance};
pub use error::{VectorError, VectorResult};
pub use literal::{MAX_DIMENSIONS, parse, print};
pub use nearest::{Query, nearest};
pub use top::{Near, TopK};

#[cfg(test)]
mod tests;
