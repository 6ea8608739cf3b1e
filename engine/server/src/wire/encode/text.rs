//! text, varchar, name, json, jsonb and uuid held as strings; and what has no type of its own in PostgreSQL.

use arrow::array::{ArrayRef, GenericStringArray, OffsetSizeTrait, StringViewArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::{BufMut, BytesMut};

use super::{EncodeError, Format, Result, Value};
use crate::wire::types::{JSONB, PgType, UUID, VECTOR};

/// An array whose values are strings.
pub(super) trait Strings: Send + Sync + 'static {
    fn at(&self, row: usize) -> &str;
}

impl<O: OffsetSizeTrait> Strings for GenericStringArray<O> {
    #[inline]
    fn at(&self, row: usize) -> &str {
        self.value(row)
    }
}

impl Strings for StringViewArray {
    #[inline]
    fn at(&self, row: usize) -> &str {
        self.value(row)
    }
}

struct Text<A>(A);
struct Jsonb<A>(A);
struct Uuid<A>(A);

/// Strings of any Arrow layout.
pub(super) fn utf8<A: Strings>(array: A, pg: &PgType, format: Format) -> Box<dyn Value> {
    match (format, pg.oid) {
        (Format::Binary, JSONB) => Box::new(Jsonb(array)),
        (Format::Binary, UUID) => Box::new(Uuid(array)),
        (Format::Binary, VECTOR) => super::vector::binary(array),
        _ => Box::new(Text(array)),
    }
}

impl<A: Strings> Value for Text<A> {
    #[inline]
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_slice(self.0.at(row).as_bytes());
        Ok(())
    }

    #[inline]
    fn put(&self, row: usize, out: &mut BytesMut) -> Result {
        let bytes = self.0.at(row).as_bytes();
        out.put_i32(i32::try_from(bytes.len()).map_err(|_| EncodeError::TooLong(bytes.len()))?);
        out.put_slice(bytes);
        Ok(())
    }
}

impl<A: Strings> Value for Jsonb<A> {
    /// The version of jsonb's format, then its text.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(1);
        out.put_slice(self.0.at(row).as_bytes());
        Ok(())
    }
}

impl<A: Strings> Value for Uuid<A> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let mut digits = self
            .0
            .at(row)
            .bytes()
            .filter(|b| *b != b'-')
            .map(|b| (b as char).to_digit(16));
        let mut bytes = [0u8; 16];
        for byte in &mut bytes {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(EncodeError::OutOfRange("uuid"));
            };
            *byte = (high * 16 + low) as u8;
        }
        out.put_slice(&bytes);
        Ok(())
    }
}

struct Display(ArrayRef);

/// Arrow's own text of types that PostgreSQL does not know (maps, unions), and of nulls without a type.
pub(super) fn display(array: &ArrayRef, _: Format) -> Box<dyn Value> {
    Box::new(Display(array.clone()))
}

impl Value for Display {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let formatter = ArrayFormatter::try_new(self.0.as_ref(), &FormatOptions::default())?;
        out.put_slice(formatter.value(row).try_to_string()?.as_bytes());
        Ok(())
    }
}
