//! The real lake as ingestion's target.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use async_trait::async_trait;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::{StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;

use super::cut::Cut;
use super::report::{IngestReport, Progress};
use super::run::{self, IngestOptions};
use super::schema;
use super::target::{Changes, Plan, Target, View};
use crate::delta::DataFile;
use crate::{Epoch, Error, Lake, Result, TableObject, Transaction};

const SCHEMA: &str = "imaging";

/// Ingests files into a lake that has the tables of [`super::tables`].
///
/// Files are published in batches, each an epoch of its own that shows in all of the tables at once. A run that ends early,
/// however, leaves whole batches; the next run of the same files goes on from there and ends in the same tables as one
/// run. Several runs at a time, in several processes too, do each instance once.
///
/// A cancelled run returns what it did, with `cancelled` set: the batch in hand is dropped, one being published is finished.
///
/// # Errors
/// A path that does not exist, an empty provider, a lake without the tables, and whatever fails in reading or writing the
/// lake. A file that cannot be read is no error: `imaging.files` has it with its reason.
pub async fn run(
    lake: &Lake,
    options: IngestOptions,
    progress: Arc<dyn Progress>,
    cancel: CancellationToken,
) -> Result<IngestReport> {
    let exclude = Some(lake.url().clone());
    run::run(&Imaging { lake, user: None }, exclude, options, progress, cancel).await
}

/// A lake, and who changes it, for its history.
pub(crate) struct Imaging<'a> {
    pub(super) lake: &'a Lake,
    pub(super) user: Option<String>,
}

impl<'a> Imaging<'a> {
    /// On behalf of nobody in particular.
    pub(crate) fn of(lake: &'a Lake) -> Self {
        Self { lake, user: None }
    }
}

/// The tables that ingestion keeps, at one epoch.
pub(super) struct Tables {
    pub(super) instances: Arc<TableObject>,
    pub(super) series: Arc<TableObject>,
    pub(super) files: Arc<TableObject>,
    pub(super) sources: Arc<TableObject>,
    pub(super) segments: Arc<TableObject>,
    pub(super) measurements: Arc<TableObject>,
}

impl Tables {
    pub(super) fn of(epoch: &Epoch) -> Result<Self> {
        schema::check(epoch)?;
        let table = |name: &str| {
            let found = epoch.table(SCHEMA, name).map(Arc::clone);
            found.ok_or_else(|| Error::not_found("table", format!("{SCHEMA}.{name}")))
        };
        Ok(Self {
            instances: table("instances")?,
            series: table("series")?,
            files: table("files")?,
            sources: table("sources")?,
            segments: table("segments")?,
            measurements: table("measurements")?,
        })
    }

    /// The tables with their rows as a transaction has them so far.
    pub(super) async fn view(&self, work: &Transaction) -> Result<View> {
        Ok(View {
            epoch: work.epoch().number,
            instances: work.open_table(self.instances.oid).await?,
            series: work.open_table(self.series.oid).await?,
            files: work.open_table(self.files.oid).await?,
            sources: work.open_table(self.sources.oid).await?,
            segments: work.open_table(self.segments.oid).await?,
            measurements: work.open_table(self.measurements.oid).await?,
        })
    }

    /// Makes the changes part of a transaction.
    pub(super) async fn carry_out(&self, work: &mut Transaction, changes: Changes) -> Result<()> {
        let Changes {
            instances,
            series,
            files,
            sources,
            segments,
            measurements,
        } = changes;
        for (table, change) in [
            (&self.instances, instances),
            (&self.series, series),
            (&self.files, files),
            (&self.sources, sources),
            (&self.segments, segments),
            (&self.measurements, measurements),
        ] {
            // UIDs were compared with these rows: what lost a race over them must be judged again. What others do to other
            // tables moves it along.
            work.reads(table.oid);
            cut(work, table, &change.gone).await?;
            if change.new.iter().any(|batch| batch.num_rows() > 0) {
                work.append(table, change.new).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Target for Imaging<'_> {
    async fn view(&self) -> Result<View> {
        let epoch = self.lake.latest().await?;
        let tables = Tables::of(&epoch)?;
        tables.view(&self.lake.begin(epoch)).await
    }

    async fn commit(&self, app: (&str, i64), plan: &dyn Plan) -> Result<Option<u64>> {
        let mut built_on = 0;
        let published = self
            .lake
            .transact(|epoch| {
                built_on = epoch.number;
                async move {
                    let tables = Tables::of(&epoch)?;
                    let mut transaction = self.lake.begin(epoch);
                    let view = tables.view(&transaction).await?;
                    let Some(changes) = plan.changes(&view).await? else {
                        return Ok(transaction);
                    };
                    transaction.app(app.0, app.1);
                    transaction.statement(plan.statement());
                    if let Some(user) = &self.user {
                        transaction.user(user.as_str());
                    }
                    tables.carry_out(&mut transaction, changes).await?;
                    Ok(transaction)
                }
            })
            .await?;
        Ok((published.number > built_on).then_some(published.number))
    }
}

/// Takes rows out of a table: the files that hold one are written anew without them. Memory: a batch at a time.
pub(super) async fn cut(work: &mut Transaction, table: &TableObject, gone: &Cut) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let open = work.open_table(table.oid).await?;
    let context = SessionContext::new();
    let (state, task) = (context.state(), context.task_ctx());
    let keys = gone
        .columns()
        .iter()
        .map(|name| open.object().arrow_schema.index_of(name))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let mut touched: Vec<Arc<DataFile>> = Vec::new();
    for file in open.prune(&state, &gone.filters())? {
        let scan = open.scan_files(&state, Some(&keys), &[Arc::clone(&file)], None)?;
        let mut rows = execute_stream(scan, Arc::clone(&task))?;
        while let Some(batch) = rows.try_next().await? {
            let staying = gone.staying(&batch)?;
            if staying.true_count() < staying.len() {
                touched.push(file);
                break;
            }
        }
    }
    if touched.is_empty() {
        return Ok(());
    }
    let paths: Vec<String> = touched.iter().map(|file| file.path().to_owned()).collect();
    let mut scans = Vec::with_capacity(touched.len());
    for file in &touched {
        // Nothing is read before the stream is asked.
        let scan = open.scan_files(&state, None, &[Arc::clone(file)], None)?;
        let rows = execute_stream(scan, Arc::clone(&task))?;
        scans.push(Box::pin(rows.map(|batch| -> Result<RecordBatch> {
            let batch = batch?;
            Ok(filter_record_batch(&batch, &gone.staying(&batch)?)?)
        })));
    }
    let staged = work.stage(table, futures::stream::iter(scans).flatten()).await?;
    work.remove_files(table, &paths).await?;
    work.add_staged(table, staged)
}

#[cfg(test)]
#[path = "lake_tests.rs"]
mod tests;
