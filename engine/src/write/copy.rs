//! COPY FROM: rows that come as a stream, from a client or a file.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{Stream, StreamExt};
use radlake_catalogs::{StagedFiles, Temporary, Transaction as Work};
use radlake_sql::{Copy, Statement, ast};

use super::constraint::{self, Constraint};
use super::insert::{default, list, take};
use super::pipeline::{Gate, layers};
use super::target::{Target, folded, quoted};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::interrupt::Over;
use crate::policy::Command;
use crate::session::{Inner, span};
use crate::{Error, Result, RowStream};

/// The first column of rows that are copied in: the number of the line that each was read from.
pub const LINE: &str = "radlake.line";
/// Rows that may be left out before a file counts as one of another kind.
const MANY: usize = 100_000;

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The line that it ends on, from 1.
    pub line: i64,
    /// The column that does not fit, where one is to blame.
    pub column: Option<String>,
    /// Why, without a value.
    pub reason: String,
}

/// Collects rows that do not fit, instead of failing with the first.
#[derive(Debug, Clone, Default)]
pub struct Rejects(Arc<Mutex<Vec<Rejected>>>);

impl Rejects {
    /// Adds one.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] after a hundred thousand.
    pub fn add(&self, rejected: Rejected) -> Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == MANY {
            return Err(Error::LimitExceeded(format!("more than {MANY} rows do not fit")));
        }
        all.push(rejected);
        Ok(())
    }

    /// Those so far, by line.
    #[must_use]
    pub fn take(&self) -> Vec<Rejected> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.sort_by_key(|rejected| rejected.line);
        all
    }
}

/// Where a COPY FROM puts its rows.
#[derive(Debug, Clone)]
pub struct CopyTarget {
    /// The table's name, as messages have it.
    pub table: String,
    /// The columns that each row has a value for, in this order.
    pub columns: SchemaRef,
}

impl CopyTarget {
    /// What [`crate::Session::copy_in`] expects: [`LINE`], then the columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let line = Arc::new(Field::new(LINE, DataType::Int64, false));
        let columns = self.columns.fields().iter().map(|field| {
            let nullable = field.as_ref().clone().with_nullable(true);
            Arc::new(nullable)
        });
        Arc::new(Schema::new(
            std::iter::once(line).chain(columns).collect::<Vec<_>>(),
        ))
    }
}

/// Rows on their way in.
pub struct Incoming {
    rows: RowStream,
    rejects: Option<Rejects>,
}

impl Incoming {
    /// Batches with the columns of [`CopyTarget::schema`]. Rows that break a constraint go to `rejects`; without it the
    /// first ends the statement.
    pub fn new<S>(schema: SchemaRef, rows: S, rejects: Option<Rejects>) -> Self
    where
        S: Stream<Item = Result<RecordBatch>> + Send + 'static,
    {
        let rows = rows.map(|batch| batch.map_err(DataFusionError::from));
        Self {
            rows: Box::pin(RecordBatchStreamAdapter::new(schema, rows)),
            rejects,
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("schema", &self.rows.schema())
            .finish_non_exhaustive()
    }
}

/// Rows that are on the disk, to be made part of the table again if another writer is first.
#[derive(Debug)]
struct Staged {
    target: Target,
    files: StagedFiles,
    counts: bool,
}

/// Rows of one COPY: a stream can be read only once, a transaction may be built several times.
#[derive(Debug)]
pub(crate) struct Load {
    incoming: Option<Incoming>,
    staged: Option<Staged>,
}

impl Load {
    fn new(incoming: Incoming) -> Self {
        Self {
            incoming: Some(incoming),
            staged: None,
        }
    }
}

/// The table and the places of the listed columns.
fn listed(target: &Target, columns: &[ast::Ident]) -> Result<Vec<usize>> {
    if columns.is_empty() {
        let given = target.columns.iter().enumerate();
        return Ok(given
            .filter(|(_, column)| column.generated.is_none())
            .map(|(place, _)| place)
            .collect());
    }
    let mut places = Vec::with_capacity(columns.len());
    for ident in columns {
        let place = target.column(ident)?;
        if places.contains(&place) {
            return Err(Error::DuplicateColumn(folded(ident)));
        }
        if target.columns[place].generated.is_some() {
            return Err(Error::InvalidColumnReference(format!(
                "column \"{}\" is a generated column",
                target.columns[place].name
            )));
        }
        places.push(place);
    }
    Ok(places)
}

impl Writer<'_> {
    async fn copied(&self, statement: &Statement) -> Result<(Target, Vec<usize>)> {
        let ast::Statement::Copy {
            source: ast::CopySource::Table { table_name, columns },
            to: false,
            target: ast::CopyTarget::Stdin,
            ..
        } = statement.ast()
        else {
            return Err(crate::session::refuse(statement));
        };
        let object = self.resolve_table(table_name)?;
        self.authorise_copy(&object, columns)?;
        let mut target = Target::new(object.as_ref().clone(), None);
        target.checks = self.row_checks(&target.object, Command::Insert, false).await?;
        let places = listed(&target, columns)?;
        Ok((target, places))
    }

