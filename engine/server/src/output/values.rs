//! Values as the texts that psql would show.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use bytes::BytesMut;

use crate::failure::Failure;
use crate::wire::{BoundBatch, RowEncoder, Style, column_name};

/// Reads a result's values as text.
pub(super) struct Texts {
    encoder: RowEncoder,
    buffer: BytesMut,
}

impl Texts {
    pub(super) fn new(schema: &Schema) -> Self {
        Self {
            encoder: RowEncoder::text(schema, Style::default()),
            buffer: BytesMut::new(),
        }
    }

    pub(super) fn bind(&self, batch: &RecordBatch) -> Result<BoundBatch, Failure> {
        self.encoder
            .bind(batch)
            .map_err(|error| Failure::Output(error.to_string()))
    }

    /// The text of one value; `None` for NULL.
    pub(super) fn get(
        &mut self,
        batch: &BoundBatch,
        column: usize,
        row: usize,
    ) -> Result<Option<&[u8]>, Failure> {
        self.buffer.clear();
        match batch.text(column, row, &mut self.buffer) {
            Ok(true) => Ok(Some(&self.buffer)),
            Ok(false) => Ok(None),
            Err(error) => Err(Failure::Output(error.to_string())),
        }
    }
}

/// The columns' names.
pub(super) fn names(schema: &Schema) -> Vec<String> {
    schema
        .fields()
        .iter()
        .map(|field| column_name(field).to_owned())
        .collect()
}
