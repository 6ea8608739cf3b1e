//! The `imaging` tables of an older Radlake become those of this one: new tables and columns, with what can be told of the rows
//! that are there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionContext, col, lit};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use super::draft::Draft;
use super::lake::Tables;
use super::reads::{Reader, texts};
use super::sources::{self, Source};
use super::target::SeriesKey;
use super::{schema, tables};
use crate::{Error, LakeTable, Result, TableObject, Transaction};

/// What was new to a lake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Upgraded {
    /// Tables, views, and columns of tables.
    pub added: Vec<String>,
    /// Columns of `imaging.instances` among them: NULL in the rows that were there.
    pub empty: Vec<String>,
    /// Rows of `imaging.series` that were made anew.
    pub series: u64,
    /// Schemas that would have been the lake's and are somebody's own: nothing was made in them.
    pub kept: Vec<String>,
    /// The epoch that it became; `None` if there was nothing to do.
    pub epoch: Option<u64>,
}

/// Series whose instances are in memory at a time.
const SERIES: usize = 2_000;

/// Makes the tables those of this Radlake; new ones belong to `owner`.
///
/// # Errors
/// [`Error::Invalid`] for a table whose columns are of other types.
pub async fn upgrade(work: &mut Transaction, owner: u32) -> Result<Upgraded> {
    let epoch = work.preview()?;
    let added = schema::lacking(&epoch);
    let mut done = Upgraded::default();
    for wanted in tables() {
        match epoch.table(&wanted.schema, &wanted.name) {
            None => {
                work.create_table(wanted.with_owner(owner)).await?;
            }
            Some(there) => {
                let columns = merged(there, &wanted)?;
                if *columns != *there.arrow_schema || there.comment != wanted.comment {
                    let mut table = work.table(there.oid)?;
                    if table.name == "instances" {
                        let new = columns.fields().iter().map(|field| field.name());
                        done.empty = new
                            .filter(|name| there.arrow_schema.field_with_name(name).is_err())
                            .cloned()
                            .collect();
                    }
                    table.arrow_schema = columns;
                    table.comment = wanted.comment;
                    table.cluster_key = wanted.cluster_key;
                    table.bloom_columns = wanted.bloom_columns;
                    work.put_object(table)?;
                }
            }
        }
    }
    if !added.is_empty() {
        done.series = fill(work, &epoch).await?;
    }
    done.added = added;
    Ok(done)
}

