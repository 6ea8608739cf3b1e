//! Kinds of arguments, and the types to which they are brought.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::roi::{roi_type, volume_type};

/// What an argument may be. A literal NULL may be any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A region: [`roi_type`].
    Roi,
    /// A region or a volume.
    Image,
    /// A code: a struct of value, scheme and meaning.
    Code,
    /// Brought to float8.
    Number,
    /// Brought to int8.
    Integer,
    /// Brought to an array of float8.
    Numbers,
    /// Brought to text in Arrow's plain encoding.
    Text,
    /// A timestamp, with a zone or without: all of a call alike.
    Instant,
}

impl Kind {
    fn wanted(self) -> &'static str {
        match self {
            Self::Roi => "a region (imaging.regions.roi)",
            Self::Image => "a region or a volume (imaging.regions.roi, imaging.volumes.volume)",
            Self::Code => "a code (value, scheme, meaning)",
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Numbers => "an array of numbers",
            Self::Text => "a text",
            Self::Instant => "a timestamp",
        }
    }

    fn coerce(self, given: &DataType) -> Option<DataType> {
        if given.is_null() {
            return Some(DataType::Null);
        }
        match (self, given) {
            (Self::Roi, _) => roi(given),
            (Self::Image, _) => roi(given).or_else(|| like(given, volume_type())),
            (Self::Code, _) => like(given, code_type()),
            (Self::Number, _) => given.is_numeric().then_some(DataType::Float64),
            (Self::Integer, _) => given.is_integer().then_some(DataType::Int64),
            (Self::Text, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => Some(DataType::Utf8),
            (Self::Instant, DataType::Timestamp(_, zone)) => Some(instant(zone.is_some())),
            // A literal of no type yet, as in PostgreSQL.
            (Self::Instant, DataType::Utf8 | DataType::Utf8View) => Some(instant(false)),
            (
                Self::Numbers,
                DataType::List(item)
                | DataType::LargeList(item)
                | DataType::ListView(item)
                | DataType::LargeListView(item)
                | DataType::FixedSizeList(item, _),
            ) => {
                let number = item.data_type().is_numeric() || item.data_type().is_null();
                number.then(|| list(DataType::Float64))
            }
            _ => None,
        }
    }
}

/// A region; one that somebody put together need not say how much of its image it shows.
fn roi(given: &DataType) -> Option<DataType> {
    let wanted = roi_type();
    let bare = match &wanted {
        DataType::Struct(fields) => fields.iter().filter(|f| f.name() != "margin").cloned().collect(),
        _ => Fields::empty(),
    };
    like(given, wanted).or_else(|| like(given, DataType::Struct(bare)))
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(of, true)))
}

fn instant(zone: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.then(|| "UTC".into()))
}

fn code_type() -> DataType {
    let field = |name| Field::new(name, DataType::Utf8, true);
    DataType::Struct(["value", "scheme", "meaning"].map(field).to_vec().into())
}

/// `wanted`, if a struct has its fields, in its order and of its kind: a table that keeps images may hold texts, bytes and lists in other encodings.
fn like(given: &DataType, wanted: DataType) -> Option<DataType> {
    let (DataType::Struct(given), DataType::Struct(fields)) = (given, &wanted) else {
        return None;
    };
    let fits = given.len() == fields.len() && given.iter().zip(fields).all(|(a, b)| a.name() == b.name());
    (fits && alike(given, fields)).then_some(wanted)
}

fn alike(given: &Fields, wanted: &Fields) -> bool {
    given.iter().zip(wanted).all(|(given, wanted)| {
        let given = given.data_type();
        given.is_null()
            || match wanted.data_type() {
                DataType::Utf8 => given.is_string(),
                DataType::Binary => {
                    matches!(
                        given,
                        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
                    )
                }
                DataType::Int32 => given.is_integer(),
                _ => match given {
                    DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                        item.data_type().is_numeric()
                    }
                    _ => false,
                },
            }
    })
}

/// The types to which arguments are brought.
///
/// # Errors
/// An argument that is of another kind; timestamps with and without a zone in one call, as their difference depends on a zone.
pub(crate) fn coerce_all(function: &str, kinds: &[Kind], given: &[DataType]) -> Result<Vec<DataType>> {
    let mut zones = [false; 2];
    let mut coerced = Vec::with_capacity(given.len());
    for (kind, given) in kinds.iter().zip(given) {
        let Some(to) = kind.coerce(given) else {
            return plan_err!("{function}: {} is wanted, not {given}", kind.wanted());
        };
        if let DataType::Timestamp(_, zone) = &to {
            zones[usize::from(zone.is_some())] = true;
        }
        coerced.push(to);
    }
    if zones == [true; 2] {
        return plan_err!("{function}: timestamps are wanted that all have a zone, or all have none");
    }
    Ok(coerced)
}
