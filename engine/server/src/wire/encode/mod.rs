//! Arrow columns to PostgreSQL's text and binary values, straight into the socket's buffer.
//!
//! A result's columns are bound once per batch ([`RowEncoder::bind`]); after that every value is written at
//! the end of one growing buffer, with its length patched in afterwards. No row object, no string per value.
//! What PostgreSQL 15 defines is written as PostgreSQL 15 writes it, to the byte.

mod bytes;
mod datetime;
mod float;
mod integer;
mod interval;
mod nested;
mod numeric;
mod text;
mod vector;
mod zone;

#[cfg(test)]
mod oracle;

use ::bytes::{BufMut, BytesMut};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use radlake::numerics;

use super::types::{PgType, VECTOR, pg_type_of};
pub(crate) use zone::Zone;

/// How one column goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// PostgreSQL's text representation (format code 0).
    Text,
    /// PostgreSQL's binary representation (format code 1).
    Binary,
}

impl Format {
    /// The code that stands in RowDescription and Bind.
    pub(crate) fn code(self) -> i16 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }
}

/// The session settings that change how a value is written.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// `TimeZone`: in which a timestamptz is shown.
    pub(crate) zone: Zone,
    /// `bytea_output = escape` instead of `hex`.
    pub(crate) bytea_escape: bool,
    /// `extra_float_digits`: above 0 the shortest exact form, otherwise 15 (or 6) digits plus this number.
    pub(crate) extra_float_digits: i32,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            zone: Zone::Utc,
            bytea_escape: false,
            extra_float_digits: 1,
        }
    }
}

/// A value that PostgreSQL's protocol cannot carry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// Outside PostgreSQL's range of the type.
    #[error("{0} out of range")]
    OutOfRange(&'static str),
    /// A list of lists whose inner lists differ in length.
    #[error("multidimensional arrays must have sub-arrays with matching dimensions")]
    Ragged,
    /// A vector of another writer's, with an element that is NULL.
    #[error("array must not contain nulls")]
    NullElement,
    /// Over the protocol's limit of one gigabyte per row.
    #[error("a row of {0} bytes exceeds the protocol's limit of 1 GB: select fewer or shorter columns")]
    TooLong(usize),
    /// Arrow could not turn the value into text.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

type Result<T = (), E = EncodeError> = std::result::Result<T, E>;

/// The values of one array in one format.
trait Value: Send + Sync {
    /// Appends the value at `row`, which is not null, without its length.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result;

    /// Appends the value with its length before it.
    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        let at = out.len();
        out.put_i32(0);
        self.write(row, out)?;
        patch_length(out, at)
    }

    /// True if the text form never needs quotes inside an array or composite literal.
    fn bare(&self) -> bool {
        false
    }
}

/// Writes the number of bytes that follow the four at `at` into them.
fn patch_length(out: &mut BytesMut, at: usize) -> Result {
    let length = out.len() - at - 4;
    let short = i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?;
    out[at..at + 4].copy_from_slice(&short.to_be_bytes());
    Ok(())
}

/// An array bound to its writer.
struct Column {
    nulls: Option<NullBuffer>,
    value: Box<dyn Value>,
}

impl Column {
    fn new(array: &ArrayRef, pg: &PgType, format: Format, style: &Style) -> Result<Self> {
        Ok(Self {
            nulls: array.logical_nulls(),
            value: value(array, pg, format, style)?,
        })
    }

    #[inline]
    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    #[inline]
    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        if self.is_null(row) {
            out.put_i32(-1);
            Ok(())
        } else {
            self.value.put(row, out)
        }
    }
}

/// Writes the rows of one result.
pub(crate) struct RowEncoder {
    columns: Vec<(PgType, Format)>,
    style: Style,
}

/// A batch whose columns are bound to their writers.
pub(crate) struct BoundBatch {
    columns: Vec<Column>,
    rows: usize,
}

impl RowEncoder {
    /// `formats` holds one entry per field of `schema`.
    pub(crate) fn new(schema: &Schema, formats: &[Format], style: Style) -> Self {
        let columns = schema
            .fields()
            .iter()
            .zip(formats)
            .map(|(f, format)| (pg_type_of(f), *format))
            .collect();
        Self { columns, style }
    }

    /// All columns as text.
    pub(crate) fn text(schema: &Schema, style: Style) -> Self {
        Self::new(schema, &vec![Format::Text; schema.fields().len()], style)
    }

    /// Finds each column's writer.
    pub(crate) fn bind(&self, batch: &RecordBatch) -> Result<BoundBatch> {
        let columns = batch
            .columns()
            .iter()
            .zip(&self.columns)
            .map(|(array, (pg, format))| Column::new(array, pg, *format, &self.style))
            .collect::<Result<_>>()?;
        Ok(BoundBatch {
            columns,
            rows: batch.num_rows(),
        })
    }
}

impl BoundBatch {
    /// Rows in the batch.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends one value without its length; false, and nothing, for NULL.
    pub(crate) fn text(&self, column: usize, row: usize, out: &mut BytesMut) -> Result<bool> {
        let column = &self.columns[column];
        if column.is_null(row) {
            return Ok(false);
        }
        column.value.write(row, out).map(|()| true)
    }

