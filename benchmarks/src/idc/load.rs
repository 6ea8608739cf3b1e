//! IDC's index into a lake, as a provider's table comes into one: staged, published, merged.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use radlake_catalogs::{Error, Lake, TableObject};

use crate::Result;

/// Where the table goes: the first schema that a session looks into.
const SCHEMA: &str = "public";
/// Its name, and that of the view on DuckDB's side.
const TABLE: &str = "idc_index";

/// Rows within a collection, a patient and a study stand together, as IDC's users ask for them.
const CLUSTER_KEY: [&str; 4] = [
    "collection_id",
    "patientid",
    "studyinstanceuid",
    "seriesinstanceuid",
];
/// What single rows are asked for by.
const BLOOM_COLUMNS: [&str; 4] = [
    "patientid",
    "studyinstanceuid",
    "seriesinstanceuid",
    "crdc_series_uuid",
];

/// The row whose UID is asked for.
const MIDDLE: usize = 500_000;

/// Rows that are read at a time.
const BATCH: usize = 8192;

/// Imports a Parquet file as `public.idc_index` and gives the table as it is then.
pub(super) async fn load(url: &str, parquet: &Path) -> Result<TableObject> {
    let lake = Lake::open(url).await?;
    let epoch = lake.latest().await?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(parquet)?)?;
    let schema = folded(builder.schema());
    let rows = builder.with_batch_size(BATCH).build()?.map(|batch| {
        let batch = batch?;
        // Columns by place: the names alone differ.
        let schema = Arc::new(Schema::new(
            batch
                .schema()
                .fields()
                .iter()
                .map(|field| field.as_ref().clone().with_name(field.name().to_lowercase()))
                .collect::<Vec<_>>(),
        ));
        Ok::<_, Error>(RecordBatch::try_new(schema, batch.columns().to_vec())?)
    });

    let mut transaction = lake.begin(epoch);
    transaction.statement("IMPORT").user(radlake::SUPERUSER);
    let table = TableObject::new(SCHEMA, TABLE, schema)
        .with_cluster_key(CLUSTER_KEY)
        .with_bloom_columns(BLOOM_COLUMNS);
    let table = transaction.create_table(table).await?;
    let staged = transaction.stage(&table, futures::stream::iter(rows)).await?;
    transaction.add_staged(&table, staged)?;
    lake.commit(transaction).await?;

    // A load leaves a sorted file for each portion that fitted into memory: merged, they are one sorted table.
    let epoch = lake.optimize(table.oid).await?;
    let table = epoch
        .table(SCHEMA, TABLE)
        .ok_or("the table is not there after its import")?;
    Ok(TableObject::clone(table))
}

/// Paths of the table's data files, relative to the lake.
pub(super) async fn files(url: &str, table: &TableObject) -> Result<Vec<String>> {
    let provider = Lake::open(url).await?.table(table).await?;
    Ok(provider
        .files()
        .map(|file| format!("{}/{}", table.location, file.path()))
        .collect())
}

/// The UID of a series from the middle of IDC's file.
pub(super) fn uid(parquet: &Path) -> Result<String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(parquet)?)?;
    let column = ProjectionMask::columns(builder.parquet_schema(), ["SeriesInstanceUID"]);
    let mut batches = builder
        .with_projection(column)
        .with_offset(MIDDLE)
        .with_limit(1)
        .build()?;
    let batch = batches.next().ok_or("the index is shorter than it was")??;
    let text = cast(batch.column(0), &DataType::Utf8)?;
    Ok(text.as_string::<i32>().value(0).to_owned())
}

/// The columns as SQL without quotes names them, of the types that a table has.
fn folded(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| {
        let data_type = match field.data_type() {
            DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
            other => other.clone(),
        };
        Field::new(field.name().to_lowercase(), data_type, field.is_nullable())
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
