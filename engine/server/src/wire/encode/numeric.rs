//! numeric: Arrow's decimals of every width, exactly.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{ArrowNativeType, Decimal128Type, UInt64Type, i256};
use bytes::{BufMut, BytesMut};

use super::{Format, Result, Value};
use crate::wire::types::PgType;

/// An unscaled decimal as its digits.
pub(super) trait Unscaled: Copy + Send + Sync {
    /// Writes the absolute value's digits at the front of `buffer`; returns their number and whether it is negative.
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool);
}

impl Unscaled for i128 {
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool) {
        (
            lexical_core::write(self.unsigned_abs(), &mut buffer[..]).len(),
            self < 0,
        )
    }
}

impl Unscaled for i32 {
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool) {
        i128::from(self).digits(buffer)
    }
}

impl Unscaled for i64 {
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool) {
        (
            lexical_core::write(self.unsigned_abs(), &mut buffer[..]).len(),
            self < 0,
        )
    }
}

impl Unscaled for u64 {
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool) {
        (lexical_core::write(self, &mut buffer[..]).len(), false)
    }
}

impl Unscaled for i256 {
    fn digits(self, buffer: &mut [u8; 80]) -> (usize, bool) {
        let shown = self.to_string();
        let digits = shown.trim_start_matches('-').as_bytes();
        buffer[..digits.len()].copy_from_slice(digits);
        (digits.len(), shown.starts_with('-'))
    }
}

struct Text<T: ArrowNativeType>(ScalarBuffer<T>, i8);
struct Binary<T: ArrowNativeType>(ScalarBuffer<T>, i8);

/// Decimals of a type without a scale: see [`radlake::numerics`].
struct WithoutZeros {
    values: ScalarBuffer<i128>,
    scale: i8,
    format: Format,
}

/// Decimals whose scale is none of the user's.
pub(super) fn writer_without_zeros(array: &ArrayRef, scale: i8, format: Format) -> Box<dyn Value> {
    let values = array.as_primitive::<Decimal128Type>().values().clone();
    Box::new(WithoutZeros {
        values,
        scale,
        format,
    })
}

/// Decimals of a fixed scale.
pub(super) fn writer<T: ArrowPrimitiveType>(array: &ArrayRef, scale: i8, format: Format) -> Box<dyn Value>
where
    T::Native: Unscaled,
{
    let values = array.as_primitive::<T>().values().clone();
    match format {
        Format::Text => Box::new(Text(values, scale)),
        Format::Binary => Box::new(Binary(values, scale)),
    }
}

/// Unsigned 64-bit integers, which only numeric can hold in PostgreSQL; `oid`-like types keep their width.
pub(super) fn from_u64(array: &PrimitiveArray<UInt64Type>, pg: &PgType, format: Format) -> Box<dyn Value> {
    let values = array.values().clone();
    match (format, pg.len) {
        (Format::Binary, 4) => Box::new(Fixed::<4>(values)),
        (Format::Binary, 8) => Box::new(Fixed::<8>(values)),
        (Format::Binary, _) => Box::new(Binary(values, 0)),
        (Format::Text, _) => Box::new(Text(values, 0)),
    }
}

struct Fixed<const N: usize>(ScalarBuffer<u64>);

impl<const N: usize> Value for Fixed<N> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let value = self.0[row];
        let fits = if N == 4 {
            u32::try_from(value).is_ok()
        } else {
            i64::try_from(value).is_ok()
        };
        if !fits {
            return Err(super::EncodeError::OutOfRange("unsigned integer"));
        }
        out.put_slice(&value.to_be_bytes()[8 - N..]);
        Ok(())
    }
}

impl<T: ArrowNativeType + Unscaled> Value for Text<T> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        text(self.0[row], self.1, out);
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

impl<T: ArrowNativeType + Unscaled> Value for Binary<T> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        binary(self.0[row], self.1, out);
        Ok(())
    }
}

impl Value for WithoutZeros {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let (mut value, mut scale) = (self.values[row], self.scale);
        while scale > 0 && value % 10 == 0 {
            value /= 10;
            scale -= 1;
        }
        match self.format {
            Format::Text => text(value, scale, out),
            Format::Binary => binary(value, scale, out),
        }
        Ok(())
    }

    fn bare(&self) -> bool {
        matches!(self.format, Format::Text)
    }
}

fn text(value: impl Unscaled, scale_of: i8, out: &mut BytesMut) {
    let mut buffer = [0u8; 80];
    let (count, negative) = value.digits(&mut buffer);
    let digits = &buffer[..count];
    if negative {
        out.put_u8(b'-');
    }
    let scale = usize::from(scale_of.unsigned_abs());
    if scale_of <= 0 {
        out.put_slice(digits);
        if digits != b"0" {
            out.put_bytes(b'0', scale);
        }
    } else if count > scale {
        out.put_slice(&digits[..count - scale]);
        out.put_u8(b'.');
        out.put_slice(&digits[count - scale..]);
    } else {
        out.put_slice(b"0.");
        out.put_bytes(b'0', scale - count);
        out.put_slice(digits);
    }
}

/// int16 ndigits, weight, sign, dscale; then groups of four decimal digits from the left.
fn binary(value: impl Unscaled, scale: i8, out: &mut BytesMut) {
    let mut buffer = [0u8; 80];
    let (count, negative) = value.digits(&mut buffer);
    let scale = i32::from(scale);
    // Position of a digit: 0 is the last one before the point, -1 the first one after it.
    let top = count as i32 - 1 - scale;
    let (high, low) = (top.div_euclid(4), (-scale).div_euclid(4));
    let mut groups = [0u16; 96];
    let mut used = 0usize;
    for group in (low..=high).rev() {
        let value = (0..4).fold(0u16, |value, place| {
            let index = top - (group * 4 + 3 - place);
            let digit = usize::try_from(index)
                .ok()
                .filter(|i| *i < count)
                .map_or(0, |i| buffer[i] - b'0');
            value * 10 + u16::from(digit)
        });
        groups[used] = value;
        used += 1;
    }
    let leading = groups[..used].iter().take_while(|g| **g == 0).count();
    let trailing = groups[leading..used]
        .iter()
        .rev()
        .take_while(|g| **g == 0)
        .count();
    let kept = &groups[leading..used - trailing];
    let weight = if kept.is_empty() { 0 } else { high - leading as i32 };
    out.put_i16(kept.len() as i16);
    out.put_i16(weight as i16);
    out.put_u16(if negative && !kept.is_empty() { 0x4000 } else { 0 });
    out.put_i16(scale.max(0) as i16);
    kept.iter().for_each(|group| out.put_u16(*group));
}
