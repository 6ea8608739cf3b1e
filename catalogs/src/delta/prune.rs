//! Which files of a table can hold rows that a predicate lets through, by the statistics in its log.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, PrimitiveArray, StringArray, UInt64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use datafusion::common::Column;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::scalar::ScalarValue;
use serde_json::Value;

use super::files::DataFile;

/// Statistics of files, a file being one container.
pub(crate) struct FilePruning<'a> {
    pub(crate) files: &'a [Arc<DataFile>],
    /// Columns as SQL sees them.
    pub(crate) logical: &'a SchemaRef,
    /// Columns as files have them: what the statistics are of.
    pub(crate) physical: &'a SchemaRef,
}

impl FilePruning<'_> {
    fn bounds(&self, column: &Column, upper: bool) -> Option<ArrayRef> {
        let stored = self.physical.field_with_name(&column.name).ok()?.data_type();
        let wanted = self.logical.field_with_name(&column.name).ok()?.data_type();
        // Text that stands for something else is not ordered as that is.
        if matches!(stored, DataType::Utf8)
            && !matches!(wanted, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        {
            return None;
        }
        let values = self.files.iter().map(|file| {
            let stats = file.stats().columns.get(column.name.as_str())?;
            if upper {
                stats.max.as_ref()
            } else {
                stats.min.as_ref()
            }
        });
        let array = typed(stored, values, upper)?;
        if stored == wanted {
            return Some(array);
        }
        cast_with_options(
            &array,
            wanted,
            &CastOptions {
                safe: false,
                ..CastOptions::default()
            },
        )
        .ok()
    }
}

impl PruningStatistics for FilePruning<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, false)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, true)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let count = |file: &Arc<DataFile>| file.stats().columns.get(column.name.as_str())?.nulls;
        Some(Arc::new(self.files.iter().map(count).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(
            self.files.iter().map(|file| file.rows()).collect::<UInt64Array>(),
        ))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Bounds from JSON as an array of the stored type: NULL where a file tells none.
fn typed<'a>(
    stored: &DataType,
    values: impl Iterator<Item = Option<&'a Value>>,
    upper: bool,
) -> Option<ArrayRef> {
    fn primitive<'a, T: ArrowPrimitiveType>(
        values: impl Iterator<Item = Option<&'a Value>>,
        read: impl Fn(&Value) -> Option<T::Native>,
    ) -> PrimitiveArray<T> {
        values.map(|value| value.and_then(&read)).collect()
    }
    fn integer<N: TryFrom<i64>>(value: &Value) -> Option<N> {
        value.as_i64()?.try_into().ok()
    }
    Some(match stored {
        DataType::Int8 => Arc::new(primitive::<Int8Type>(values, integer)) as ArrayRef,
        DataType::Int16 => Arc::new(primitive::<Int16Type>(values, integer)),
        DataType::Int32 => Arc::new(primitive::<Int32Type>(values, integer)),
        DataType::Int64 => Arc::new(primitive::<Int64Type>(values, integer)),
        // Bounds leave NaN out, which sorts last: no upper bound is one.
        DataType::Float32 | DataType::Float64 if upper => return None,
        DataType::Float32 => Arc::new(primitive::<Float32Type>(values, |value| {
            Some(value.as_f64()? as f32)
        })),
        DataType::Float64 => Arc::new(primitive::<Float64Type>(values, Value::as_f64)),
        DataType::Date32 => Arc::new(primitive::<Date32Type>(values, |value| {
            let date: NaiveDate = value.as_str()?.parse().ok()?;
            Some(Date32Type::from_naive_date(date))
        })),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let array = primitive::<TimestampMicrosecondType>(values, |value| micros(value.as_str()?, upper));
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) if *precision <= 15 && *scale >= 0 => {
            let power = 10f64.powi(i32::from(*scale));
            let array =
                primitive::<Decimal128Type>(values, |value| Some((value.as_f64()? * power).round() as i128));
            Arc::new(array.with_precision_and_scale(*precision, *scale).ok()?)
        }
        DataType::Utf8 => Arc::new(
            values
                .map(|value| value.and_then(Value::as_str))
                .collect::<StringArray>(),
        ),
        _ => return None,
    })
}

/// A point in time. Other writers cut to milliseconds, an upper bound too: it is moved to the end of the millisecond.
fn micros(text: &str, upper: bool) -> Option<i64> {
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at.naive_utc(),
        Err(_) => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .ok()?,
    };
    let micros = at.and_utc().timestamp_micros();
    Some(if upper && micros % 1000 == 0 {
        micros.saturating_add(999)
    } else {
        micros
    })
}
