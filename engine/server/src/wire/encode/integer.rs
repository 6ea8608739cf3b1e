//! bool, int2, int4, int8 and oid.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::ArrowNativeType;
use bytes::{BufMut, BytesMut};

use super::{Format, Result, Value};
use crate::wire::types::PgType;

struct BooleanText(BooleanArray);
struct BooleanBinary(BooleanArray);

/// `t` and `f`, or one byte.
pub(super) fn boolean(array: &BooleanArray, format: Format) -> Box<dyn Value> {
    match format {
        Format::Text => Box::new(BooleanText(array.clone())),
        Format::Binary => Box::new(BooleanBinary(array.clone())),
    }
}

impl Value for BooleanText {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(if self.0.value(row) { b't' } else { b'f' });
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

impl Value for BooleanBinary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(u8::from(self.0.value(row)));
        Ok(())
    }
}

struct Text<T: ArrowNativeType>(ScalarBuffer<T>);
struct Binary2<T: ArrowNativeType>(ScalarBuffer<T>);
struct Binary4<T: ArrowNativeType>(ScalarBuffer<T>);
struct Binary8<T: ArrowNativeType>(ScalarBuffer<T>);

/// Integers whose width on the wire is that of their PostgreSQL type.
pub(super) fn writer<T>(array: &ArrayRef, pg: &PgType, format: Format) -> Box<dyn Value>
where
    T: ArrowPrimitiveType,
    T::Native: Into<i64>,
{
    let values = array.as_primitive::<T>().values().clone();
    match (format, pg.len) {
        (Format::Text, _) => Box::new(Text(values)),
        (Format::Binary, 2) => Box::new(Binary2(values)),
        (Format::Binary, 4) => Box::new(Binary4(values)),
        // A text-like type over an integer has no binary form of its own but its digits.
        (Format::Binary, len) if len < 0 => Box::new(Text(values)),
        (Format::Binary, _) => Box::new(Binary8(values)),
    }
}

/// Appends a decimal number.
#[inline]
pub(super) fn put_decimal(number: i64, out: &mut BytesMut) {
    let mut digits = [0u8; 20];
    out.put_slice(lexical_core::write(number, &mut digits));
}

impl<T: ArrowNativeType + Into<i64>> Value for Text<T> {
    #[inline]
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        put_decimal(self.0[row].into(), out);
        Ok(())
    }

    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        let mut digits = [0u8; 20];
        let digits = lexical_core::write::<i64>(self.0[row].into(), &mut digits);
        out.put_i32(digits.len() as i32);
        out.put_slice(digits);
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

/// The width was chosen for the column's type, so a value outside it is a fault of the query's types.
macro_rules! binary {
    ($name:ident, $native:ty, $what:literal) => {
        impl<T: ArrowNativeType + Into<i64>> Value for $name<T> {
            #[inline]
            fn write(&self, row: usize, out: &mut BytesMut) -> Result {
                let wide: i64 = self.0[row].into();
                let value = <$native>::try_from(wide)
                    .or_else(|_| u32::try_from(wide).map(|v| v as $native))
                    .map_err(|_| super::EncodeError::OutOfRange($what))?;
                out.put_slice(&value.to_be_bytes());
                Ok(())
            }

            #[inline]
            fn put(&self, row: usize, out: &mut BytesMut) -> Result {
                let at = out.len();
                out.put_i32(size_of::<$native>() as i32);
                self.write(row, out).inspect_err(|_| out.truncate(at))
            }
        }
    };
}

binary!(Binary2, i16, "smallint");
binary!(Binary4, i32, "integer");
binary!(Binary8, i64, "bigint");
