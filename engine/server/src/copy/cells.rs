//! The values of one column, from PostgreSQL's text or binary form straight into an Arrow array.

use arrow::array::NullBufferBuilder;
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, FixedSizeListArray, Float32Array, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
};
use arrow::datatypes::{DataType, Field};
use radlake::vectors::{self, VectorError};
use radlake::{Error, ScalarValue};

use crate::wire::parameters::{Invalid, Source, read, vector};
use crate::wire::{Format, VECTOR, Zone, pg_type_of};

/// A column that is being read.
pub(crate) struct Cells {
    oid: u32,
    target: DataType,
    values: Values,
}

enum Values {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Date(Date32Builder),
    Text(StringBuilder),
    /// Vectors of known dimensions: their elements, and which rows are not NULL.
    Vector(Vec<f32>, NullBufferBuilder, i32),
    /// Everything else, value by value.
    Other(Vec<ScalarValue>),
}

fn refused(invalid: Invalid) -> Error {
    match invalid {
        Invalid::Syntax(kind @ ("date" | "time" | "timestamp" | "timestamp with time zone" | "interval")) => {
            Error::InvalidDatetime {
                type_name: kind.to_owned(),
            }
        }
        Invalid::Syntax(kind) => syntax(kind),
        Invalid::Range("date" | "time" | "timestamp" | "timestamp with time zone" | "interval") => {
            Error::DatetimeOverflow
        }
        Invalid::Range(kind) => Error::NumericOverflow(kind.to_owned()),
        Invalid::Binary => Error::BinaryFormat("incorrect binary data format".to_owned()),
        Invalid::Encoding => encoding(),
        Invalid::Vector(error) => error.into(),
        Invalid::Unsupported(what) => Error::Unsupported {
            what: what.to_owned(),
            hint: None,
        },
        Invalid::Cast(_) => Error::NumericOverflow("value".to_owned()),
    }
}

fn syntax(kind: &str) -> Error {
    Error::InvalidText {
        type_name: kind.to_owned(),
    }
}

fn encoding() -> Error {
    Error::Encoding("UTF8".to_owned())
}

impl Cells {
    pub(crate) fn new(field: &Field, rows: usize) -> Self {
        let oid = pg_type_of(field).oid;
        let target = field.data_type().clone();
        let values = match (oid, &target) {
            (16, DataType::Boolean) => Values::Bool(BooleanBuilder::with_capacity(rows)),
            (21, DataType::Int16) => Values::Int16(Int16Builder::with_capacity(rows)),
            (23, DataType::Int32) => Values::Int32(Int32Builder::with_capacity(rows)),
            (20, DataType::Int64) => Values::Int64(Int64Builder::with_capacity(rows)),
            (700, DataType::Float32) => Values::Float32(Float32Builder::with_capacity(rows)),
            (701, DataType::Float64) => Values::Float64(Float64Builder::with_capacity(rows)),
            (1082, DataType::Date32) => Values::Date(Date32Builder::with_capacity(rows)),
            (25 | 1042 | 1043, DataType::Utf8) => Values::Text(StringBuilder::with_capacity(rows, rows * 16)),
            (VECTOR, vector) if let Some(dimensions) = vectors::dimensions(vector) => {
                Values::Vector(Vec::new(), NullBufferBuilder::new(rows), dimensions)
            }
            _ => Values::Other(Vec::with_capacity(rows)),
        };
        Self { oid, target, values }
    }

    pub(crate) fn null(&mut self) -> Result<(), Error> {
        match &mut self.values {
            Values::Bool(values) => values.append_null(),
            Values::Int16(values) => values.append_null(),
            Values::Int32(values) => values.append_null(),
            Values::Int64(values) => values.append_null(),
            Values::Float32(values) => values.append_null(),
            Values::Float64(values) => values.append_null(),
            Values::Date(values) => values.append_null(),
            Values::Text(values) => values.append_null(),
            Values::Vector(values, valid, dimensions) => {
                values.resize(values.len() + width(*dimensions), 0.0);
                valid.append_null();
            }
            Values::Other(values) => values.push(ScalarValue::try_from(&self.target)?),
        }
        Ok(())
    }

