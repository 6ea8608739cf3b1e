//! One Parquet file, compressed with zstd.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::{Sink, Writer};
use crate::failure::Failure;

/// Bytes of a row group in memory.
const ROW_GROUP: usize = 64 << 20;

pub(super) struct Parquet {
    writer: ArrowWriter<Sink>,
}

impl Parquet {
    pub(super) fn new(sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(Default::default()))
            .build();
        let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties)).map_err(failed)?;
        Ok(Self { writer })
    }
}

fn failed(error: ParquetError) -> Failure {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => (*io).into(),
            Err(other) => Failure::Output(other.to_string()),
        },
        other => Failure::Output(other.to_string()),
    }
}

impl Writer for Parquet {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.writer.write(batch).map_err(failed)?;
        // Wide rows fill a group long before its number of rows does.
        if self.writer.in_progress_size() > ROW_GROUP {
            self.writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Sink, Failure> {
        self.writer.into_inner().map_err(failed)
    }
}