    /// Carries out a COPY FROM.
    async fn copy(&mut self, statement: &Statement, load: &mut Load) -> Result<Outcome> {
        let (target, places) = self.copied(statement).await?;
        let constraints = constraint::enforced(&target.object, &*self.epoch()?)?;
        if let Some(staged) = &load.staged {
            // Another writer was first. The rows are not read again: they must fit the table as it is now.
            let same = staged.target.object.oid == target.object.oid
                && staged.target.object.location == target.object.location
                && staged.target.object.arrow_schema == target.object.arrow_schema
                && constraint::enforced(&staged.target.object, &*self.epoch()?)? == constraints
                && staged.target.checks == target.checks
                && !staged.counts;
            if !same {
                return Err(Error::Serialization(format!(
                    "could not serialize access to \"{}\" due to concurrent update",
                    target.object.name
                )));
            }
            let files = staged.files.clone();
            let count = files.rows();
            self.work.add_staged(&target.object, files)?;
            self.unique(&target, &constraints, Keys::everything(&constraints))
                .await?;
            return Ok(Outcome::tag(format!("COPY {count}")));
        }
        let incoming = load
            .incoming
            .take()
            .ok_or_else(|| Error::internal("rows of a COPY are gone"))?;
        let rows = self
            .layered(&target, &places, &constraints, statement.copy(), incoming.rows)
            .await?;
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let mut admission = Admission {
            gate: Gate::new(&target, &constraints, &[LINE], &all),
            keys: Keys::new(constraint::primary_key(&constraints)),
            table: target.object.name.clone(),
            rejects: incoming.rejects,
        };
        let shared = Arc::new(Mutex::new(&mut admission));
        let files = {
            let shared = Arc::clone(&shared);
            let admitted = rows.map(move |batch| {
                let batch = batch?;
                let mut admission = shared.lock().unwrap_or_else(PoisonError::into_inner);
                Ok::<_, DataFusionError>(admission.admit(&batch)?)
            });
            self.work.stage(&target.object, Box::pin(admitted)).await?
        };
        drop(shared);
        let count = files.rows();
        self.work.add_staged(&target.object, files.clone())?;
        self.count_on(&target, &admission.gate)?;
        self.unique(&target, &constraints, admission.keys).await?;
        load.staged = Some(Staged {
            counts: admission.gate.counters().next().is_some(),
            target,
            files,
        });
        Ok(Outcome::tag(format!("COPY {count}")))
    }

    /// The stream's rows with defaults, generated columns and CHECK expressions.
    async fn layered(
        &self,
        target: &Target,
        places: &[usize],
        constraints: &[Constraint],
        copy: Option<&Copy>,
        rows: RowStream,
    ) -> Result<RowStream> {
        let columns = target.columns.iter().enumerate();
        let items = columns
            .filter(|(_, column)| column.generated.is_none())
            .map(|(place, column)| match places.contains(&place) {
                true => column.without_blanks(),
                false => default(column),
            });
        let line = quoted(LINE);
        let mut first = format!(
            "(SELECT {} FROM {})",
            list(std::iter::once(line).chain(items)),
            self.splices.local("copied")
        );
        if let Some(filter) = copy.and_then(|copy| copy.filter.as_ref()) {
            let name = quoted(&target.object.name);
            let filter = self.splices.expr(filter);
            first = format!("(SELECT * FROM {first} AS {name} WHERE {filter})");
        }
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let sql = layers(target, constraints, &first, &[LINE], &all);
        let schema = rows.schema();
        let once: Arc<dyn PartitionStream> = Arc::new(Once {
            schema: Arc::clone(&schema),
            rows: Mutex::new(Some(rows)),
        });
        let local: Arc<dyn TableProvider> = Arc::new(StreamingTable::try_new(schema, vec![once])?);
        let mut planner = self.planner(vec![("copied", local)])?;
        // One after the other, so that the first line that does not fit is the one that is told of.
        planner
            .state
            .config_mut()
            .options_mut()
            .execution
            .target_partitions = 1;
        self.rows(&planner, &sql).await
    }
}

struct Admission {
    gate: Gate,
    keys: Keys,
    table: String,
    rejects: Option<Rejects>,
}

