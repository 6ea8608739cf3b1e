//! Errors of running statements: arithmetic, casts, memory. What they say of values is left out.

use std::io::ErrorKind;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use radlake_udfs::vectors::VectorError;

use super::planning::first_line;
use super::{Error, planning};

/// An error of Arrow's kernels.
pub(super) fn arrow(error: &ArrowError) -> Error {
    match error {
        ArrowError::DivideByZero => Error::DivisionByZero,
        ArrowError::ArithmeticOverflow(message) => Error::NumericOverflow(overflowed(message)),
        ArrowError::CastError(message) | ArrowError::ParseError(message) => cast(message),
        ArrowError::InvalidArgumentError(message) => argument(message),
        ArrowError::ComputeError(message) => execution(message),
        ArrowError::NotYetImplemented(message) => Error::unsupported(first_line(message)),
        ArrowError::MemoryError(message) => Error::OutOfMemory {
            detail: first_line(message),
        },
        ArrowError::IoError(_, inner) => io(inner),
        ArrowError::OffsetOverflowError(_) => Error::LimitExceeded(
            "a column of one batch passes 2 GiB; ask for fewer or shorter values".to_owned(),
        ),
        ArrowError::ExternalError(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => planning::translate(inner),
            None => match inner.downcast_ref::<Error>() {
                Some(own) => own.clone(),
                None => Error::internal(inner.to_string()),
            },
        },
        other => Error::internal(first_line(&other.to_string())),
    }
}

pub(super) fn io(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull {
            detail: error.to_string(),
        },
        ErrorKind::OutOfMemory => Error::OutOfMemory {
            detail: error.to_string(),
        },
        _ => Error::Storage(error.to_string()),
    }
}

/// Whether an error, or one below it, is that of a full disk.
pub(super) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut below = Some(error);
    while let Some(error) = below {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        {
            return true;
        }
        below = error.source();
    }
    false
}

/// What a store says: that a file is missing which the lake names, or that it failed.
pub(super) fn store(error: &object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { path, .. } => {
            Error::DataCorrupted(format!("{path} is damaged: the file is missing"))
        }
        _ => Error::Storage(error.to_string()),
    }
}

/// What reading a data file says, where it does not say which.
pub(super) fn parquet(error: &datafusion::parquet::errors::ParquetError) -> Error {
    use datafusion::parquet::errors::ParquetError as Parquet;
    match error {
        Parquet::External(_) => Error::Storage(format!("reading Parquet: {error}")),
        Parquet::NYI(message) => Error::unsupported(first_line(message)),
        _ => Error::DataCorrupted(format!("a data file cannot be read: {error}")),
    }
}

pub(super) fn exhausted(message: &str) -> Error {
    let detail = first_line(message);
    if detail.contains("disk space") || detail.contains("temp") && detail.contains("limit") {
        return Error::DiskFull { detail };
    }
    Error::OutOfMemory { detail }
}

/// Errors that functions give as text.
pub(super) fn execution(message: &str) -> Error {
    let text = first_line(message);
    if let Some(cause) = text.strip_prefix("Error evaluating filter predicate: ") {
        return filter(cause);
    }
    let lower = text.to_ascii_lowercase();
    if let Some(name @ ("json" | "uuid" | "vector")) = text.strip_prefix("invalid input syntax for type ") {
        return Error::InvalidText {
            type_name: name.to_owned(),
        };
    }
    match text.as_str() {
        "unsupported Unicode escape sequence" => return Error::UntranslatableCharacter,
        "JSON value must not be null" => return Error::NullNotAllowed("JSON value must not be null"),
        "invalid escape string" => return Error::InvalidEscape,
        "cannot take logarithm of zero" => return Error::InvalidLogarithm("cannot take logarithm of zero"),
        "cannot take logarithm of a negative number" => {
            return Error::InvalidLogarithm("cannot take logarithm of a negative number");
        }
        "cannot take square root of a negative number" => {
            return Error::InvalidPower("cannot take square root of a negative number");
        }
        _ => {}
    }
    if text.starts_with("invalid regular expression") {
        return match text.ends_with("not supported") {
            true => Error::unsupported(text),
            false => Error::InvalidPattern(text),
        };
    }
    if text.starts_with("path element at position") {
        return match text.ends_with("is null") {
            true => Error::NullNotAllowed("path element is null"),
            false => Error::InvalidText {
                type_name: "integer".to_owned(),
            },
        };
    }
    if text.starts_with("permission denied") {
        return Error::InsufficientPrivilege(text);
    }
    if text.starts_with("JSON nested deeper") || text.starts_with("numeric without a scale keeps") {
        return Error::unsupported(text);
    }
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return Error::DivisionByZero;
    }
    if lower.contains("cannot cast")
        || lower.contains("can't cast")
        || lower.contains("error parsing")
        || lower.contains("failed to parse")
        || lower.contains("unable to parse")
    {
        return cast(&text);
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return Error::NumericOverflow(overflowed(&text));
    }
    if lower.contains("scalar subquery") || lower.contains("more than one row") {
        return Error::Cardinality;
    }
    if lower.contains("memory") && lower.contains("limit") {
        return Error::OutOfMemory { detail: text };
    }
    Error::InvalidParameter(text)
}

