//! From rows to data files: Parquet, sorted by the table's cluster key, with statistics by which scans skip.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::{
    CastOptions, SortColumn, SortOptions, cast_with_options, concat_batches, lexsort_to_indices,
    take_record_batch,
};
use arrow::datatypes::SchemaRef;
use arrow::row::{OwnedRow, RowConverter, SortField};
use futures::StreamExt;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::action::Add;
use super::schema::physical_schema;
use super::stats::{INDEXED_COLUMNS, MAX_TEXT, file_stats};
use crate::object::TableObject;
use crate::{Error, Result};

/// Rows of a row group: small enough that a single value is found without reading much (a column's dictionary is read
/// whole), large enough for scans.
const ROW_GROUP_ROWS: usize = 32_768;
/// Rows of a page at most, the least that is read and decoded for one row.
const PAGE_ROWS: usize = 4_096;
/// Where a column chunk's dictionary ends, in bytes: it is read whole for a single row, so columns of values that hardly
/// come twice (UIDs, addresses) go on without one.
const DICTIONARY_BYTES: usize = 128 << 10;
/// Bytes of a row group, for tables of long rows.
const ROW_GROUP_BYTES: usize = 128 << 20;
/// Bytes of a data file after which another is begun.
const FILE_BYTES: usize = 256 << 20;
/// Bytes of rows that are sorted together where rows come as a stream.
const SORT_BYTES: usize = 128 << 20;
/// Rows handed to the Parquet writer at a time.
const SLICE_ROWS: usize = 16_384;

/// Writes the data files of one table. Nothing is visible before a commit names them.
///
/// Every file of a table with a cluster key is sorted by it, and its name tells so: see [`sorted_by_key`].
pub(crate) struct DataWriter {
    store: Arc<dyn ObjectStore>,
    table: TableObject,
    physical: SchemaRef,
    file: Option<OpenFile>,
    adds: Vec<Add>,
}

struct OpenFile {
    writer: AsyncArrowWriter<BufWriter>,
    name: String,
    /// Key of the last row, if the table has a cluster key.
    last: Option<OwnedRow>,
}

impl DataWriter {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, table: &TableObject) -> Result<Self> {
        if table.location.is_empty() {
            return Err(Error::internal(format!(
                "table {} has no folder",
                table.qualified_name()
            )));
        }
        let physical = physical_schema(&table.arrow_schema)?;
        Ok(Self {
            store,
            table: table.clone(),
            physical,
            file: None,
            adds: Vec::new(),
        })
    }

    /// Writes batches that belong together: sorted as one.
    pub(crate) async fn write_all(mut self, batches: &[RecordBatch]) -> Result<Vec<Add>> {
        let batches = batches
            .iter()
            .map(|batch| self.to_physical(batch))
            .collect::<Result<Vec<_>>>()?;
        self.write_portion(batches).await?;
        self.finish().await
    }

    /// Writes a stream of any length: sorted in portions of [`SORT_BYTES`]. A portion that does not follow upon the
    /// one before begins a file.
    pub(crate) async fn write_stream<S, E>(mut self, mut stream: S) -> Result<Vec<Add>>
    where
        S: futures::Stream<Item = std::result::Result<RecordBatch, E>> + Unpin,
        Error: From<E>,
    {
        let (mut portion, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = stream.next().await {
            let batch = self.to_physical(&batch?)?;
            bytes += batch.get_array_memory_size();
            portion.push(batch);
            if bytes >= SORT_BYTES || self.table.cluster_key.is_empty() {
                self.write_portion(std::mem::take(&mut portion)).await?;
                bytes = 0;
            }
        }
        self.write_portion(portion).await?;
        self.finish().await
    }

    async fn write_portion(&mut self, batches: Vec<RecordBatch>) -> Result<()> {
        if batches.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(());
        }
        if self.table.cluster_key.is_empty() {
            for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                self.write_batch(batch).await?;
            }
            return Ok(());
        }
        let whole = match batches.as_slice() {
            [one] => one.clone(),
            many => concat_batches(&self.physical, many)?,
        };
        drop(batches);
        let sorted = sort_by(&whole, &self.table.cluster_key)?;
        drop(whole);
        let keys = key_columns(&sorted, &self.table.cluster_key)?;
        let converter = RowConverter::new(
            keys.iter()
                .map(|key| SortField::new(key.data_type().clone()))
                .collect(),
        )?;
        let key = |row: usize| -> Result<OwnedRow> {
            let slices: Vec<ArrayRef> = keys.iter().map(|key| key.slice(row, 1)).collect();
            Ok(converter.convert_columns(&slices)?.row(0).owned())
        };
        let first = key(0)?;
        if self
            .file
            .as_ref()
            .is_some_and(|file| file.last.as_ref().is_some_and(|last| *last > first))
        {
            self.close().await?;
        }
        // In slices, so that a file can end near its size.
        for from in (0..sorted.num_rows()).step_by(SLICE_ROWS) {
            self.write_batch(&sorted.slice(from, SLICE_ROWS.min(sorted.num_rows() - from)))
                .await?;
        }
        if let Some(file) = &mut self.file {
            file.last = Some(key(sorted.num_rows() - 1)?);
        }
        Ok(())
    }

    async fn write_batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        file.writer.write(batch).await?;
        let bytes = file.writer.bytes_written() + file.writer.in_progress_size();
        self.file = Some(file);
        if bytes >= FILE_BYTES {
            self.close().await
        } else {
            Ok(())
        }
    }

    fn open(&self) -> Result<OpenFile> {
        let name = format!("part-{}{}.parquet", uuid::Uuid::now_v7(), key_mark(&self.table));
        let writer = BufWriter::new(Arc::clone(&self.store), super::below(&self.table.location, &name));
        let writer =
            AsyncArrowWriter::try_new(writer, Arc::clone(&self.physical), Some(properties(&self.table)?))?;
        Ok(OpenFile {
            writer,
            name,
            last: None,
        })
    }

    async fn close(&mut self) -> Result<()> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let metadata = file.writer.finish().await?;
        let wanted = |index: usize, name: &str| {
            let among = |names: &[String]| names.iter().any(|column| column == name);
            index < INDEXED_COLUMNS || among(&self.table.cluster_key) || among(&self.table.bloom_columns)
        };
        self.adds.push(Add {
            path: file.name,
            partition_values: BTreeMap::new(),
            size: file.writer.bytes_written() as u64,
            modification_time: chrono::Utc::now().timestamp_millis(),
            data_change: true,
            stats: Some(file_stats(&self.physical, &metadata, wanted)?),
            tags: None,
            deletion_vector: None,
        });
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<Add>> {
        self.close().await?;
        Ok(self.adds)
    }

    /// A batch as the files have it: columns matched by name, stored types, missing columns NULL.
    fn to_physical(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let table = self.table.qualified_name();
        let schema = batch.schema_ref();
        if let Some(unknown) = schema
            .fields()
            .iter()
            .find(|field| self.physical.field_with_name(field.name()).is_err())
        {
            return Err(Error::invalid(format!(
                "table {table} has no column \"{}\"",
                unknown.name()
            )));
        }
        let options = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let logical = self.table.arrow_schema.fields();
        let columns = logical
            .iter()
            .zip(self.physical.fields())
            .map(|(logical, stored)| {
                let column = match batch.column_by_name(stored.name()) {
                    // By way of the column's own type, so that what does not fit it is refused here.
                    Some(column) => {
                        let column = cast_with_options(column, logical.data_type(), &options)?;
                        cast_with_options(&column, stored.data_type(), &options)?
                    }
                    None => new_null_array(stored.data_type(), batch.num_rows()),
                };
                if !stored.is_nullable() && column.null_count() > 0 {
                    return Err(Error::invalid(format!(
                        "column \"{}\" of table {table} must not be NULL",
                        stored.name()
                    )));
                }
                Ok(column)
            });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.physical),
            columns,
            &options,
        )?)
    }
}