impl Admission {
    fn admit(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let before = self.gate.clone();
        let rows = match self.gate.admit(batch) {
            Ok((_, rows)) => rows,
            Err(Error::Internal(message)) => return Err(Error::Internal(message)),
            Err(_) => {
                // Which row is it? One by one, from where the batch began.
                self.gate = before.clone();
                let mut fitting = Vec::with_capacity(batch.num_rows());
                for row in 0..batch.num_rows() {
                    match self.gate.admit(&batch.slice(row, 1)) {
                        Ok(_) => fitting.push(row as u64),
                        Err(error) => self.refuse(line(batch.column(0), row), error)?,
                    }
                }
                self.gate = before;
                self.gate.admit(&take(batch, &fitting)?)?.1
            }
        };
        self.keys.see(&rows)?;
        Ok(rows)
    }

    fn refuse(&self, line: i64, error: Error) -> Result<()> {
        match &self.rejects {
            None => Err(Error::Row {
                table: self.table.clone(),
                line,
                column: None,
                error: Box::new(error),
            }),
            Some(rejects) => rejects.add(Rejected {
                line,
                column: None,
                reason: error.to_string(),
            }),
        }
    }
}

fn line(lines: &ArrayRef, row: usize) -> i64 {
    lines
        .as_primitive_opt::<Int64Type>()
        .map_or(0, |lines| lines.value(row))
}

/// A stream as a relation that can be read once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<RowStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").finish_non_exhaustive()
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> RowStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        rows.unwrap_or_else(|| {
            // They are gone: no rows would be a wrong answer.
            let again = DataFusionError::from(Error::internal("the rows of a client are read twice"));
            let failed = futures::stream::once(std::future::ready(Err(again)));
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), failed))
        })
    }
}

impl Inner {
    /// The columns of a COPY FROM, as the session would write them now.
    pub(crate) async fn copy_target(&self, statement: &Statement) -> Result<CopyTarget> {
        self.may_write(crate::session::name_of(statement) + " FROM")?;
        let mut work = match self.open_work() {
            Some(work) => work,
            None => self.lake().begin(self.read_epoch().await?),
        };
        let parameters = super::Parameters::default();
        let (target, places) = Writer::new(self, &parameters, &mut work)
            .copied(statement)
            .await?;
        let columns = target
            .object
            .arrow_schema
            .project(&places)
            .map_err(DataFusionError::from)?;
        Ok(CopyTarget {
            table: target.object.name,
            columns: Arc::new(columns),
        })
    }

    /// Writes the rows of a COPY FROM, as a part of the open transaction or as one of its own.
    pub(crate) async fn copy_in(
        self: &Arc<Self>,
        statement: &Statement,
        incoming: Incoming,
    ) -> Result<String> {
        self.may_write(crate::session::name_of(statement) + " FROM")?;
        let guard = self.guard();
        self.facts.began(statement.text());
        let (this, owned) = (Arc::clone(self), statement.clone());
        let outcome = match self.in_transaction() {
            true => guard.run(async move { this.copy_within(&owned, incoming).await }),
            false => {
                return guard
                    .run(async move { this.copy_alone(&owned, incoming).await })
                    .await;
            }
        };
        outcome.await
    }

    async fn copy_within(&self, statement: &Statement, incoming: Incoming) -> Result<String> {
        // Asked for first: READ COMMITTED moves what was written before to the newest epoch.
        let epoch = self.read_epoch().await?;
        let mut work = self.take_work().unwrap_or_else(|| self.lake().begin(epoch));
        work.user(self.current_role());
        work.statement("COPY");
        let parameters = super::Parameters::default();
        let outcome = Writer::new(self, &parameters, &mut work)
            .copy(statement, &mut Load::new(incoming))
            .await?;
        self.keep_work(work);
        Ok(outcome.tag)
    }

    async fn copy_alone(self: &Arc<Self>, statement: &Statement, incoming: Incoming) -> Result<String> {
        let load = Arc::new(tokio::sync::Mutex::new(Load::new(incoming)));
        let tag: Arc<Mutex<(String, Option<Temporary>)>> = Arc::default();
        self.lake()
            .transact(|epoch| {
                let (this, load, tag) = (Arc::clone(self), Arc::clone(&load), Arc::clone(&tag));
                async move {
                    span::reads(&epoch);
                    let epoch = this.joined(epoch).map_err(DataFusionError::from)?;
                    let mut work: Work = this.lake().begin(epoch);
                    work.user(this.current_role());
                    work.statement("COPY");
                    if let Some(over) = Over::current() {
                        work.commitment(over.commitment().clone());
                    }
                    let parameters = super::Parameters::default();
                    let mut load = load.lock().await;
                    let outcome = Writer::new(&this, &parameters, &mut work)
                        .copy(statement, &mut load)
                        .await
                        .map_err(DataFusionError::from)?;
                    let temporary = work.leave_temporary().await?;
                    *tag.lock().unwrap_or_else(PoisonError::into_inner) = (outcome.tag, temporary);
                    Ok(work)
                }
            })
            .await?;
        let (tag, temporary) = std::mem::take(&mut *tag.lock().unwrap_or_else(PoisonError::into_inner));
        self.keep_temporary(temporary);
        Ok(tag)
    }
}
