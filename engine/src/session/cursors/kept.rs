//! Rows that a cursor has read: those that are to be given, and for SCROLL those that were.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use datafusion::error::DataFusionError;
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Bytes of rows that a cursor keeps in memory.
const MEMORY: usize = 8 << 20;

pub(super) struct Kept {
    folder: PathBuf,
    pieces: VecDeque<Piece>,
    /// How many rows were read, those that are gone among them.
    rows: u64,
    memory: usize,
    /// A piece that was read back last, and where it begins.
    loaded: Option<(u64, RecordBatch)>,
}

struct Piece {
    start: u64,
    rows: u64,
    bytes: usize,
    data: Data,
}

enum Data {
    Memory(RecordBatch),
    /// Arrow's file format; gone with its owner.
    Spilled(NamedTempFile),
}

impl Kept {
    /// Rows beyond the bound are kept in files in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            pieces: VecDeque::new(),
            rows: 0,
            memory: 0,
            loaded: None,
        }
    }

    /// How many rows were read.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return Ok(());
        }
        let bytes = batch.get_array_memory_size();
        let data = match self.memory + bytes > MEMORY && !self.pieces.is_empty() {
            true => Data::Spilled(self.spill(&batch)?),
            false => {
                self.memory += bytes;
                Data::Memory(batch)
            }
        };
        self.pieces.push_back(Piece {
            start: self.rows,
            rows,
            bytes,
            data,
        });
        self.rows += rows;
        Ok(())
    }

    fn spill(&self, batch: &RecordBatch) -> Result<NamedTempFile> {
        let io = |error: std::io::Error| Error::from(DataFusionError::from(error));
        let file = tempfile::Builder::new()
            .prefix("cursor-")
            .tempfile_in(&self.folder)
            .map_err(io)?;
        let mut writer =
            FileWriter::try_new(file.as_file(), &batch.schema()).map_err(DataFusionError::from)?;
        writer.write(batch).map_err(DataFusionError::from)?;
        writer.finish().map_err(DataFusionError::from)?;
        drop(writer);
        Ok(file)
    }

    /// Up to `wanted` rows from row `row` on, or back from it, the last first; at least one.
    ///
    /// # Errors
    /// [`Error::Internal`] for a row that is gone or was not read.
    pub(super) fn from(&mut self, row: u64, wanted: u64, back: bool) -> Result<RecordBatch> {
        let at = self
            .pieces
            .partition_point(|piece| piece.start + piece.rows <= row);
        let piece = self.pieces.get(at).filter(|piece| piece.start <= row);
        let piece = piece.ok_or_else(|| Error::internal("a cursor's row is not kept"))?;
        let (start, rows) = (piece.start, piece.rows);
        let batch = match &piece.data {
            Data::Memory(batch) => batch.clone(),
            Data::Spilled(file) => match &self.loaded {
                Some((loaded, batch)) if *loaded == start => batch.clone(),
                _ => {
                    let batch = load(file.path())?;
                    self.loaded = Some((start, batch.clone()));
                    batch
                }
            },
        };
        let within = row - start;
        if !back {
            return Ok(batch.slice(within as usize, wanted.min(rows - within) as usize));
        }
        let count = wanted.min(within + 1);
        let order: UInt32Array = (0..count).map(|back| (within - back) as u32).collect();
        Ok(take_record_batch(&batch, &order).map_err(DataFusionError::from)?)
    }

    /// Rows before this one are not asked for any more.
    pub(super) fn forget_before(&mut self, row: u64) {
        while let Some(piece) = self
            .pieces
            .front()
            .filter(|piece| piece.start + piece.rows <= row)
        {
            if matches!(piece.data, Data::Memory(_)) {
                self.memory -= piece.bytes;
            }
            self.pieces.pop_front();
        }
    }
}

fn load(path: &Path) -> Result<RecordBatch> {
    let file = File::open(path).map_err(DataFusionError::from)?;
    let mut reader = FileReader::try_new(file, None).map_err(DataFusionError::from)?;
    let batch = reader
        .next()
        .ok_or_else(|| Error::internal("a cursor's file has no rows"))?;
    Ok(batch.map_err(DataFusionError::from)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn batch(from: i64, to: i64) -> RecordBatch {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
        RecordBatch::try_from_iter([("a", values)]).unwrap()
    }

    fn values(batch: &RecordBatch) -> Vec<i64> {
        batch.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn rows_are_found_in_memory_and_in_files_and_both_ways() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = Kept::new(folder.path());
        let step = 500_000;
        for piece in 0..6 {
            kept.push(batch(piece * step, (piece + 1) * step)).unwrap();
        }
        let files = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 4, "4 MB each: two are in memory");
        assert_eq!(kept.rows(), 3_000_000);
        for row in [0, 1, 499_999, 500_000, 1_250_000, 2_999_998] {
            let forward = kept.from(row, 2, false).unwrap();
            assert_eq!(values(&forward)[0], row as i64);
            let back = values(&kept.from(row, 2, true).unwrap());
            assert_eq!(back[0], row as i64);
            assert!(back.len() == 1 || back[1] == row as i64 - 1);
        }
        kept.forget_before(1_700_000);
        assert_eq!(files(), 3);
        assert!(kept.from(100, 1, false).is_err());
        assert_eq!(values(&kept.from(1_700_000, 1, false).unwrap()), [1_700_000]);
        drop(kept);
        assert_eq!(files(), 0);
    }
}
