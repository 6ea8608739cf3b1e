//! What ingestion reads from the lake: files it has seen, UIDs it has, the instances of series that grow.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{Expr, SessionConfig, SessionContext, col, lit, when};
use futures::TryStreamExt;
use tokio::sync::Mutex;

use super::decide::{Existing, KnownFiles};
use super::parse::KnownMembers;
use super::seen::Seen;
use super::target::SeriesKey;
use crate::dicom::series::source_columns;
use crate::{LakeTable, Result};

/// Keys in one `IN` list; more are asked for in several scans.
const IN_LIST: usize = 10_000;

/// Runs ingestion's own small queries; knows nothing of users, so that no policy stands between.
pub(crate) struct Reader {
    context: SessionContext,
    /// SOP Instance UIDs of `imaging.instances`, from one batch to the next.
    seen: Mutex<Seen>,
}

impl Reader {
    /// A reader whose scans use at most `threads` threads.
    pub(crate) fn new(threads: usize) -> Self {
        let mut config = SessionConfig::new().with_target_partitions(threads.max(1));
        config.options_mut().execution.parquet.pushdown_filters = true;
        config.options_mut().execution.parquet.reorder_filters = true;
        Self {
            context: SessionContext::new_with_config(config),
            seen: Mutex::default(),
        }
    }

    fn table(&self, table: &Arc<dyn TableProvider>) -> Result<DataFrame> {
        Ok(self.context.read_table(Arc::clone(table))?)
    }

    /// The files of `provider` whose URIs lie in `from..=to`.
    pub(crate) async fn known_files(
        &self,
        files: &Arc<dyn TableProvider>,
        provider: &str,
        from: &str,
        to: &str,
    ) -> Result<KnownFiles> {
        let mut known = KnownFiles::default();
        let within = col("uri")
            .gt_eq(lit(from))
            .and(col("uri").lt_eq(lit(to)))
            .and(col("provider").eq(lit(provider)));
        let rows = self.table(files)?.filter(within)?;
        let rows = rows.select_columns(&["uri", "size", "modified_at", "reason_code"])?;
        let mut stream = rows.execute_stream().await?;
        while let Some(batch) = stream.try_next().await? {
            let (uri, reason) = (texts(&batch, 0)?, texts(&batch, 3)?);
            let (size, modified) = (
                cast(batch.column(1), &DataType::Int64)?,
                instants(batch.column(2))?,
            );
            let (uri, reason) = (uri.as_string::<i32>(), reason.as_string::<i32>());
            let size = size.as_primitive::<Int64Type>();
            let modified = modified.as_primitive::<TimestampMicrosecondType>();
            for row in 0..batch.num_rows() {
                let key = (
                    uri.value(row).to_owned(),
                    size.is_valid(row).then(|| size.value(row) as u64),
                    modified.is_valid(row).then(|| modified.value(row)),
                );
                known.insert(key, reason.is_valid(row).then(|| reason.value(row)));
            }
        }
        Ok(known)
    }

    /// The members of the archive of this URI that are settled, if the archive was last modified at that time.
    pub(crate) async fn known_members(
        &self,
        files: &Arc<dyn TableProvider>,
        provider: &str,
        archive_uri: &str,
        modified_us: Option<i64>,
    ) -> Result<KnownMembers> {
        // All that starts with `archive!/`: `0` is the character after `/`.
        let known = self
            .known_files(
                files,
                provider,
                &format!("{archive_uri}!/"),
                &format!("{archive_uri}!0"),
            )
            .await?;
        let of_this = known
            .settled
            .into_iter()
            .filter(|(_, _, modified)| *modified == modified_us);
        Ok(of_this.map(|(uri, size, _)| (uri, size)).collect())
    }

