//! Builds a system relation's record batch column by column.

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    IntervalMonthDayNanoBuilder, ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
    UInt32Builder, new_null_array,
};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use arrow::error::ArrowError;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::declared::{Declared, NOT_NULL_KEY};

/// A value of a system relation.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// Any integer, OIDs included; narrowed to the column's type.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// An array or vector of integers.
    Ints(Vec<i64>),
    /// An array of texts.
    Texts(Vec<Cow<'a, str>>),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => {
        $(impl<'a> From<$from> for Value<'a> { fn from($v: $from) -> Self { $to } })*
    };
}
value_from! {
    bool => |v| Value::Bool(v),
    i16 => |v| Value::Int(i64::from(v)),
    i32 => |v| Value::Int(i64::from(v)),
    u32 => |v| Value::Int(i64::from(v)),
    i64 => |v| Value::Int(v),
    f64 => |v| Value::Float(v),
    &'a str => |v| Value::Text(Cow::Borrowed(v)),
    String => |v| Value::Text(Cow::Owned(v)),
    Vec<i64> => |v| Value::Ints(v),
    Vec<Cow<'a, str>> => |v| Value::Texts(v),
    Vec<String> => |v| Value::Texts(v.into_iter().map(Cow::Owned).collect()),
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(v: Option<T>) -> Self {
        v.map_or(Value::Null, Into::into)
    }
}

type Column<'a, T> = Box<dyn Fn(&'a T) -> Value<'a> + 'a>;

/// The rows of a relation: items, and for some columns how an item gives the value. Columns left out hold NULL, or what
/// PostgreSQL stores for "nothing" (0, false, '') where it declares NOT NULL.
pub(crate) struct Rows<'a, T> {
    declared: &'static Declared,
    items: &'a [T],
    columns: HashMap<&'static str, Column<'a, T>>,
}

impl<'a, T> Rows<'a, T> {
    /// Rows of `declared`, one per item.
    pub(crate) fn new(declared: &'static Declared, items: &'a [T]) -> Self {
        Self {
            declared,
            items,
            columns: HashMap::new(),
        }
    }

    /// Gives a column's values.
    pub(crate) fn column<V: Into<Value<'a>>>(
        mut self,
        name: &'static str,
        value: impl Fn(&'a T) -> V + 'a,
    ) -> Self {
        debug_assert!(
            self.declared.schema.field_with_name(name).is_ok(),
            "{} has no column {name}",
            self.declared.name
        );
        self.columns
            .insert(name, Box::new(move |item| value(item).into()));
        self
    }

    /// The record batch.
    ///
    /// # Errors
    /// An Arrow error if the columns do not fit together, which would be a defect.
    pub(crate) fn finish(self) -> Result<RecordBatch, ArrowError> {
        let columns =
            self.declared
                .schema
                .fields()
                .iter()
                .map(|field| match self.columns.get(field.name().as_str()) {
                    Some(value) => array(field.data_type(), self.items.iter().map(value)),
                    None => absent(field, self.items.len()),
                });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.items.len()));
        RecordBatch::try_new_with_options(self.declared.schema.clone(), columns, &options)
    }
}

fn absent(field: &Field, rows: usize) -> Result<ArrayRef, ArrowError> {
    if !field.metadata().contains_key(NOT_NULL_KEY) {
        return Ok(new_null_array(field.data_type(), rows));
    }
    let zero = match field.data_type() {
        DataType::Boolean => Value::Bool(false),
        DataType::Utf8 => Value::Text(Cow::Borrowed("")),
        DataType::Float32 | DataType::Float64 => Value::Float(0.0),
        DataType::List(element) if element.data_type() == &DataType::Utf8 => Value::Texts(Vec::new()),
        DataType::List(_) => Value::Ints(Vec::new()),
        _ => Value::Int(0),
    };
    array(field.data_type(), std::iter::repeat_n(zero, rows))
}

fn int(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(v) => Some(*v),
        _ => None,
    }
}

macro_rules! ints {
    ($builder:ty, $values:expr) => {{
        let mut b = <$builder>::new();
        for v in $values {
            b.append_option(int(&v).and_then(|v| v.try_into().ok()));
        }
        Ok(Arc::new(b.finish()) as ArrayRef)
    }};
}

macro_rules! int_lists {
    ($builder:ty, $values:expr) => {{
        let mut b = ListBuilder::new(<$builder>::new());
        for v in $values {
            match v {
                Value::Ints(items) => {
                    for item in items {
                        b.values().append_option(item.try_into().ok());
                    }
                    b.append(true);
                }
                _ => b.append(false),
            }
        }
        Ok(Arc::new(b.finish()) as ArrayRef)
    }};
}

/// An array of the given type; values that do not fit the type become NULL.
pub(crate) fn array<'a>(
    data_type: &DataType,
    values: impl Iterator<Item = Value<'a>>,
) -> Result<ArrayRef, ArrowError> {
    match data_type {
        DataType::Boolean => {
            let mut b = BooleanBuilder::new();
            for v in values {
                b.append_option(if let Value::Bool(v) = v { Some(v) } else { None });
            }
            Ok(Arc::new(b.finish()))
        }
        DataType::Int16 => ints!(Int16Builder, values),
        DataType::Int32 => ints!(Int32Builder, values),
        DataType::Int64 => ints!(Int64Builder, values),
        DataType::UInt32 => ints!(UInt32Builder, values),
        DataType::Float32 => {
            let mut b = Float32Builder::new();
            for v in values {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "PostgreSQL stores these estimates as float4"
                )]
                b.append_option(if let Value::Float(v) = v {
                    Some(v as f32)
                } else {
                    None
                });
            }
            Ok(Arc::new(b.finish()))
        }
        DataType::Float64 => {
            let mut b = Float64Builder::new();
            for v in values {
                b.append_option(if let Value::Float(v) = v { Some(v) } else { None });
            }
            Ok(Arc::new(b.finish()))
        }
        DataType::Utf8 => {
            let mut b = StringBuilder::new();
            for v in values {
                b.append_option(if let Value::Text(v) = v { Some(v) } else { None });
            }
            Ok(Arc::new(b.finish()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let mut b = TimestampMicrosecondBuilder::new();
            for v in values {
                b.append_option(int(&v));
            }
            Ok(Arc::new(b.finish().with_timezone_opt(zone.clone())))
        }
        // Intervals are given in seconds.
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let mut b = IntervalMonthDayNanoBuilder::new();
            for v in values {
                b.append_option(
                    int(&v).map(|seconds| {
                        IntervalMonthDayNano::new(0, 0, seconds.saturating_mul(1_000_000_000))
                    }),
                );
            }
            Ok(Arc::new(b.finish()))
        }
        DataType::List(element) => match element.data_type() {
            DataType::Int16 => int_lists!(Int16Builder, values),
            DataType::Int32 => int_lists!(Int32Builder, values),
            DataType::UInt32 => int_lists!(UInt32Builder, values),
            DataType::Utf8 => {
                let mut b = ListBuilder::new(StringBuilder::new());
                for v in values {
                    match v {
                        Value::Texts(items) => {
                            for item in items {
                                b.values().append_value(item);
                            }
                            b.append(true);
                        }
                        _ => b.append(false),
                    }
                }
                Ok(Arc::new(b.finish()))
            }
            _ => Ok(new_null_array(data_type, values.count())),
        },
        _ => Ok(new_null_array(data_type, values.count())),
    }
}
