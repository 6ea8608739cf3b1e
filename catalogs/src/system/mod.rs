//! What the lake tells about itself.

mod epochs;

pub use epochs::{EpochRecord, TableRecord, epochs_schema, epochs_to_batch};
