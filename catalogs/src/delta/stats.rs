//! Statistics of a data file as Delta keeps them: rows, and each column's minimum, maximum and NULLs, as JSON.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, TimeDelta};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};

use crate::Result;

/// Bytes of text that a minimum or maximum keeps: a DICOM UID whole.
pub(crate) const MAX_TEXT: usize = 64;
/// Columns that get statistics by their place in the table, as Delta's default has it.
pub(crate) const INDEXED_COLUMNS: usize = 32;

/// Statistics of a file just written with `schema`, for the columns that `wanted` names.
///
/// Taken from the Parquet footer, whose bounds are true also where they are cut short.
pub(crate) fn file_stats(
    schema: &Schema,
    metadata: &ParquetMetaData,
    wanted: impl Fn(usize, &str) -> bool,
) -> Result<String> {
    let (mut mins, mut maxs, mut nulls) = (Map::new(), Map::new(), Map::new());
    let parquet = metadata.file_metadata().schema_descr();
    for (index, field) in schema.fields().iter().enumerate() {
        if field.data_type().is_nested() || !wanted(index, field.name()) {
            continue;
        }
        let converter = StatisticsConverter::try_new(field.name(), schema, parquet)?;
        let groups = || metadata.row_groups().iter();
        let counts = converter.row_group_null_counts(groups())?;
        if counts.null_count() == 0 {
            nulls.insert(field.name().clone(), json!(counts.values().iter().sum::<u64>()));
        }
        let (lows, highs) = (
            converter.row_group_mins(groups())?,
            converter.row_group_maxes(groups())?,
        );
        // A row group of NULLs has no bounds, nor has one whose bounds were not written: only the first may be left out.
        let known = (0..lows.len()).all(|group| {
            let rows = metadata.row_group(group).num_rows() as u64;
            (lows.is_valid(group) && highs.is_valid(group))
                || (counts.is_valid(group) && counts.value(group) == rows)
        });
        if !known {
            continue;
        }
        if let (Some(low), Some(high)) = (bound(&lows, false), bound(&highs, true)) {
            mins.insert(field.name().clone(), low);
            maxs.insert(field.name().clone(), high);
        }
    }
    let stats = json!({
        "numRecords": metadata.file_metadata().num_rows(), "minValues": mins, "maxValues": maxs, "nullCount": nulls,
    });
    Ok(stats.to_string())
}

/// The least or greatest of the row groups' bounds.
fn bound(values: &ArrayRef, upper: bool) -> Option<Value> {
    macro_rules! primitive {
        ($type:ty) => {
            if upper {
                max(values.as_primitive::<$type>())
            } else {
                min(values.as_primitive::<$type>())
            }
        };
    }
    match values.data_type() {
        DataType::Int8 => primitive!(Int8Type).map(Value::from),
        DataType::Int16 => primitive!(Int16Type).map(Value::from),
        DataType::Int32 => primitive!(Int32Type).map(Value::from),
        DataType::Int64 => primitive!(Int64Type).map(Value::from),
        // JSON has no infinities: no bound then.
        DataType::Float32 => {
            let value = f64::from(primitive!(Float32Type)?);
            value.is_finite().then(|| Value::from(value))
        }
        DataType::Float64 => {
            let value = primitive!(Float64Type)?;
            value.is_finite().then(|| Value::from(value))
        }
        DataType::Date32 => date(primitive!(Date32Type)?).map(Value::from),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let at = DateTime::from_timestamp_micros(primitive!(TimestampMicrosecondType)?)?;
            let suffix = if zone.is_some() { "Z" } else { "" };
            Some(format!("{}{suffix}", at.format("%Y-%m-%dT%H:%M:%S%.6f")).into())
        }
        DataType::Decimal128(precision, scale) => {
            let value = primitive!(Decimal128Type)?;
            // A JSON number holds 15 digits everywhere.
            if *precision > 15 || *scale < 0 {
                return None;
            }
            let text = Decimal128Type::format_decimal(value, *precision, *scale);
            serde_json::from_str(&text).ok()
        }
        DataType::Utf8 => {
            let values = values.as_string::<i32>();
            if upper {
                upper_text(max_string(values)?).map(Value::from)
            } else {
                Some(lower_text(min_string(values)?).into())
            }
        }
        _ => None,
    }
}

fn date(days: i32) -> Option<String> {
    let date = NaiveDate::default().checked_add_signed(TimeDelta::try_days(i64::from(days))?)?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// A text that is not greater than `text`, and short.
fn lower_text(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text that is not less than `text` nor than anything that begins as it does, and short; `None` if there is none.
fn upper_text(text: &str) -> Option<String> {
    if text.len() <= MAX_TEXT {
        return Some(text.to_owned());
    }
    let mut chars: Vec<char> = lower_text(text).chars().collect();
    while let Some(last) = chars.pop() {
        // The next code point that is one, if there is any; else the character before.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// What the statistics of a file say, read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileStats {
    pub(crate) rows: Option<u64>,
    pub(crate) columns: HashMap<Box<str>, ColumnStats>,
}

/// What the statistics of a file say about a column. Bounds are as in the JSON.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnStats {
    pub(crate) min: Option<Value>,
    pub(crate) max: Option<Value>,
    pub(crate) nulls: Option<u64>,
}

impl FileStats {
    /// Reads the JSON of an `add` action. What cannot be read is not known.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let Some(Value::Object(mut object)) = text.and_then(|text| serde_json::from_str(text).ok()) else {
            return Self::default();
        };
        let mut columns: HashMap<Box<str>, ColumnStats> = HashMap::new();
        let mut each = |key: &str, set: fn(&mut ColumnStats, Value)| {
            if let Some(Value::Object(values)) = object.remove(key) {
                for (name, value) in values {
                    if !value.is_object() && !value.is_null() {
                        set(columns.entry(name.into()).or_default(), value);
                    }
                }
            }
        };
        each("minValues", |stats, value| stats.min = Some(value));
        each("maxValues", |stats, value| stats.max = Some(value));
        each("nullCount", |stats, value| stats.nulls = value.as_u64());
        Self {
            rows: object.get("numRecords").and_then(Value::as_u64),
            columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_so_that_bounds_stay_true() {
        let long = "x".repeat(MAX_TEXT) + "yz";
        assert_eq!(lower_text(&long), "x".repeat(MAX_TEXT));
        let high = upper_text(&long).unwrap();
        assert!(high.as_str() > long.as_str() && high.len() <= MAX_TEXT);
        // Cut within a character of three bytes.
        let wide = "€".repeat(30);
        assert!(lower_text(&wide) <= wide.as_str() && upper_text(&wide).unwrap() > wide);
        assert_eq!(upper_text(&"\u{10ffff}".repeat(30)), None);
        assert_eq!(upper_text("abc").unwrap(), "abc");
    }

    #[test]
    fn unreadable_statistics_are_unknown() {
        assert!(FileStats::parse(Some("{")).rows.is_none());
        assert!(FileStats::parse(None).columns.is_empty());
        let stats = FileStats::parse(Some(
            r#"{"numRecords":3,"nullCount":{"a":1,"s":{"x":2}},"minValues":{"a":"b"}}"#,
        ));
        assert_eq!((stats.rows, stats.columns.len()), (Some(3), 1));
    }
}
