//! What ingestion reads from the lake: files it has seen, UIDs it has, the instances of series that grow.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeStringArray, RecordBatch, Scalar, new_null_array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, filter_record_batch, is_not_null, not, or};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::{Expr, SessionConfig, SessionContext, col, lit, when};
use futures::TryStreamExt;
use tokio::sync::Mutex;

use super::cut::Cut;
use super::decide::{Existing, KnownFiles};
use super::parse::KnownMembers;
use super::seen::Seen;
use super::sources::{SOURCE_COLUMNS, Source};
use super::target::SeriesKey;
use crate::dicom::instances_schema;
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
        replace: bool,
    ) -> Result<KnownFiles> {
        let mut known = KnownFiles::new(replace);
        // Members of the last one, too, if that is an archive: `0` is the character after `/`.
        let within = col("uri")
            .gt_eq(lit(from))
            .and(col("uri").lt(lit(format!("{to}!0"))))
            .and(col("provider").eq(lit(provider)))
            .and(col("current"));
        let rows = self.table(files)?.filter(within)?;
        let rows = rows.select_columns(&[
            "uri",
            "size",
            "modified_at",
            "reason_code",
            "status",
            "counterpart",
        ])?;
        let mut stream = rows.execute_stream().await?;
        while let Some(batch) = stream.try_next().await? {
            let (uri, reason) = (texts(&batch, 0)?, texts(&batch, 3)?);
            let (status, counterpart) = (texts(&batch, 4)?, texts(&batch, 5)?);
            let (status, counterpart) = (status.as_string::<i32>(), counterpart.as_string::<i32>());
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
                known.insert(
                    key,
                    status.value(row),
                    reason.is_valid(row).then(|| reason.value(row)),
                    counterpart.is_valid(row).then(|| counterpart.value(row)),
                );
            }
        }
        known.reopen();
        Ok(known)
    }

    /// The members of the archive of this URI that are settled, if the archive was last modified at that time.
    pub(crate) async fn known_members(
        &self,
        files: &Arc<dyn TableProvider>,
        provider: &str,
        archive_uri: &str,
        modified_us: Option<i64>,
        replace: bool,
    ) -> Result<KnownMembers> {
        // All that starts with `archive!/`.
        let known = self
            .known_files(files, provider, &format!("{archive_uri}!/"), archive_uri, replace)
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
            let rows = rows.select_columns(&[
                "sop_instance_uid",
                "header_hash",
                "source_uri",
                "provider",
                "study_instance_uid",
            ])?;
            for batch in rows.collect().await? {
                let columns = (0..5)
                    .map(|column| texts(&batch, column))
                    .collect::<Result<Vec<_>>>()?;
                let value =
                    |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
                for row in 0..batch.num_rows() {
                    let known = Existing {
                        header_hash: value(1, row),
                        source_uri: value(2, row),
                        provider: value(3, row),
                        study: value(4, row),
                        content_hash: None,
                        place_is_gone: false,
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
                .and(col("status").eq(lit("ingested")))
                .and(col("current"));
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

    /// All instances of series of these UIDs, whatever study they are in and whoever brought them, with the columns that
    /// `imaging.series` is made of. Memory: those rows.
    pub(crate) async fn instances_of(
        &self,
        instances: &Arc<dyn TableProvider>,
        series: &BTreeSet<&str>,
    ) -> Result<Vec<RecordBatch>> {
        let uids: Vec<&str> = series.iter().copied().collect();
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
            for batch in rows.select(columns.clone())?.collect().await? {
                batches.push(plain_types(&batch)?);
            }
        }
        Ok(batches)
    }

    /// Whole rows of `imaging.instances`, of the UIDs that are keys.
    pub(crate) async fn instances_by_uid<V>(
        &self,
        instances: &Arc<dyn TableProvider>,
        uids: &BTreeMap<String, V>,
    ) -> Result<Vec<RecordBatch>> {
        let uids: Vec<&str> = uids.keys().map(String::as_str).collect();
        self.rows_where(instances, "sop_instance_uid", &uids).await
    }

    /// The sources of all instances of series of these UIDs.
    pub(crate) async fn sources_of_series(
        &self,
        sources: &Arc<dyn TableProvider>,
        series: &BTreeSet<&str>,
    ) -> Result<Vec<Source>> {
        let uids: Vec<&str> = series.iter().copied().collect();
        let rows = self.rows_where(sources, "series_instance_uid", &uids).await?;
        read_sources(&rows)
    }

    /// The sources of instances.
    pub(crate) async fn sources_of(
        &self,
        sources: &Arc<dyn TableProvider>,
        instances: &BTreeSet<&str>,
    ) -> Result<Vec<Source>> {
        let uids: Vec<&str> = instances.iter().copied().collect();
        let rows = self.rows_where(sources, "sop_instance_uid", &uids).await?;
        read_sources(&rows)
    }

    /// The sources that are a provider's files.
    pub(crate) async fn sources_at(
        &self,
        sources: &Arc<dyn TableProvider>,
        provider: &str,
        uris: &BTreeSet<&str>,
    ) -> Result<Vec<Source>> {
        let uris: Vec<&str> = uris.iter().copied().collect();
        let rows = self.rows_where(sources, "uri", &uris).await?;
        let mut found = read_sources(&rows)?;
        found.retain(|source| source.provider == provider);
        Ok(found)
    }

    /// Rows of `imaging.files` of these providers and URIs, all of their history.
    pub(crate) async fn files_at(
        &self,
        files: &Arc<dyn TableProvider>,
        keys: &BTreeSet<(String, String)>,
    ) -> Result<Vec<RecordBatch>> {
        let uris: BTreeSet<&str> = keys.iter().map(|(_, uri)| uri.as_str()).collect();
        let uris: Vec<&str> = uris.into_iter().collect();
        let mut cut = Cut::files();
        for (provider, uri) in keys {
            cut.insert(&[provider, uri], uri);
        }
        let mut found = Vec::new();
        for batch in self.rows_where(files, "uri", &uris).await? {
            let wanted = not(&cut.staying(&batch)?)?;
            found.push(filter_record_batch(&batch, &wanted)?);
        }
        Ok(found)
    }

    /// Whole rows whose `column` is one of `values`.
    pub(crate) async fn rows_where(
        &self,
        table: &Arc<dyn TableProvider>,
        column: &str,
        values: &[&str],
    ) -> Result<Vec<RecordBatch>> {
        let mut found = Vec::new();
        for part in values.chunks(IN_LIST) {
            let list: Vec<Expr> = part.iter().map(|value| lit(*value)).collect();
            let rows = self.table(table)?.filter(col(column).in_list(list, false))?;
            found.extend(rows.collect().await?);
        }
        Ok(found)
    }

    /// Whole rows that fulfil a condition.
    pub(crate) async fn rows(
        &self,
        table: &Arc<dyn TableProvider>,
        condition: Expr,
    ) -> Result<Vec<RecordBatch>> {
        Ok(self.table(table)?.filter(condition)?.collect().await?)
    }

    /// Some columns of the rows that fulfil a condition.
    pub(crate) async fn columns(
        &self,
        table: &Arc<dyn TableProvider>,
        condition: Expr,
        columns: &[&str],
    ) -> Result<Vec<RecordBatch>> {
        let rows = self.table(table)?.filter(condition)?;
        Ok(rows.select_columns(columns)?.collect().await?)
    }
}

/// Rows of `imaging.sources`.
pub(crate) fn read_sources(batches: &[RecordBatch]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for batch in batches {
        let columns = SOURCE_COLUMNS
            .iter()
            .map(|name| texts(batch, batch.schema().index_of(name)?))
            .collect::<Result<Vec<_>>>()?;
        let value = |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
        found.extend((0..batch.num_rows()).map(|row| Source {
            study: value(0, row),
            series: value(1, row),
            instance: value(2, row),
            provider: value(3, row),
            uri: value(4, row),
        }));
    }
    Ok(found)
}

/// Columns of `imaging.instances` in the types of its schema, whatever a scan makes of them; `dataset` only where frames have to
/// be placed, and as text that may be long.
pub(crate) fn plain_types(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = instances_schema();
    let framed = |name: &str| -> Result<BooleanArray> {
        Ok(is_not_null(batch.column(batch.schema().index_of(name)?))?)
    };
    let framed = or(
        &framed("number_of_frames")?,
        &framed("first_frame_image_position_patient")?,
    )?;
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if field.name() == "dataset" {
            let column = if framed.true_count() == 0 {
                new_null_array(&DataType::LargeUtf8, batch.num_rows())
            } else {
                let nothing = LargeStringArray::new_null(1);
                zip(
                    &framed,
                    &cast(column, &DataType::LargeUtf8)?,
                    &Scalar::new(&nothing),
                )?
            };
            fields.push(Field::new("dataset", DataType::LargeUtf8, true));
            columns.push(column);
        } else {
            let wanted = schema.field_with_name(field.name())?;
            columns.push(cast(column, wanted.data_type())?);
            fields.push(wanted.clone());
        }
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

pub(crate) fn texts(batch: &RecordBatch, column: usize) -> Result<ArrayRef> {
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
