//! Series: what all instances of one say together, as rows of `imaging.series`.

mod aggregate;
mod cells;
mod frames;
pub mod geometry;
mod schema;

pub use aggregate::aggregate;
pub use schema::{series_schema, source_columns};