/// The columns of a table as they will be: the wanted ones in their order, then what else it has.
fn merged(there: &TableObject, wanted: &TableObject) -> Result<SchemaRef> {
    let mut fields: Vec<Field> = Vec::new();
    for field in wanted.arrow_schema.fields() {
        let field = field.as_ref().clone();
        match there.arrow_schema.field_with_name(field.name()) {
            Ok(old) if old.data_type() != field.data_type() => {
                return Err(Error::invalid(format!(
                    "column {} of {} is of another type in this lake: make a new lake, and ingest its files again",
                    field.name(),
                    there.qualified_name()
                )));
            }
            Ok(old) => {
                let nullable = old.is_nullable();
                let mut metadata = old.metadata().clone();
                metadata.extend(field.metadata().clone());
                fields.push(field.with_nullable(nullable).with_metadata(metadata));
            }
            // Rows of other tables are written again; instances keep their files, which lack it.
            Err(_) if there.name == "instances" => fields.push(field.with_nullable(true)),
            Err(_) => fields.push(field),
        }
    }
    for old in there.arrow_schema.fields() {
        if wanted.arrow_schema.field_with_name(old.name()).is_err() {
            fields.push(old.as_ref().clone().with_nullable(true));
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// Fills what is new from what is there.
async fn fill(work: &mut Transaction, before: &crate::Epoch) -> Result<u64> {
    let epoch = work.preview()?;
    let tables = Tables::of(&epoch)?;
    for table in [&tables.instances, &tables.series, &tables.files, &tables.sources] {
        work.reads(table.oid);
    }
    if before.table("imaging", "sources").is_none() {
        let found = found_sources(work, &tables).await?;
        let sources: Vec<Source> = found.into_iter().collect();
        let batch = sources::to_batch(&sources, epoch.number as i64 + 1)?;
        work.append(&tables.sources, vec![batch]).await?;
    }
    files(work, before, &tables).await?;
    let reader = Reader::new(1);
    let view = tables.view(work).await?;
    let keys = series_keys(&reader, &view).await?;
    let mut rows = Vec::new();
    let keys: Vec<SeriesKey> = keys.into_iter().collect();
    for part in keys.chunks(SERIES) {
        let part: BTreeSet<SeriesKey> = part.iter().cloned().collect();
        let draft = Draft::new(&reader, &view);
        rows.push(
            draft
                .series(&part, &part, &BTreeMap::new(), epoch.number as i64 + 1)
                .await?,
        );
    }
    let made = rows.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    work.truncate(&tables.series).await?;
    work.append(&tables.series, rows).await?;
    Ok(made)
}

async fn series_keys(reader: &Reader, view: &super::target::View) -> Result<BTreeSet<SeriesKey>> {
    let columns = ["study_instance_uid", "series_instance_uid", "provider"];
    let mut keys = BTreeSet::new();
    for batch in reader.columns(&view.sources, lit(true), &columns).await? {
        let columns = [texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 2)?];
        let value = |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
        keys.extend((0..batch.num_rows()).map(|row| (value(0, row), value(1, row), value(2, row))));
    }
    Ok(keys)
}

/// The sources that `imaging.files` tells of, and those that rows of `imaging.instances` name.
async fn found_sources(work: &Transaction, tables: &Tables) -> Result<BTreeSet<Source>> {
    let view = tables.view(work).await?;
    let reader = Reader::new(1);
    let (mut found, mut places) = (BTreeSet::new(), HashMap::new());
    let columns = [
        "sop_instance_uid",
        "series_instance_uid",
        "study_instance_uid",
        "provider",
        "source_uri",
    ];
    for batch in reader.columns(&view.instances, lit(true), &columns).await? {
        let columns = (0..5).map(|i| texts(&batch, i)).collect::<Result<Vec<_>>>()?;
        let value = |column: usize, row: usize| columns[column].as_string::<i32>().value(row).to_owned();
        for row in 0..batch.num_rows() {
            places.insert(value(0, row), (value(1, row), value(2, row)));
            found.insert(Source {
                study: value(2, row),
                series: value(1, row),
                instance: value(0, row),
                provider: value(3, row),
                uri: value(4, row),
            });
        }
    }
    let held = col("status").in_list(vec![lit("ingested"), lit("duplicate")], false);
    for batch in reader
        .columns(&view.files, held, &["sop_instance_uid", "provider", "uri"])
        .await?
    {
        let columns = [texts(&batch, 0)?, texts(&batch, 1)?, texts(&batch, 2)?];
        for row in 0..batch.num_rows() {
            let value = |column: usize| columns[column].as_string::<i32>().value(row);
            if let Some((series, study)) = places.get(value(0)) {
                found.insert(Source {
                    study: study.clone(),
                    series: series.clone(),
                    instance: value(0).to_owned(),
                    provider: value(1).to_owned(),
                    uri: value(2).to_owned(),
                });
            }
        }
    }
    Ok(found)
}

/// How new a row of `imaging.files` is: epoch and modification time. Scans promise no order.
type Age = (i64, Option<i64>);

/// Writes `imaging.files` anew, with what is known of the columns that it lacked.
async fn files(work: &mut Transaction, before: &crate::Epoch, tables: &Tables) -> Result<()> {
    let Some(old) = before.table("imaging", "files") else {
        return Ok(());
    };
    let (flag, wanted) = ("current", Arc::clone(&work.table(tables.files.oid)?.arrow_schema));
    if old.arrow_schema == wanted {
        return Ok(());
    }
    let flagged = old.arrow_schema.field_with_name(flag).is_ok();
    let open = work.open_table(tables.files.oid).await?;
    let mut newest: HashMap<u128, Age> = HashMap::new();
    if !flagged {
        let mut rows = stream(&open, &old.arrow_schema)?;
        while let Some(batch) = rows.try_next().await? {
            for age in ages(&batch)? {
                let best = newest.entry(age.0).or_insert(age.1);
                if age.1 > *best {
                    *best = age.1;
                }
            }
        }
    }
    let rows = stream(&open, &old.arrow_schema)?.map(move |batch| -> Result<RecordBatch> {
        let batch = batch?;
        let current: ArrayRef = match flagged {
            true => Arc::clone(batch.column(batch.schema().index_of(flag)?)),
            false => {
                let mut current = Vec::with_capacity(batch.num_rows());
                for (key, age) in ages(&batch)? {
                    // Of two that are as new one is enough.
                    let is = newest.get(&key) == Some(&age);
                    if is {
                        newest.remove(&key);
                    }
                    current.push(is);
                }
                Arc::new(BooleanArray::from(current))
            }
        };
        let mut columns: Vec<ArrayRef> = Vec::new();
        for field in wanted.fields() {
            columns.push(match batch.column_by_name(field.name()) {
                _ if field.name() == flag => Arc::clone(&current),
                Some(column) => cast(column, field.data_type())?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            });
        }
        Ok(RecordBatch::try_new(Arc::clone(&wanted), columns)?)
    });
    let paths: Vec<String> = open.files().map(|file| file.path().to_owned()).collect();
    let staged = work.stage(&tables.files, Box::pin(rows)).await?;
    work.remove_files(&tables.files, &paths).await?;
    work.add_staged(&tables.files, staged)
}

/// The rows of a table, of the columns that its files have.
fn stream(
    table: &Arc<LakeTable>,
    columns: &SchemaRef,
) -> Result<datafusion::execution::SendableRecordBatchStream> {
    let context = SessionContext::new();
    let all: Vec<_> = table.files().cloned().collect();
    let projection = columns
        .fields()
        .iter()
        .map(|field| table.object().arrow_schema.index_of(field.name()))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let scan = table.scan_files(&context.state(), Some(&projection), &all, None)?;
    Ok(execute_stream(scan, context.task_ctx())?)
}

/// Which file each row is about, and how new it is.
fn ages(batch: &RecordBatch) -> Result<Vec<(u128, Age)>> {
    let column = |name: &str| -> Result<&ArrayRef> { Ok(batch.column(batch.schema().index_of(name)?)) };
    let plain = |name: &str| -> Result<ArrayRef> { Ok(cast(column(name)?, &DataType::Utf8)?) };
    let (provider, uri) = (plain("provider")?, plain("uri")?);
    let (provider, uri): (&StringArray, &StringArray) = (provider.as_string(), uri.as_string());
    let epoch = cast(column("ingested_epoch")?, &DataType::Int64)?;
    let epoch = epoch.as_primitive::<Int64Type>();
    let modified = cast(
        column("modified_at")?,
        &DataType::Timestamp(TimeUnit::Microsecond, None),
    )?;
    let modified = modified.as_primitive::<TimestampMicrosecondType>();
    Ok((0..batch.num_rows())
        .map(|row| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(provider.value(row).as_bytes());
            hasher.update(&[0]);
            hasher.update(uri.value(row).as_bytes());
            let mut key = [0; 16];
            hasher.finalize_xof().fill(&mut key);
            let modified = modified.is_valid(row).then(|| modified.value(row));
            (u128::from_le_bytes(key), (epoch.value(row), modified))
        })
        .collect())
}