/// What the name of a file ends in that is sorted by the table's key: columns and types, since both make the order.
fn key_mark(table: &TableObject) -> String {
    if table.cluster_key.is_empty() {
        return String::new();
    }
    let mut hash = blake3::Hasher::new();
    for name in &table.cluster_key {
        let data_type = table
            .arrow_schema
            .field_with_name(name)
            .map(|field| field.data_type().to_string());
        hash.update(format!("{name}\0{}\0", data_type.unwrap_or_default()).as_bytes());
    }
    format!(".s{}", &hash.finalize().to_hex()[..8])
}

/// Whether a file of that name was written here, sorted by the table's cluster key as it is now.
///
/// In the name rather than in a tag of the `add` action, because other writers' checkpoints drop tags.
pub(crate) fn sorted_by_key(path: &str, table: &TableObject) -> bool {
    !table.cluster_key.is_empty() && path.ends_with(&format!("{}.parquet", key_mark(table)))
}

fn key_columns(batch: &RecordBatch, key: &[String]) -> Result<Vec<ArrayRef>> {
    let column = |name: &String| {
        batch
            .column_by_name(name)
            .cloned()
            .ok_or_else(|| Error::invalid(format!("no column \"{name}\" to cluster by")))
    };
    key.iter().map(column).collect()
}

fn sort_by(batch: &RecordBatch, key: &[String]) -> Result<RecordBatch> {
    let options = Some(SortOptions {
        descending: false,
        nulls_first: true,
    });
    let columns: Vec<SortColumn> = key_columns(batch, key)?
        .into_iter()
        .map(|values| SortColumn { values, options })
        .collect();
    let order = lexsort_to_indices(&columns, None)?;
    // Rows that came in order are not copied.
    if order
        .values()
        .iter()
        .enumerate()
        .all(|(at, row)| at == *row as usize)
    {
        return Ok(batch.clone());
    }
    Ok(take_record_batch(batch, &order)?)
}

fn properties(table: &TableObject) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_truncate_length(Some(MAX_TEXT))
        .set_column_index_truncate_length(Some(MAX_TEXT))
        .set_created_by(concat!("radlake ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in &table.bloom_columns {
        properties = properties
            .set_column_bloom_filter_fpp(ColumnPath::from(column.as_str()), 0.01)
            .set_column_bloom_filter_max_ndv(ColumnPath::from(column.as_str()), ROW_GROUP_ROWS as u64);
    }
    Ok(properties.build())
}
