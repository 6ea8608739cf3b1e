//! Values as JSON, as `to_json` writes them (`src/backend/utils/adt/json.c`).

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_err, not_impl_err};
use radlake_udfs::datetime::read::Zone;
use radlake_udfs::json::quote;
use radlake_udfs::types::numeric;

use super::super::texts;
use super::Kind;

/// Stands before the name of a field that is to be shown; others are those of a row without names, `f1`, `f2` …
pub(super) const NAMED: char = '\u{1}';

/// A column whose values are written.
#[derive(Debug)]
pub(super) enum Writer {
    Null,
    Bool(BooleanArray),
    /// JSON already.
    Document(StringArray),
    Number(StringArray),
    Text(StringArray),
    Array(ListArray, Box<Writer>),
    Row(StructArray, Vec<(String, Writer)>),
}

impl Writer {
    /// The field says which texts are documents.
    pub(super) fn new(values: &ArrayRef, field: &Field) -> Result<Self> {
        let text =
            || -> Result<StringArray> { Ok(cast(values, &DataType::Utf8)?.as_string::<i32>().clone()) };
        let utc = Zone::parse("UTC")?;
        Ok(match values.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(values.as_boolean().clone()),
            // A number that stands for an object or is one's OID.
            DataType::UInt32 => match field.metadata().get("pg_type").map(String::as_str) {
                None | Some("oid") => Self::Text(text()?),
                Some(other) => return not_impl_err!("{other} as JSON; cast it to text first"),
            },
            DataType::Float32 | DataType::Float64 => Self::Number(texts::texts(values, &utc)?),
            open if numeric::is_open(open) => Self::Number(texts::texts(values, &utc)?),
            numeric if numeric.is_numeric() => Self::Number(text()?),
            strings if strings.is_string() => match Kind::of_field(field) {
                Some(_) => Self::Document(text()?),
                None => Self::Text(text()?),
            },
            DataType::Timestamp(_, zone) => {
                let zone = zone.as_deref().map_or(Ok(utc), Zone::parse)?;
                let shown = texts::texts(values, &zone)?;
                Self::Text(shown.iter().map(|text| text.map(iso)).collect())
            }
            DataType::LargeBinary | DataType::BinaryView => {
                Self::Text(texts::texts(&cast(values, &DataType::Binary)?, &utc)?)
            }
            DataType::Date32
            | DataType::Time32(_)
            | DataType::Time64(_)
            | DataType::Interval(_)
            | DataType::Binary => Self::Text(texts::texts(values, &utc)?),
            DataType::FixedSizeList(..) => Self::Text(texts::texts(values, &utc)?),
            DataType::List(item) => {
                let lists = values.as_list::<i32>();
                let items = Self::new(lists.values(), item)?;
                Self::Array(lists.clone(), Box::new(items))
            }
            DataType::Struct(fields) => {
                let row = values.as_struct();
                let columns = row
                    .columns()
                    .iter()
                    .zip(fields)
                    .enumerate()
                    .map(|(place, (column, field))| {
                        let name = match field.name().strip_prefix(NAMED) {
                            Some(name) => name.to_owned(),
                            None if *field.name() == format!("c{place}") => format!("f{}", place + 1),
                            None => field.name().clone(),
                        };
                        Ok((name, Self::new(column, field)?))
                    });
                Self::Row(row.clone(), columns.collect::<Result<_>>()?)
            }
            other => return not_impl_err!("{other} as JSON; cast it to text first"),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(values) => values.is_null(row),
            Self::Document(values) | Self::Number(values) | Self::Text(values) => values.is_null(row),
            Self::Array(values, _) => values.is_null(row),
            Self::Row(values, _) => values.is_null(row),
        }
    }

    /// Whether it is an array or a row, which `json_agg` begins on a new line.
    pub(super) fn is_structured(&self) -> bool {
        matches!(self, Self::Array(..) | Self::Row(..))
    }

    /// Writes a value; with `lines`, parts are on lines of their own.
    pub(super) fn write(&self, row: usize, lines: bool, out: &mut String) {
        if self.is_null(row) {
            out.push_str("null");
            return;
        }
        let next = if lines { ",\n " } else { "," };
        match self {
            Self::Null => {}
            Self::Bool(values) => out.push_str(if values.value(row) { "true" } else { "false" }),
            Self::Document(values) => out.push_str(values.value(row)),
            Self::Number(values) => match values.value(row) {
                // JSON has neither NaN nor infinities.
                word if word.contains(['N', 'I']) => quote(word, out),
                number => out.push_str(number),
            },
            Self::Text(values) => quote(values.value(row), out),
            Self::Array(lists, items) => {
                let offsets = lists.value_offsets();
                let (from, to) = match offsets.get(row..row + 2) {
                    Some([from, to]) => (*from, *to),
                    _ => (0, 0),
                };
                out.push('[');
                for at in from..to {
                    if at > from {
                        out.push_str(next);
                    }
                    items.write(usize::try_from(at).unwrap_or_default(), false, out);
                }
                out.push(']');
            }
            Self::Row(_, columns) => {
                out.push('{');
                for (place, (name, column)) in columns.iter().enumerate() {
                    if place > 0 {
                        out.push_str(next);
                    }
                    quote(name, out);
                    out.push(':');
                    column.write(row, false, out);
                }
                out.push('}');
            }
        }
    }

    /// Writes a value as the key of an object; false if it is NULL.
    pub(super) fn key(&self, row: usize, out: &mut String) -> Result<bool> {
        if self.is_null(row) {
            return Ok(false);
        }
        match self {
            Self::Bool(values) => quote(if values.value(row) { "true" } else { "false" }, out),
            Self::Number(values) | Self::Text(values) => quote(values.value(row), out),
            _ => return exec_err!("key value must be scalar, not array, composite, or json"),
        }
        Ok(true)
    }
}

/// `2024-01-01T10:00:00+00:00` of `2024-01-01 10:00:00+00`.
fn iso(text: &str) -> String {
    let (time, era) = match text.strip_suffix(" BC") {
        Some(time) => (time, " BC"),
        None => (text, ""),
    };
    let Some((date, clock)) = time.split_once(' ') else {
        return text.to_owned();
    };
    let minutes = match clock.rfind(['+', '-']) {
        Some(at) if clock.len() - at == 3 => ":00",
        _ => "",
    };
    format!("{date}T{clock}{minutes}{era}")
}
