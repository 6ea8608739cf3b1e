//! `pg_cursors`: the session's cursors.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::session::CursorShown;
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(crate) fn rows(declared: &'static Declared, cursors: &[CursorShown]) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, cursors)
        .column("name", |c| c.name.as_str())
        .column("statement", |c| c.statement.as_str())
        .column("is_holdable", |c| c.holdable)
        .column("is_binary", |c| c.binary)
        .column("is_scrollable", |c| c.scrollable)
        .column("creation_time", |c| c.created.timestamp_micros())
        .finish()
}