    /// Appends a value from its text. On an error nothing is appended.
    pub(crate) fn text(&mut self, bytes: &[u8], zone: &Zone) -> Result<(), Error> {
        match &mut self.values {
            Values::Int16(values) => {
                values.append_value(integer(bytes, "smallint", i16::MIN.into(), i16::MAX.into())? as i16)
            }
            Values::Int32(values) => {
                values.append_value(integer(bytes, "integer", i32::MIN.into(), i32::MAX.into())? as i32)
            }
            Values::Int64(values) => values.append_value(integer(bytes, "bigint", i64::MIN, i64::MAX)?),
            Values::Float32(values) => {
                let text = plain(bytes, "real")?;
                let value: f32 = text.parse().map_err(|_| syntax("real"))?;
                if value.is_infinite() && !text.contains(['i', 'I']) {
                    return Err(Error::NumericOverflow("real".to_owned()));
                }
                values.append_value(value);
            }
            Values::Float64(values) => {
                let text = plain(bytes, "double precision")?;
                let value: f64 = text.parse().map_err(|_| syntax("double precision"))?;
                if value.is_infinite() && !text.contains(['i', 'I']) {
                    return Err(Error::NumericOverflow("double precision".to_owned()));
                }
                values.append_value(value);
            }
            Values::Text(values) => {
                let text = std::str::from_utf8(bytes).map_err(|_| encoding())?;
                if memchr::memchr(0, bytes).is_some() {
                    return Err(encoding());
                }
                values.append_value(text);
            }
            Values::Date(values) => match day(bytes) {
                Some(day) => values.append_value(day),
                None => return self.general(bytes, Format::Text, zone),
            },
            _ => return self.general(bytes, Format::Text, zone),
        }
        Ok(())
    }

    /// Appends a value from its binary form.
    pub(crate) fn binary(&mut self, bytes: &[u8], zone: &Zone) -> Result<(), Error> {
        match &mut self.values {
            Values::Text(_) => self.text(bytes, zone),
            _ => self.general(bytes, Format::Binary, zone),
        }
    }

    fn general(&mut self, bytes: &[u8], format: Format, zone: &Zone) -> Result<(), Error> {
        let source = Source {
            oid: self.oid,
            format,
            zone,
        };
        if let Values::Vector(values, valid, dimensions) = &mut self.values {
            let read = vector::read(bytes, format).map_err(refused)?;
            let expected = width(*dimensions);
            if read.len() != expected {
                let found = read.len();
                return Err(VectorError::WrongDimensions { expected, found }.into());
            }
            values.extend(read);
            valid.append_non_null();
            return Ok(());
        }
        let json = match (self.oid, format) {
            (114, _) | (3802, Format::Text) => Some(bytes),
            (3802, Format::Binary) => bytes.get(1..),
            _ => None,
        };
        if json.is_some_and(|json| serde_json::from_slice::<serde::de::IgnoredAny>(json).is_err()) {
            return Err(syntax("json"));
        }
        let value = read(Some(bytes), &source, &self.target).map_err(refused)?;
        match (&mut self.values, value) {
            (Values::Bool(values), ScalarValue::Boolean(value)) => values.append_option(value),
            (Values::Int16(values), ScalarValue::Int16(value)) => values.append_option(value),
            (Values::Int32(values), ScalarValue::Int32(value)) => values.append_option(value),
            (Values::Int64(values), ScalarValue::Int64(value)) => values.append_option(value),
            (Values::Float32(values), ScalarValue::Float32(value)) => values.append_option(value),
            (Values::Float64(values), ScalarValue::Float64(value)) => values.append_option(value),
            (Values::Date(values), ScalarValue::Date32(value)) => values.append_option(value),
            (Values::Text(values), ScalarValue::Utf8(value)) => values.append_option(value),
            (Values::Other(values), value) => values.push(value),
            _ => return Err(Error::NumericOverflow("value".to_owned())),
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<ArrayRef, Error> {
        use std::sync::Arc;
        Ok(match self.values {
            Values::Bool(mut values) => Arc::new(values.finish()),
            Values::Int16(mut values) => Arc::new(values.finish()),
            Values::Int32(mut values) => Arc::new(values.finish()),
            Values::Int64(mut values) => Arc::new(values.finish()),
            Values::Float32(mut values) => Arc::new(values.finish()),
            Values::Float64(mut values) => Arc::new(values.finish()),
            Values::Date(mut values) => Arc::new(values.finish()),
            Values::Text(mut values) => Arc::new(values.finish()),
            Values::Vector(values, mut valid, dimensions) => {
                let DataType::FixedSizeList(item, _) = &self.target else {
                    return Err(Error::Internal("a vector's column of another type".to_owned()));
                };
                let elements = Arc::new(Float32Array::from(values));
                let list =
                    FixedSizeListArray::try_new(Arc::clone(item), dimensions, elements, valid.finish());
                Arc::new(list.map_err(super::fields::arrow_error)?)
            }
            Values::Other(values) if values.is_empty() => arrow::array::new_empty_array(&self.target),
            Values::Other(values) => ScalarValue::iter_to_array(values)?,
        })
    }
}

fn width(dimensions: i32) -> usize {
    usize::try_from(dimensions).unwrap_or_default()
}

fn plain<'a>(bytes: &'a [u8], kind: &str) -> Result<&'a str, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| syntax(kind))?;
    Ok(text.trim())
}

