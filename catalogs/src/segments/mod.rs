//! Segments and measurements: what segmentations, structure sets and measurement reports say, as rows of `imaging.segments` and
//! `imaging.measurements`.

mod due;
mod extract;
mod images;
mod locate;
mod opened;
mod place;
mod reader;
mod rows;
mod run;
mod schema;
mod seg;
mod source;

pub(crate) use extract::{Extracted, extract};
pub use reader::{PixelReader, Pixels, Read, Region};
pub(crate) use rows::{measurements_batch, segments_batch};
pub(crate) use run::place_segments;
pub use run::{PlacedSegments, catch_up};
pub(crate) use schema::{Object, Segment};
pub use schema::{measurements_schema, segments_schema};
pub use source::Reserve;
