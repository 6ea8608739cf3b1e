//! Headers to rows of `imaging.instances`: one pass over the elements fills the typed columns and the JSON.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch},
    error::ArrowError,
};

use self::{
    cell::{Cell, Value},
    pass::Pass,
    paths::{PATHS, Part},
    tail::Tail,
};
use super::{COLUMNS, Header, HeaderHash, Vr, Warning, instances_schema};

mod cell;
mod diffusion;
mod distinct;
mod pass;
mod paths;
mod tail;
#[cfg(test)]
mod tests;

/// What a row says of its file beside the header.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Who brought it.
    pub provider: &'a str,
    /// Where it is.
    pub source_uri: &'a str,
    /// Bytes.
    pub file_size: u64,
    /// [`Header::hash`] of it.
    pub header_hash: HeaderHash,
}

/// What appending a header told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Values that did not parse, text that could not be decoded, faults of structure: the column `warnings`.
    pub warnings: u32,
    /// Bytes that the row takes in memory, about.
    pub bytes: usize,
}

/// Rows of `imaging.instances` being built.
#[derive(Debug)]
pub struct InstanceRows {
    cells: Vec<Cell>,
    tail: Tail,
    pass: Pass,
    rows: usize,
    bytes: usize,
}

impl InstanceRows {
    /// Room for `capacity` rows; more are taken.
    pub fn new(capacity: usize) -> Self {
        Self {
            cells: COLUMNS.iter().map(|c| Cell::new(c, capacity)).collect(),
            tail: Tail::new(capacity),
            pass: Pass::default(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds a header's row. A value that does not parse is NULL in its column, stays in `dataset`, and is a warning.
    pub fn append(&mut self, header: &Header<'_>, origin: &Origin<'_>) -> Appended {
        let paths = &*PATHS;
        // The UIDs as the reader found them, whatever the elements look like: these columns are never NULL.
        let uids = [
            header.sop_instance_uid(),
            header.series_instance_uid(),
            header.study_instance_uid(),
        ];
        for (cell, uid) in self.cells.iter_mut().zip(uids) {
            cell.set(self.rows, Part::Whole, &Value::Text(uid), Vr::UI, 0);
        }
        self.pass.run(header, paths, self.rows, &mut self.cells);
        let mut bytes = 0;
        for cell in &mut self.cells {
            bytes += cell.finish_row(self.rows + 1);
        }
        bytes += self.tail.append(header, origin, &mut self.pass);
        let warnings = self.pass.warnings().count();
        self.rows += 1;
        self.bytes += bytes;
        Appended { warnings, bytes }
    }

    /// The first warnings of the row that was added last.
    pub fn warned(&mut self) -> &[Warning] {
        self.pass.warnings().first()
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Bytes that the rows take in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows in the shape of [`instances_schema`], with `ingested_epoch` 0: see [`with_epoch`]. Starts anew.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut arrays: Vec<ArrayRef> = self.cells.iter_mut().map(|cell| cell.finish(rows)).collect();
        arrays.extend(self.tail.finish());
        RecordBatch::try_new(instances_schema(), arrays)
    }
}

/// The rows with the epoch that makes them visible, known only when they are committed.
pub fn with_epoch(batch: &RecordBatch, epoch: i64) -> Result<RecordBatch, ArrowError> {
    let at = batch.schema().index_of("ingested_epoch")?;
    let mut arrays = batch.columns().to_vec();
    arrays[at] = Arc::new(Int64Array::from_value(epoch, batch.num_rows()));
    RecordBatch::try_new(batch.schema(), arrays)
}