/// An error of a condition that is evaluated while a file is read, of which only a text is left, with values in it.
fn filter(cause: &str) -> Error {
    if cause.contains("DivideByZero") || cause.contains("DivisionByZero") {
        return Error::DivisionByZero;
    }
    if cause.contains("ArithmeticOverflow") || cause.contains("NumericOverflow") {
        return Error::NumericOverflow("numeric field".to_owned());
    }
    let named = cause
        .split_once("type_name: \"")
        .and_then(|(_, rest)| rest.split_once('"'));
    if let Some((type_name, _)) = named {
        return Error::InvalidText {
            type_name: type_name.to_owned(),
        };
    }
    if cause.contains("CastError") || cause.contains("ParseError") {
        return Error::InvalidParameter("a value could not be cast in a condition".to_owned());
    }
    Error::InvalidParameter("a condition could not be evaluated on a row".to_owned())
}

fn argument(message: &str) -> Error {
    let lower = message.to_ascii_lowercase();
    if lower.contains("overflow")
        || lower.contains("too large to store")
        || lower.contains("too small to store")
    {
        return Error::NumericOverflow("numeric field".to_owned());
    }
    if lower.contains("divide by zero") {
        return Error::DivisionByZero;
    }
    if lower.contains("cast") || lower.contains("parse") {
        return cast(message);
    }
    Error::internal(first_line(message))
}

/// A cast that failed. Its message quotes the value, so only the type is taken from it.
fn cast(message: &str) -> Error {
    let text = first_line(message);
    if text.starts_with("Cannot cast to FixedSizeList(") {
        return Error::InvalidVector(
            "a list of another length than its column's vectors: another writer has put it into the table's files".to_owned(),
        );
    }
    // The value comes first and may hold anything; the type stands last.
    let target = text
        .rsplit_once("to value of ")
        .or_else(|| text.rsplit_once("to type "))
        .map(|(before, rest)| {
            (
                before,
                rest.trim_end_matches('.').trim_end_matches(" type").trim(),
            )
        });
    let from_text = text.contains("Cannot cast string '")
        || text.contains("Cannot cast value '")
        || text.contains("parsing")
        || text.contains("Parse")
        || text.contains("parse");
    match target {
        Some((_, name)) if is_datetime(name) && from_text => datetime(&text, name),
        Some((_, name)) if from_text => Error::InvalidText {
            type_name: type_name(name).to_owned(),
        },
        Some((_, name)) if is_datetime(name) => Error::DatetimeOverflow,
        Some((_, name)) => Error::NumericOverflow(type_name(name).to_owned()),
        None if text.contains("timestamp") || text.contains("Timestamp") => datetime(&text, "Timestamp"),
        None if text.contains("Date") || text.contains("date") => datetime(&text, "Date32"),
        None if text.contains("Time") || text.contains("time") => datetime(&text, "Time64"),
        None if text.contains("interval") || text.contains("Interval") => datetime(&text, "Interval"),
        None if text.contains("Decimal") || text.contains("decimal") => Error::InvalidText {
            type_name: "numeric".to_owned(),
        },
        None => Error::InvalidText {
            type_name: "the requested type".to_owned(),
        },
    }
}

/// A well-formed date that no calendar has is out of range, anything else is no date.
fn datetime(text: &str, name: &str) -> Error {
    let value = text.split('\'').nth(1).unwrap_or_default();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let others = value
        .chars()
        .any(|c| !(c.is_ascii_digit() || "-:/. +TZtz".contains(c)));
    if digits >= 6 && !others {
        return Error::DatetimeOverflow;
    }
    Error::InvalidDatetime {
        type_name: type_name(name).to_owned(),
    }
}

fn is_datetime(name: &str) -> bool {
    ["Date", "Time", "Interval", "Duration"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// PostgreSQL's name of an Arrow type, as messages have it.
pub(super) fn type_name(arrow: &str) -> &'static str {
    match arrow {
        "Int8" | "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt64" => "bigint",
        "UInt32" => "oid",
        "Float16" | "Float32" => "real",
        "Float64" => "double precision",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        name if name.starts_with("Timestamp") && name.contains("Some") => "timestamp with time zone",
        name if name.starts_with("Timestamp") => "timestamp",
        name if name.starts_with("Time") => "time",
        name if name.starts_with("Interval") || name.starts_with("Duration") => "interval",
        name if name.starts_with("Decimal") => "numeric",
        name if name.starts_with("Utf8") || name.starts_with("LargeUtf8") => "text",
        name if name.contains("Binary") => "bytea",
        name if name.contains("List") => "array",
        _ => "the requested type",
    }
}

fn overflowed(message: &str) -> String {
    for (name, text) in [
        ("i16", "smallint"),
        ("i32", "integer"),
        ("i64", "bigint"),
        ("Int32", "integer"),
        ("Int64", "bigint"),
    ] {
        if message.contains(name) {
            return text.to_owned();
        }
    }
    "value".to_owned()
}

/// What is wrong with a vector, without the text that was refused.
impl From<VectorError> for Error {
    fn from(error: VectorError) -> Self {
        match error.sqlstate() {
            "22P02" => Self::InvalidText {
                type_name: "vector".to_owned(),
            },
            "22003" => Self::NumericOverflow("value for type vector".to_owned()),
            "54000" => Self::LimitExceeded(error.to_string()),
            "22004" => Self::NullElement,
            _ => Self::InvalidVector(error.to_string()),
        }
    }
}