    /// Appends the DataRow message of `row`; on an error nothing is appended.
    pub(crate) fn data_row(&self, row: usize, out: &mut BytesMut) -> Result {
        let start = out.len();
        let written = self.data_row_inner(row, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn data_row_inner(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(b'D');
        let at = out.len();
        out.put_i32(0);
        out.put_i16(i16::try_from(self.columns.len()).unwrap_or(i16::MAX));
        for column in &self.columns {
            column.put(row, out)?;
        }
        let length = out.len() - at;
        if length > MAX_ROW {
            return Err(EncodeError::TooLong(length));
        }
        let short = i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?;
        out[at..at + 4].copy_from_slice(&short.to_be_bytes());
        Ok(())
    }
}

/// libpq and the JDBC driver refuse messages over one gigabyte.
const MAX_ROW: usize = 0x3fff_ffff;

/// The writer of an array: its Arrow type says how to read it, its PostgreSQL type what to write.
fn value(array: &ArrayRef, pg: &PgType, format: Format, style: &Style) -> Result<Box<dyn Value>> {
    Ok(match (array.data_type(), format) {
        (DataType::Dictionary(..), _) => dictionary(array, pg, format, style)?,
        (DataType::RunEndEncoded(_, values), _) => {
            let flat = arrow::compute::cast(array, values.data_type())?;
            value(&flat, pg, format, style)?
        }
        (DataType::Null, _) => text::display(array, format),
        (DataType::Boolean, _) => integer::boolean(array.as_boolean(), format),
        (DataType::Int8, _) => integer::writer::<Int8Type>(array, pg, format),
        (DataType::Int16, _) => integer::writer::<Int16Type>(array, pg, format),
        (DataType::Int32, _) => integer::writer::<Int32Type>(array, pg, format),
        (DataType::Int64, _) => integer::writer::<Int64Type>(array, pg, format),
        (DataType::UInt8, _) => integer::writer::<UInt8Type>(array, pg, format),
        (DataType::UInt16, _) => integer::writer::<UInt16Type>(array, pg, format),
        (DataType::UInt32, _) => integer::writer::<UInt32Type>(array, pg, format),
        (DataType::UInt64, _) => numeric::from_u64(array.as_primitive::<UInt64Type>(), pg, format),
        (DataType::Float16, _) => float::float4(
            array
                .as_primitive::<Float16Type>()
                .iter()
                .map(|v| v.map_or(0.0, f32::from))
                .collect(),
            format,
            style,
        ),
        (DataType::Float32, _) => float::float4(
            array.as_primitive::<Float32Type>().values().clone(),
            format,
            style,
        ),
        (DataType::Float64, _) => float::float8(
            array.as_primitive::<Float64Type>().values().clone(),
            format,
            style,
        ),
        (DataType::Decimal32(_, scale), _) => numeric::writer::<Decimal32Type>(array, *scale, format),
        (DataType::Decimal64(_, scale), _) => numeric::writer::<Decimal64Type>(array, *scale, format),
        (of @ DataType::Decimal128(_, scale), _) if numerics::is_open(of) => {
            numeric::writer_without_zeros(array, *scale, format)
        }
        (DataType::Decimal128(_, scale), _) => numeric::writer::<Decimal128Type>(array, *scale, format),
        (DataType::Decimal256(_, scale), _) => numeric::writer::<Decimal256Type>(array, *scale, format),
        (DataType::Utf8, _) => text::utf8(array.as_string::<i32>().clone(), pg, format),
        (DataType::LargeUtf8, _) => text::utf8(array.as_string::<i64>().clone(), pg, format),
        (DataType::Utf8View, _) => text::utf8(array.as_string_view().clone(), pg, format),
        (DataType::Binary, _) => bytes::writer(array.as_binary::<i32>().clone(), pg, format, style),
        (DataType::LargeBinary, _) => bytes::writer(array.as_binary::<i64>().clone(), pg, format, style),
        (DataType::BinaryView, _) => bytes::writer(array.as_binary_view().clone(), pg, format, style),
        (DataType::FixedSizeBinary(_), _) => {
            bytes::writer(array.as_fixed_size_binary().clone(), pg, format, style)
        }
        (DataType::Date32, _) => datetime::date(
            array
                .as_primitive::<Date32Type>()
                .values()
                .iter()
                .map(|d| i64::from(*d))
                .collect(),
            format,
        ),
        (DataType::Date64, _) => datetime::date(
            array
                .as_primitive::<Date64Type>()
                .values()
                .iter()
                .map(|ms| ms.div_euclid(86_400_000))
                .collect(),
            format,
        ),
        (DataType::Time32(unit) | DataType::Time64(unit), _) => datetime::time(array, *unit, format)?,
        (DataType::Timestamp(unit, zone), _) => {
            datetime::timestamp(array, *unit, zone.as_ref().map(|_| style.zone.clone()), format)?
        }
        (DataType::Interval(unit), _) => interval::interval(array, *unit, format),
        (DataType::Duration(unit), _) => interval::duration(array, *unit, format)?,
        (DataType::FixedSizeList(..), _) if pg.oid == VECTOR => match vector::fixed(array, format) {
            Some(vector) => vector,
            None => nested::list(array, pg, format, style)?,
        },
        (
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_),
            _,
        ) => nested::list(array, pg, format, style)?,
        (DataType::Struct(_), _) => nested::composite(array.as_struct(), pg, format, style)?,
        (DataType::Map(..) | DataType::Union(..), _) => text::display(array, format),
    })
}

/// A dictionary's values are bound once; a row goes through its key.
struct Dictionary {
    keys: Vec<usize>,
    values: Box<dyn Value>,
}

impl Value for Dictionary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        self.values.write(self.keys[row], out)
    }

    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        self.values.put(self.keys[row], out)
    }

    fn bare(&self) -> bool {
        self.values.bare()
    }
}

fn dictionary(array: &ArrayRef, pg: &PgType, format: Format, style: &Style) -> Result<Box<dyn Value>> {
    let any = array.as_any_dictionary();
    // A null key may hold any number: it is never looked up, since `Column` asks the logical nulls first.
    let keys = any.normalized_keys();
    Ok(Box::new(Dictionary {
        keys,
        values: value(any.values(), pg, format, style)?,
    }))
}
