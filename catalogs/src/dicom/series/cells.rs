//! Cells of the columns that series are made from.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type};
use arrow::error::ArrowError;

/// One column of all batches, in the type that the schema says (a reader may give views or dictionaries).
pub(super) fn gather(batches: &[RecordBatch], name: &str, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    let mut parts = Vec::with_capacity(batches.len());
    for batch in batches {
        let column = batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("no column {name} among a series' instances")))?;
        parts.push(cast(column, wanted)?);
    }
    if parts.is_empty() {
        return Ok(arrow::array::new_empty_array(wanted));
    }
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    concat(&parts)
}

/// The numbers of a cell: one of a number or date, all of an array of doubles, none of NULL.
pub(super) fn numbers(column: &ArrayRef, row: usize) -> Box<dyn Iterator<Item = f64> + '_> {
    if column.is_null(row) {
        return Box::new(std::iter::empty());
    }
    match column.data_type() {
        DataType::Int32 => Box::new(std::iter::once(f64::from(
            column.as_primitive::<Int32Type>().value(row),
        ))),
        DataType::Int64 => Box::new(std::iter::once(
            column.as_primitive::<Int64Type>().value(row) as f64
        )),
        DataType::Date32 => Box::new(std::iter::once(f64::from(
            column.as_primitive::<Date32Type>().value(row),
        ))),
        DataType::Float64 => Box::new(std::iter::once(column.as_primitive::<Float64Type>().value(row))),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            match values.as_primitive_opt::<Float64Type>() {
                // A NULL inside becomes NaN: the array keeps its length, and no rule takes it for a number.
                Some(values) => {
                    let all: Vec<f64> = values.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
                    Box::new(all.into_iter())
                }
                None => Box::new(std::iter::empty()),
            }
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// The text of a cell; of an array its texts joined by `\`.
pub(super) fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => Some(texts(column, row).join("\\")),
        _ => None,
    }
}

/// A text or number as what tells it from others: of a name the components that are left out at its end do not matter.
pub(super) fn plain(column: &ArrayRef, row: usize) -> Option<Cow<'_, str>> {
    if column.is_null(row) {
        return None;
    }
    match column.as_string_opt::<i32>() {
        Some(texts) => Some(texts.value(row).trim_end_matches(['^', '=']).into()),
        None => numbers(column, row).next().map(|n| n.to_string().into()),
    }
}

/// The texts of an array.
pub(super) fn texts(column: &ArrayRef, row: usize) -> Vec<String> {
    let Some(lists) = column.as_list_opt::<i32>() else {
        return Vec::new();
    };
    let values = lists.value(row);
    let Some(values) = values.as_string_opt::<i32>() else {
        return Vec::new();
    };
    let texts = values.iter().map(|text| text.unwrap_or_default().to_owned());
    texts.collect()
}
