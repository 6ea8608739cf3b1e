//! Parameters of Bind: PostgreSQL's text and binary values to the engine's.

mod binary;
mod interval;
mod literal;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod vector;

use arrow::datatypes::DataType;
use radlake::ScalarValue;
use radlake::vectors::{VectorError, print};

use super::encode::{Format, Zone};
use super::sqlstate::Report;
use super::types::VECTOR;

/// How the client sends a parameter.
pub(crate) struct Source<'a> {
    /// Its type, as the client said or was told.
    pub(crate) oid: u32,
    /// Text or binary.
    pub(crate) format: Format,
    /// The session's zone, for instants written without one.
    pub(crate) zone: &'a Zone,
}

/// A parameter that is not what its type says.
#[derive(Debug, PartialEq)]
pub(crate) enum Invalid {
    /// Text that is no value of the type.
    Syntax(&'static str),
    /// A number or date beyond the type.
    Range(&'static str),
    /// Bytes that are no binary value of the type.
    Binary,
    /// Text that is not UTF-8.
    Encoding,
    /// Text that PostgreSQL reads.
    Unsupported(&'static str),
    /// No vector.
    Vector(VectorError),
    /// The value does not fit the statement.
    Cast(String),
}

impl Invalid {
    /// The report for parameter `number`, counted from 1. The value stays out of it: it may be a patient's.
    pub(crate) fn at(self, number: usize) -> Report {
        match self {
            Self::Syntax(
                kind @ ("date" | "time" | "timestamp" | "timestamp with time zone" | "interval"),
            ) => Report::error(
                "22007",
                format!("invalid input syntax for type {kind} in parameter ${number}"),
            ),
            Self::Syntax(kind) => Report::error(
                "22P02",
                format!("invalid input syntax for type {kind} in parameter ${number}"),
            ),
            Self::Range(kind @ ("date" | "time" | "timestamp" | "timestamp with time zone" | "interval")) => {
                Report::error("22008", format!("{kind} out of range in parameter ${number}"))
            }
            Self::Range(kind) => Report::error(
                "22003",
                format!("value out of range for type {kind} in parameter ${number}"),
            ),
            Self::Binary => Report::error(
                "22P03",
                format!("incorrect binary data format in bind parameter {number}"),
            ),
            Self::Encoding => Report::error(
                "22021",
                format!("invalid byte sequence for encoding \"UTF8\" in bind parameter {number}"),
            ),
            Self::Vector(error) => {
                let report = Report::from(&radlake::Error::from(error));
                let message = format!("{} in parameter ${number}", report.message);
                Report { message, ..report }
            }
            Self::Unsupported(what) => Report::error("0A000", format!("not supported: {what}")),
            Self::Cast(reason) => Report::error("42804", format!("parameter ${number}: {reason}")),
        }
    }
}

/// Reads one parameter as a value of the type that the statement wants.
pub(crate) fn read(
    bytes: Option<&[u8]>,
    source: &Source<'_>,
    target: &DataType,
) -> Result<ScalarValue, Invalid> {
    let cast_error = |error: &dyn std::fmt::Display| {
        Invalid::Cast(error.to_string().lines().next().unwrap_or_default().to_owned())
    };
    let Some(bytes) = bytes else {
        return ScalarValue::try_from(target).map_err(|error| cast_error(&error));
    };
    if source.oid == VECTOR {
        let vector = vector::read(bytes, source.format)?;
        // Functions read its text.
        return Ok(ScalarValue::from(print(&vector)));
    }
    let value = match source.format {
        Format::Text => {
            let text = std::str::from_utf8(bytes).map_err(|_| Invalid::Encoding)?;
            text::read(text, source.oid, source.zone)?
        }
        Format::Binary => binary::read(bytes, source.oid)?,
    };
    if value.data_type() == *target {
        return Ok(value);
    }
    if let (DataType::FixedSizeBinary(16), ScalarValue::Utf8(Some(uuid))) = (target, &value) {
        let digits: Vec<u8> = uuid
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        let bytes = digits
            .chunks_exact(2)
            .map(|pair| pair[0] * 16 + pair[1])
            .collect();
        return Ok(ScalarValue::FixedSizeBinary(16, Some(bytes)));
    }
    let cast = value
        .cast_to(target)
        .map_err(|_| cast_error(&format!("cannot be read as {target}")))?;
    match is_numeric(target) && !is_kept(&value, &cast) {
        true => Err(Invalid::Unsupported(
            "more than 10 digits behind the point for numeric without a scale",
        )),
        false => Ok(cast),
    }
}

/// `numeric` without precision and scale, or an array of such.
fn is_numeric(target: &DataType) -> bool {
    match target {
        DataType::Decimal128(38, 10) => true,
        DataType::List(item) => is_numeric(item.data_type()),
        _ => false,
    }
}

/// Whether no digit is lost. PostgreSQL keeps all of them.
fn is_kept(value: &ScalarValue, cast: &ScalarValue) -> bool {
    match value {
        ScalarValue::Decimal128(_, _, scale) | ScalarValue::Decimal256(_, _, scale) if *scale <= 10 => true,
        ScalarValue::Decimal128(..) | ScalarValue::Decimal256(..) | ScalarValue::List(_) => {
            cast.cast_to(&value.data_type()).is_ok_and(|back| back == *value)
        }
        _ => true,
    }
}

/// A list, or for several dimensions a list of lists; `items` lie row by row.
fn array(dimensions: &[usize], items: Vec<ScalarValue>, item: &DataType) -> ScalarValue {
    match dimensions {
        [] => ScalarValue::List(ScalarValue::new_list(&[], item, true)),
        [_] => ScalarValue::List(ScalarValue::new_list(&items, item, true)),
        [outer, inner @ ..] => {
            let each = items.len() / (*outer).max(1);
            let lists: Vec<ScalarValue> = items
                .chunks(each.max(1))
                .map(|chunk| array(inner, chunk.to_vec(), item))
                .collect();
            let kind = lists.first().map_or_else(|| item.clone(), ScalarValue::data_type);
            ScalarValue::List(ScalarValue::new_list(&lists, &kind, true))
        }
    }
}
