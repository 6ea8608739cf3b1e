//! The real lake as ingestion's target.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;
use datafusion::physical_plan::collect;
use datafusion::prelude::{Expr, SessionContext, col, lit};
use tokio_util::sync::CancellationToken;

use super::report::{IngestReport, Progress};
use super::run::{self, IngestOptions};
use super::target::{Changes, Plan, SeriesKey, Target, View};
use crate::{Epoch, Error, Lake, LakeTable, Result, TableObject};

const SCHEMA: &str = "imaging";

/// Ingests files into a lake that has `imaging.instances`, `imaging.series` and `imaging.files`.
///
/// Files are published in batches, each an epoch of its own that shows in all three tables at once. A run that ends early,
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
    let exclude: Option<PathBuf> = lake.url().to_file_path().ok();
    run::run(&Imaging { lake }, exclude, options, progress, cancel).await
}

struct Imaging<'a> {
    lake: &'a Lake,
}

struct Tables {
    instances: Arc<TableObject>,
    series: Arc<TableObject>,
    files: Arc<TableObject>,
}

impl Tables {
    fn of(epoch: &Epoch) -> Result<Self> {
        let table = |name: &str| {
            let found = epoch.table(SCHEMA, name).map(Arc::clone);
            found.ok_or_else(|| Error::not_found("table", format!("{SCHEMA}.{name}")))
        };
        Ok(Self {
            instances: table("instances")?,
            series: table("series")?,
            files: table("files")?,
        })
    }
}

impl Imaging<'_> {
    async fn view_of(&self, epoch: &Epoch, tables: &Tables) -> Result<(View, Arc<LakeTable>)> {
        let series = self.lake.table(&tables.series).await?;
        let view = View {
            epoch: epoch.number,
            instances: self.lake.table(&tables.instances).await?,
            series: Arc::clone(&series) as Arc<dyn TableProvider>,
            files: self.lake.table(&tables.files).await?,
        };
        Ok((view, series))
    }
}

#[async_trait]
impl Target for Imaging<'_> {
    async fn view(&self) -> Result<View> {
        let epoch = self.lake.latest().await?;
        Ok(self.view_of(&epoch, &Tables::of(&epoch)?).await?.0)
    }

    async fn commit(&self, app: (&str, i64), plan: &dyn Plan) -> Result<Option<u64>> {
        let mut built_on = 0;
        let published = self
            .lake
            .transact(|epoch| {
                built_on = epoch.number;
                async move {
                    let tables = Tables::of(&epoch)?;
                    let (view, series) = self.view_of(&epoch, &tables).await?;
                    let mut transaction = self.lake.begin(epoch);
                    let Some(changes) = plan.changes(&view).await? else {
                        return Ok(transaction);
                    };
                    let Changes {
                        instances,
                        files,
                        series: rows,
                        replaced_series,
                    } = changes;
                    // UIDs were compared with these rows: a batch that lost a race over them must be judged again. What others do
                    // to other tables moves it along.
                    for table in [&tables.instances, &tables.series, &tables.files] {
                        transaction.reads(table.oid);
                    }
                    transaction.app(app.0, app.1);
                    transaction.statement("INGEST");
                    if instances.iter().any(|batch| batch.num_rows() > 0) {
                        transaction.append(&tables.instances, instances).await?;
                        let (removed, mut kept) = without(&series, &replaced_series).await?;
                        kept.push(rows);
                        if removed.is_empty() {
                            transaction.append(&tables.series, kept).await?;
                        } else {
                            transaction.replace_files(&tables.series, &removed, kept).await?;
                        }
                    }
                    transaction.append(&tables.files, vec![files]).await?;
                    Ok(transaction)
                }
            })
            .await?;
        Ok((published.number > built_on).then_some(published.number))
    }
}

/// The files of `imaging.series` that hold rows of `keys`, and what else they hold.
async fn without(series: &LakeTable, keys: &BTreeSet<SeriesKey>) -> Result<(Vec<String>, Vec<RecordBatch>)> {
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    if keys.is_empty() {
        return Ok((removed, kept));
    }
    let context = SessionContext::new();
    let state = context.state();
    // Bounds of the least and the greatest study: files beyond them are not opened.
    let mut filters: Vec<Expr> = Vec::new();
    if let (Some(first), Some(last)) = (keys.first(), keys.last()) {
        filters.push(col("study_instance_uid").gt_eq(lit(first.0.as_str())));
        filters.push(col("study_instance_uid").lt_eq(lit(last.0.as_str())));
    }
    for file in series.prune(&state, &filters)? {
        let scan = series.scan_files(&state, None, &[Arc::clone(&file)], None)?;
        let batches = collect(scan, state.task_ctx()).await?;
        let masks = batches
            .iter()
            .map(|batch| others(batch, keys))
            .collect::<Result<Vec<_>>>()?;
        if masks.iter().all(|mask| mask.true_count() == mask.len()) {
            continue;
        }
        removed.push(file.path().to_owned());
        for (batch, mask) in batches.iter().zip(&masks) {
            kept.push(filter_record_batch(batch, mask)?);
        }
    }
    Ok((removed, kept))
}

/// Which rows of `imaging.series` are not of `keys`.
fn others(batch: &RecordBatch, keys: &BTreeSet<SeriesKey>) -> Result<BooleanArray> {
    let text = |name: &str| -> Result<ArrayRef> {
        Ok(cast(
            batch.column(batch.schema().index_of(name)?),
            &DataType::Utf8,
        )?)
    };
    let parts = [
        text("study_instance_uid")?,
        text("series_instance_uid")?,
        text("provider")?,
    ];
    let value = |part: usize, row: usize| parts[part].as_string::<i32>().value(row).to_owned();
    Ok((0..batch.num_rows())
        .map(|row| Some(!keys.contains(&(value(0, row), value(1, row), value(2, row)))))
        .collect())
}

#[cfg(test)]
#[path = "lake_tests.rs"]
mod tests;
