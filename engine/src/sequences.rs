//! A session's part in sequences: what it was given last, and those that nobody else sees yet.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use radlake_catalogs::{Lake, Position, SequenceObject, is_temporary_schema};
use tokio::runtime::{Builder, Handle, RuntimeFlavor};

use crate::pg_catalog::CatalogError;

/// What a session knows of sequences.
#[derive(Debug)]
pub struct Sequences {
    lake: Lake,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Numbers that the session was given last, by the OIDs of sequences.
    given: BTreeMap<u32, i64>,
    /// Of which it was given one last.
    last: Option<u32>,
    /// Where those stand that the session has made and not published, by generation; true for temporary ones, which stay.
    own: BTreeMap<String, (bool, Position)>,
}

impl Sequences {
    pub(crate) fn new(lake: Lake) -> Self {
        Self {
            lake,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sequence begins, within a transaction.
    pub(crate) fn begins(&self, sequence: &SequenceObject) {
        let mut known = self.known();
        let temporary = is_temporary_schema(&sequence.schema);
        known
            .own
            .insert(sequence.generation.clone(), (temporary, sequence.initial));
    }

    /// Where a sequence stands that the transaction is about to publish, if it has gone on since it began.
    pub(crate) fn gone_on(&self, sequence: &SequenceObject) -> Option<Position> {
        let (temporary, at) = self.known().own.get(&sequence.generation).copied()?;
        (!temporary && at != sequence.initial).then_some(at)
    }

    /// Nothing is open: what was made is published, or never was.
    pub(crate) fn end(&self) {
        self.known().own.retain(|_, (temporary, _)| *temporary);
    }

    /// What the newest epoch says of a sequence, if it is published: rights and how it counts are today's.
    pub(crate) fn published(&self, sequence: &Arc<SequenceObject>) -> Option<Arc<SequenceObject>> {
        let known = self.lake.known();
        let newest = known.sequence(sequence.oid)?;
        (newest.generation == sequence.generation).then(|| Arc::clone(newest))
    }

    /// Where a sequence stands that only this session knows.
    fn own(&self, sequence: &SequenceObject) -> Position {
        let known = self.known();
        let at = known.own.get(&sequence.generation).map(|(_, at)| *at);
        at.unwrap_or(sequence.initial)
    }

    fn put_own(&self, sequence: &SequenceObject, at: Position) {
        let temporary = is_temporary_schema(&sequence.schema);
        self.known()
            .own
            .insert(sequence.generation.clone(), (temporary, at));
    }

    fn is_own(&self, sequence: &Arc<SequenceObject>) -> bool {
        let own = self.known().own.contains_key(&sequence.generation);
        own && (is_temporary_schema(&sequence.schema) || self.published(sequence).is_none())
    }

    /// `nextval`, as often as there are rows.
    ///
    /// # Errors
    /// [`CatalogError::SequenceLimit`] at its end; what the storage says.
    pub(crate) fn next(&self, sequence: &Arc<SequenceObject>, rows: usize) -> Result<Vec<i64>, CatalogError> {
        let numbers = match self.is_own(sequence) {
            true => self.next_own(sequence, rows),
            false => waited(self.lake.next_numbers(sequence, rows))?,
        };
        if let Some(last) = numbers.last() {
            let mut known = self.known();
            known.given.insert(sequence.oid, *last);
            known.last = Some(sequence.oid);
        }
        if numbers.len() < rows {
            let (end, bound) = match sequence.counting.increment > 0 {
                true => ("maximum", sequence.counting.maximum),
                false => ("minimum", sequence.counting.minimum),
            };
            return Err(CatalogError::SequenceLimit(format!(
                "nextval: reached {end} value of sequence \"{}\" ({bound})",
                sequence.name
            )));
        }
        Ok(numbers)
    }

    fn next_own(&self, sequence: &SequenceObject, rows: usize) -> Vec<i64> {
        let mut numbers = Vec::with_capacity(rows);
        let mut at = self.own(sequence);
        while numbers.len() < rows {
            let Some(run) = sequence.counting.next(at, 1) else {
                break;
            };
            numbers.push(run.first);
            at = Position {
                last: run.first,
                called: true,
            };
        }
        self.put_own(sequence, at);
        numbers
    }

    /// `setval`.
    ///
    /// # Errors
    /// [`CatalogError::OutOfRange`] for a number beyond its ends; what the storage says.
    pub(crate) fn set(&self, sequence: &Arc<SequenceObject>, position: Position) -> Result<(), CatalogError> {
        let counting = &sequence.counting;
        if !(counting.minimum..=counting.maximum).contains(&position.last) {
            return Err(CatalogError::OutOfRange(format!(
                "setval: value {} is out of bounds for sequence \"{}\" ({}..{})",
                position.last, sequence.name, counting.minimum, counting.maximum
            )));
        }
        match self.is_own(sequence) {
            true => self.put_own(sequence, position),
            false => waited(self.lake.set_position(sequence, position))?,
        }
        if position.called {
            self.known().given.insert(sequence.oid, position.last);
        }
        Ok(())
    }

    /// Where it stands.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) async fn position(&self, sequence: &Arc<SequenceObject>) -> crate::Result<Position> {
        match self.is_own(sequence) {
            true => Ok(self.own(sequence)),
            false => Ok(self.lake.position(sequence).await?),
        }
    }

    /// `pg_sequence_last_value`: the last number that was given, if any was.
    ///
    /// # Errors
    /// What the storage says.
    pub(crate) fn last(&self, sequence: &Arc<SequenceObject>) -> Result<Option<i64>, CatalogError> {
        let at = match self.is_own(sequence) {
            true => self.own(sequence),
            false => waited(self.lake.position(sequence))?,
        };
        Ok(at.called.then_some(at.last))
    }

    /// `currval`: the number that the session was given last.
    pub(crate) fn current(&self, sequence: u32) -> Option<i64> {
        self.known().given.get(&sequence).copied()
    }

    /// The sequence of `lastval`, and its number.
    pub(crate) fn latest(&self) -> Option<(u32, i64)> {
        let known = self.known();
        let last = known.last?;
        Some((last, *known.given.get(&last)?))
    }

    /// `DISCARD SEQUENCES`.
    pub(crate) fn forget(&self) {
        let mut known = self.known();
        known.given.clear();
        known.last = None;
    }
}

/// Waits within a computation for what has to be asked of the storage. Statements have threads of their own (`lanes.rs`), so that nobody
/// else waits; where a program that embeds us has only one thread, another one asks.
fn waited<T: Send>(
    asked: impl Future<Output = radlake_catalogs::Result<T>> + Send,
) -> Result<T, CatalogError> {
    let done = match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
            tokio::task::block_in_place(|| handle.block_on(asked))
        }
        _ => std::thread::scope(|scope| {
            let other = scope.spawn(|| match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(asked),
                Err(error) => Err(radlake_catalogs::Error::internal(format!(
                    "a thread to wait with: {error}"
                ))),
            });
            other.join().unwrap_or_else(|_| {
                Err(radlake_catalogs::Error::internal(
                    "who waited for a sequence is gone",
                ))
            })
        }),
    };
    done.map_err(|error| CatalogError::Storage(Box::new(error)))
}

/// Where a sequence stands, as a relation of one row.
pub(crate) fn row(at: Position) -> datafusion::common::Result<Arc<dyn TableProvider>> {
    let values: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![at.last])),
        Arc::new(Int64Array::from(vec![0])),
        Arc::new(BooleanArray::from(vec![at.called])),
    ];
    let row = RecordBatch::try_new(columns(), values)?;
    Ok(Arc::new(MemTable::try_new(columns(), vec![vec![row]])?))
}

/// The columns that a sequence has as a relation.
pub(crate) fn columns() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("last_value", DataType::Int64, false),
        Field::new("log_cnt", DataType::Int64, false),
        Field::new("is_called", DataType::Boolean, false),
    ]))
}