    /// Those of `uids` that `instances` has. `files` is asked for hashes of whole files if `with_content`.
    pub(crate) async fn existing(
        &self,
        instances: &Arc<dyn TableProvider>,
        files: Option<&Arc<dyn TableProvider>>,
        uids: &HashSet<&str>,
    ) -> Result<HashMap<String, Existing>> {
        if uids.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.candidates(instances, uids).await?;
        let mut existing = HashMap::with_capacity(found.len());
        for part in found.chunks(IN_LIST) {
            let list: Vec<Expr> = part.iter().map(|uid| lit(uid.as_str())).collect();
            let rows = self
                .table(instances)?
                .filter(col("sop_instance_uid").in_list(list, false))?;
            let rows = rows.select_columns(&["sop_instance_uid", "header_hash", "source_uri"])?;
            for batch in rows.collect().await? {
                let columns = [texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 2)?];
                let value =
                    |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
                for row in 0..batch.num_rows() {
                    let known = Existing {
                        header_hash: value(1, row),
                        source_uri: value(2, row),
                        content_hash: None,
                    };
                    existing.insert(value(0, row), known);
                }
            }
        }
        if let Some(files) = files {
            self.add_content_hashes(files, &mut existing).await?;
        }
        Ok(existing)
    }

    /// Those of `uids` that `instances` may have: the few (mostly none) that are worth an IN list.
    async fn candidates(
        &self,
        instances: &Arc<dyn TableProvider>,
        uids: &HashSet<&str>,
    ) -> Result<Vec<String>> {
        if let Some(table) = instances.downcast_ref::<LakeTable>() {
            let mut seen = self.seen.lock().await;
            let read = seen.refresh(&self.context, table, "sop_instance_uid").await?;
            if read.is_some() {
                let may = uids.iter().filter(|uid| seen.may_have(uid));
                return Ok(may.map(|uid| (*uid).to_owned()).collect());
            }
        }
        // One pass over the one column: far cheaper than an IN list of 50,000.
        let mut found: Vec<String> = Vec::new();
        let mut stream = self
            .table(instances)?
            .select_columns(&["sop_instance_uid"])?
            .execute_stream()
            .await?;
        while let Some(batch) = stream.try_next().await? {
            for_each_text(batch.column(0), |uid| {
                if uids.contains(uid) {
                    found.push(uid.to_owned());
                }
            })?;
        }
        Ok(found)
    }

    async fn add_content_hashes(
        &self,
        files: &Arc<dyn TableProvider>,
        existing: &mut HashMap<String, Existing>,
    ) -> Result<()> {
        let uids: Vec<String> = existing.keys().cloned().collect();
        for part in uids.chunks(IN_LIST) {
            let list: Vec<Expr> = part.iter().map(|uid| lit(uid.as_str())).collect();
            let ingested = col("sop_instance_uid")
                .in_list(list, false)
                .and(col("status").eq(lit("ingested")));
            let rows = self
                .table(files)?
                .filter(ingested.and(col("content_hash").is_not_null()))?;
            for batch in rows
                .select_columns(&["sop_instance_uid", "content_hash"])?
                .collect()
                .await?
            {
                let (uid, hash) = (texts(&batch, 0)?, texts(&batch, 1)?);
                for row in 0..batch.num_rows() {
                    if let Some(known) = existing.get_mut(uid.as_string::<i32>().value(row)) {
                        known.content_hash = Some(hash.as_string::<i32>().value(row).to_owned());
                    }
                }
            }
        }
        Ok(())
    }

    /// Those of `keys` that `series` has.
    pub(crate) async fn existing_series(
        &self,
        series: &Arc<dyn TableProvider>,
        keys: &BTreeSet<SeriesKey>,
    ) -> Result<BTreeSet<SeriesKey>> {
        let rows = self.table(series)?;
        let rows = rows.select_columns(&["study_instance_uid", "series_instance_uid", "provider"])?;
        let mut stream = rows.execute_stream().await?;
        let mut found = BTreeSet::new();
        while let Some(batch) = stream.try_next().await? {
            let columns = [texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 2)?];
            let value = |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
            for row in 0..batch.num_rows() {
                let key = (value(0, row), value(1, row), value(2, row));
                if keys.contains(&key) {
                    found.insert(key);
                }
            }
        }
        Ok(found)
    }

    /// All instances of the series `keys`, with the columns that `imaging.series` is made of. Memory: those rows.
    pub(crate) async fn instances_of(
        &self,
        instances: &Arc<dyn TableProvider>,
        keys: &BTreeSet<SeriesKey>,
    ) -> Result<Vec<RecordBatch>> {
        let uids: BTreeSet<&str> = keys.iter().map(|(_, series, _)| series.as_str()).collect();
        let uids: Vec<&str> = uids.into_iter().collect();
        let mut columns: Vec<Expr> = source_columns().iter().map(|name| col(*name)).collect();
        // The whole data set only where frames have to be placed.
        let frames = col("number_of_frames")
            .is_not_null()
            .or(col("first_frame_image_position_patient").is_not_null());
        columns.push(when(frames, col("dataset")).end()?.alias("dataset"));
        let mut batches = Vec::new();
        for part in uids.chunks(IN_LIST) {
            let list: Vec<Expr> = part.iter().map(|uid| lit(*uid)).collect();
            let rows = self
                .table(instances)?
                .filter(col("series_instance_uid").in_list(list, false))?;
            batches.extend(rows.select(columns.clone())?.collect().await?);
        }
        // The same UID in another study or of another provider is another series.
        batches.iter().map(|batch| only(batch, keys)).collect()
    }
}

/// The rows of `batch` that belong to `keys`.
fn only(batch: &RecordBatch, keys: &BTreeSet<SeriesKey>) -> Result<RecordBatch> {
    let column = |name: &str| -> Result<ArrayRef> {
        let index = batch.schema().index_of(name)?;
        texts(batch, index)
    };
    let parts = [
        column("study_instance_uid")?,
        column("series_instance_uid")?,
        column("provider")?,
    ];
    let value = |part: usize, row: usize| parts[part].as_string::<i32>().value(row).to_owned();
    let mask: arrow::array::BooleanArray = (0..batch.num_rows())
        .map(|row| Some(keys.contains(&(value(0, row), value(1, row), value(2, row)))))
        .collect();
    Ok(arrow::compute::filter_record_batch(batch, &mask)?)
}

fn texts(batch: &RecordBatch, column: usize) -> Result<ArrayRef> {
    Ok(cast(batch.column(column), &DataType::Utf8)?)
}

fn instants(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?)
}

/// Calls `f` with each text, without copying where the column is a view.
pub(crate) fn for_each_text(column: &ArrayRef, mut f: impl FnMut(&str)) -> Result<()> {
    if let Some(views) = column.as_string_view_opt() {
        views.iter().flatten().for_each(f);
    } else {
        let column = cast(column, &DataType::Utf8)?;
        column.as_string::<i32>().iter().flatten().for_each(&mut f);
    }
    Ok(())
}
