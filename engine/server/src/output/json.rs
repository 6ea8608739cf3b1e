//! JSON: one object per line, nulls included.

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;

use super::{Sink, Writer};
use crate::failure::Failure;

pub(super) struct Json {
    writer: arrow::json::Writer<Sink, LineDelimited>,
}

impl Json {
    pub(super) fn new(sink: Sink) -> Self {
        Self {
            writer: WriterBuilder::new().with_explicit_nulls(true).build(sink),
        }
    }
}

fn failed(error: arrow::error::ArrowError) -> Failure {
    match error {
        arrow::error::ArrowError::IoError(_, error) => error.into(),
        other => Failure::Output(other.to_string()),
    }
}

impl Writer for Json {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.writer.write(batch).map_err(failed)
    }

    fn end(mut self: Box<Self>) -> Result<Sink, Failure> {
        self.writer.finish().map_err(failed)?;
        Ok(self.writer.into_inner())
    }
}
