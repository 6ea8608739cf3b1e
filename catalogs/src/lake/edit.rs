//! Changing single rows: files that hold one are written anew, and take the old ones' place.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, interleave};
use datafusion::catalog::Session;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use futures::{Stream, StreamExt};

use super::Transaction;
use crate::delta::{DataFile, LakeTable};
use crate::{Error, Result};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Deleted,
    /// Its columns come from this row of this batch of [`Edits::values`].
    Updated {
        batch: usize,
        row: usize,
    },
}

/// Rows of one table that are to be deleted or updated, by the places that [`crate::delta::RowIds`] gave them.
#[derive(Debug, Default)]
pub struct Edits {
    files: BTreeMap<i32, BTreeMap<i64, Fate>>,
    values: Vec<RecordBatch>,
}

impl Edits {
    /// Marks a row as deleted. False if it is marked already.
    pub fn delete(&mut self, file: i32, row: i64) -> bool {
        self.mark(file, row, Fate::Deleted)
    }

    /// Keeps new values, all of one schema: the columns that [`Edits::update`] gives rows. Says which batch it is.
    pub fn keep(&mut self, values: RecordBatch) -> usize {
        self.values.push(values);
        self.values.len() - 1
    }

    /// Marks a row as updated from row `from` of batch `batch`. False if it is marked already.
    pub fn update(&mut self, file: i32, row: i64, batch: usize, from: usize) -> bool {
        self.mark(file, row, Fate::Updated { batch, row: from })
    }

    /// Whether the row is marked.
    pub fn has(&self, file: i32, row: i64) -> bool {
        self.files.get(&file).is_some_and(|rows| rows.contains_key(&row))
    }

    /// Rows that are marked.
    pub fn len(&self) -> usize {
        self.files.values().map(BTreeMap::len).sum()
    }

    /// True if nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn mark(&mut self, file: i32, row: i64, fate: Fate) -> bool {
        let rows = self.files.entry(file).or_default();
        let new = !rows.contains_key(&row);
        if new {
            rows.insert(row, fate);
        }
        new
    }
}

impl Transaction {
    /// Carries out edits on a table that was opened by [`Transaction::open_table`] since the last change to it.
    /// Memory: a batch at a time beside the edits themselves.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a file is not live any more; [`Error::Invalid`] for values that do not fit.
    pub async fn edit(
        &mut self,
        state: &dyn Session,
        task: &Arc<TaskContext>,
        table: &Arc<LakeTable>,
        edits: Edits,
    ) -> Result<()> {
        if edits.is_empty() {
            return Ok(());
        }
        let Edits { files, values } = edits;
        let all: Vec<Arc<DataFile>> = table.files().cloned().collect();
        let mut touched = Vec::with_capacity(files.len());
        for (number, fates) in files {
            let file = usize::try_from(number).ok().and_then(|number| all.get(number));
            let file = file.ok_or_else(|| Error::internal("a file that the table does not have"))?;
            touched.push((Arc::clone(file), fates));
        }
        let paths: Vec<String> = touched.iter().map(|(file, _)| file.path().to_owned()).collect();
        let values = Arc::new(values);
        type Rows =
            std::pin::Pin<Box<dyn Stream<Item = std::result::Result<RecordBatch, DataFusionError>> + Send>>;
        let mut scans: Vec<Rows> = Vec::with_capacity(touched.len());
        for (file, fates) in touched {
            let values = Arc::clone(&values);
            let mut first = 0_i64;
            // Nothing is read before the stream is asked.
            let rows = table
                .whole_file(state, None, &file)?
                .execute(0, Arc::clone(task))?;
            scans.push(Box::pin(rows.map(move |batch| {
                let batch = batch?;
                let edited = apply(&batch, first, &fates, &values)?;
                first += batch.num_rows() as i64;
                Ok(edited)
            })));
        }
        let rows = futures::stream::iter(scans).flatten();
        let object = table.object().clone();
        let staged = self.stage(&object, rows).await?;
        self.remove_files(&object, &paths).await?;
        self.add_staged(&object, staged)
    }
}

/// A batch whose first row is number `first` of its file, with the edits made.
fn apply(
    batch: &RecordBatch,
    first: i64,
    fates: &BTreeMap<i64, Fate>,
    values: &[RecordBatch],
) -> std::result::Result<RecordBatch, DataFusionError> {
    let rows = batch.num_rows();
    let here: Vec<(usize, Fate)> = fates
        .range(first..first + rows as i64)
        .map(|(row, fate)| ((row - first) as usize, *fate))
        .collect();
    if here.is_empty() {
        return Ok(batch.clone());
    }
    let mut edited = batch.clone();
    if let Some(changed) = values.first().map(RecordBatch::schema) {
        // Row by row, from the batch itself (0) or from one of the batches of values (1, 2 …).
        let mut from: Vec<(usize, usize)> = (0..rows).map(|row| (0, row)).collect();
        for (row, fate) in &here {
            if let Fate::Updated { batch, row: value } = fate {
                from[*row] = (batch + 1, *value);
            }
        }
        let mut columns = batch.columns().to_vec();
        for (place, field) in changed.fields().iter().enumerate() {
            let at = batch.schema().index_of(field.name())?;
            let mut sources: Vec<&dyn Array> = vec![batch.column(at).as_ref()];
            sources.extend(values.iter().map(|values| values.column(place).as_ref()));
            columns[at] = interleave(&sources, &from)?;
        }
        edited = RecordBatch::try_new(batch.schema(), columns)?;
    }
    if here.iter().any(|(_, fate)| *fate == Fate::Deleted) {
        let mut keep = vec![true; rows];
        for (row, fate) in &here {
            keep[*row] = *fate != Fate::Deleted;
        }
        edited = filter_record_batch(&edited, &BooleanArray::from(keep))?;
    }
    Ok(edited)
}
