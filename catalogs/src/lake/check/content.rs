//! One data file: its footer; with all of its rows, whether the log's statistics hold them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use bytes::Bytes;
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;

use crate::delta::DataFile;
use crate::delta::stats::{ColumnStats, FileStats};
use crate::lake::Storage;
use crate::{Error, Result};

/// Bytes at the end of a file that are fetched first.
const FOOTER_BYTES: u64 = 64 << 10;

/// Rows of a file, as its footer says; refuses one that contradicts the log.
pub(super) async fn footer(storage: &Storage, file: &DataFile) -> Result<u64> {
    let damaged = |reason: String| Error::damaged(&file.location, reason);
    let size = file.size();
    let mut wanted = FOOTER_BYTES.min(size);
    let metadata = loop {
        if wanted == 0 {
            return Err(damaged("the data file is empty".into()));
        }
        let end = storage
            .store
            .get_range(&file.location, size - wanted..size)
            .await?;
        let mut reader = ParquetMetaDataReader::new();
        match reader.try_parse_sized(&end, size) {
            Ok(()) => break reader.finish().map_err(|error| damaged(error.to_string()))?,
            Err(ParquetError::NeedMoreData(more)) if more as u64 > wanted && more as u64 <= size => {
                wanted = more as u64;
            }
            Err(error) => return Err(damaged(error.to_string())),
        }
    };
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
    let groups: i64 = metadata.row_groups().iter().map(|group| group.num_rows()).sum();
    if u64::try_from(groups) != Ok(rows) {
        return Err(damaged(format!(
            "its row groups have {groups} rows, its footer says {rows}"
        )));
    }
    same_rows(file, rows)?;
    Ok(rows)
}

fn same_rows(file: &DataFile, rows: u64) -> Result<()> {
    match file.rows() {
        Some(logged) if logged != rows => Err(Error::damaged(
            &file.location,
            format!("the data file has {rows} rows, the log says {logged}"),
        )),
        _ => Ok(()),
    }
}

/// Reads all rows of a file; refuses one that cannot be decoded, or whose rows are not within the log's statistics.
pub(super) async fn rows(storage: &Storage, file: &DataFile) -> Result<()> {
    let content = storage.read(&file.location).await?;
    let content = content.ok_or_else(|| Error::damaged(&file.location, crate::delta::MISSING))?;
    let (stats, path) = (file.stats().clone(), file.location.to_string());
    let decoded = tokio::task::spawn_blocking(move || decode(&path, content, &stats)).await;
    let rows = decoded.map_err(|error| Error::damaged(&file.location, error))??;
    same_rows(file, rows)
}

fn decode(path: &str, content: Bytes, stats: &FileStats) -> Result<u64> {
    let damaged = |error: &dyn std::fmt::Display| Error::damaged(path, error);
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).and_then(|builder| builder.build());
    let mut rows = 0;
    let reader = reader.map_err(|error| damaged(&error))?;
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    let mut nulls = vec![0_u64; schema.fields().len()];
    for batch in reader {
        let batch = batch.map_err(|error| damaged(&error))?;
        rows += batch.num_rows() as u64;
        for ((field, column), nulls) in schema.fields().iter().zip(batch.columns()).zip(&mut nulls) {
            *nulls += column.null_count() as u64;
            if let Some(stats) = stats.columns.get(field.name().as_str())
                && outside(column, stats)
            {
                let reason = format!(
                    "rows of column \"{}\" are outside the bounds in the log",
                    field.name()
                );
                return Err(Error::damaged(path, reason));
            }
        }
    }
    for (field, nulls) in schema.fields().iter().zip(nulls) {
        let logged = stats
            .columns
            .get(field.name().as_str())
            .and_then(|stats| stats.nulls);
        if !field.data_type().is_nested()
            && let Some(logged) = logged
            && logged != nulls
        {
            let reason = format!(
                "column \"{}\" has {nulls} NULLs, the log says {logged}",
                field.name()
            );
            return Err(Error::damaged(path, reason));
        }
    }
    Ok(rows)
}

/// Whether some value is less than the minimum or greater than the maximum, where both are of a kind that compares without doubt:
/// numbers and texts. Bounds of texts may be cut short; then they are still bounds.
fn outside(column: &ArrayRef, stats: &ColumnStats) -> bool {
    macro_rules! whole {
        ($type:ty) => {{
            let values = column.as_primitive::<$type>();
            let low = stats.min.as_ref().and_then(serde_json::Value::as_i64);
            let high = stats.max.as_ref().and_then(serde_json::Value::as_i64);
            less(min(values).map(i64::from), low) || less(high, max(values).map(i64::from))
        }};
    }
    macro_rules! real {
        ($type:ty) => {{
            let values = column.as_primitive::<$type>();
            let finite = |value: <$type as ArrowPrimitiveType>::Native| {
                Some(f64::from(value)).filter(|value| value.is_finite())
            };
            let low = stats.min.as_ref().and_then(serde_json::Value::as_f64);
            let high = stats.max.as_ref().and_then(serde_json::Value::as_f64);
            less(min(values).and_then(finite), low) || less(high, max(values).and_then(finite))
        }};
    }
    match column.data_type() {
        DataType::Int8 => whole!(Int8Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int64 => whole!(Int64Type),
        DataType::Float32 => real!(Float32Type),
        DataType::Float64 => real!(Float64Type),
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            let low = stats.min.as_ref().and_then(serde_json::Value::as_str);
            let high = stats.max.as_ref().and_then(serde_json::Value::as_str);
            less(min_string(values), low) || less(high, max_string(values))
        }
        _ => false,
    }
}

fn less<T: PartialOrd>(left: Option<T>, right: Option<T>) -> bool {
    matches!((left, right), (Some(left), Some(right)) if left < right)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray};
    use serde_json::json;

    use super::*;

    #[test]
    fn values_outside_bounds_are_seen() {
        let stats = |min, max| ColumnStats {
            min: Some(min),
            max: Some(max),
            nulls: None,
        };
        let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(5)]));
        let reals: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::NAN, 5.0]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["b", "dd"]));
        for (column, min, max, wrong) in [
            (&ints, json!(1), json!(5), false),
            (&ints, json!(2), json!(5), true),
            (&ints, json!(1), json!(4), true),
            (&ints, json!("x"), json!("y"), false),
            (&reals, json!(1.5), json!(5.0), false),
            (&reals, json!(1.6), json!(5.0), true),
            (&texts, json!("a"), json!("dd"), false),
            (&texts, json!("b"), json!("e"), false),
            (&texts, json!("b"), json!("d"), true),
            (&texts, json!("c"), json!("e"), true),
        ] {
            assert_eq!(outside(column, &stats(min, max)), wrong, "{column:?}");
        }
    }
}