/// A decimal integer with blanks around it.
fn integer(bytes: &[u8], kind: &str, least: i64, most: i64) -> Result<i64, Error> {
    let digits = bytes.trim_ascii();
    let (negative, digits) = match digits.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(syntax(kind));
    }
    let range = || Error::NumericOverflow(kind.to_owned());
    let mut value: i64 = 0;
    // Below zero there is one number more.
    for digit in digits {
        let digit = i64::from(digit - b'0');
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_sub(digit))
            .ok_or_else(range)?;
    }
    let value = match negative {
        true => value,
        false => value.checked_neg().ok_or_else(range)?,
    };
    match (least..=most).contains(&value) {
        true => Ok(value),
        false => Err(range()),
    }
}

/// `2026-11-24` as days since 1970; other forms take the long way.
fn day(bytes: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let year = ((digit(y1)? * 10 + digit(y2)?) * 10 + digit(y3)?) * 10 + digit(y4)?;
    let (month, day) = (digit(m1)? * 10 + digit(m2)?, digit(d1)? * 10 + digit(d2)?);
    let date = chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    i32::try_from(
        date.signed_duration_since(chrono::NaiveDate::default())
            .num_days(),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Date32Type, Int32Type};

    use super::*;

    #[test]
    fn texts_become_values_of_their_type() {
        let mut cells = Cells::new(&Field::new("a", DataType::Int32, true), 4);
        for text in ["1", " -2147483648 ", "+7"] {
            cells.text(text.as_bytes(), &Zone::Utc).unwrap();
        }
        cells.null().unwrap();
        for (text, range) in [
            ("2147483648", true),
            ("99999999999999999999", true),
            ("1.0", false),
            ("", false),
            ("-", false),
        ] {
            let error = cells.text(text.as_bytes(), &Zone::Utc).unwrap_err();
            assert_eq!(
                matches!(error, Error::NumericOverflow(_)),
                range,
                "{text}: {error}"
            );
        }
        let array = cells.finish().unwrap();
        assert_eq!(
            array.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(),
            [Some(1), Some(i32::MIN), Some(7), None]
        );
        let mut cells = Cells::new(&Field::new("a", DataType::Date32, true), 4);
        for text in ["1970-01-02", "2000-2-29", "0001-01-01"] {
            cells
                .text(text.as_bytes(), &Zone::Utc)
                .unwrap_or_else(|error| panic!("{text}: {error}"));
        }
        assert!(cells.text(b"2001-02-29", &Zone::Utc).is_err());
        let array = cells.finish().unwrap();
        assert_eq!(array.as_primitive::<Date32Type>().values(), &[1, 11016, -719_162]);
    }
}
