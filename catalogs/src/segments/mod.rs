//! Segments and measurements: what segmentations, structure sets and measurement reports say, as rows of `imaging.segments` and
//! `imaging.measurements`.

mod extract;
mod schema;

pub(crate) use extract::{Extracted, extract};
pub(crate) use schema::{Object, Segment, measurements_batch, segments_batch};
pub use schema::{measurements_schema, segments_schema};
