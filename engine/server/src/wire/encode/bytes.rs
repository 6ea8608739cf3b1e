//! bytea, and uuid held as sixteen bytes.

use arrow::array::{BinaryViewArray, FixedSizeBinaryArray, GenericBinaryArray, OffsetSizeTrait};
use bytes::{BufMut, BytesMut};

use super::{EncodeError, Format, Result, Style, Value};
use crate::wire::types::{PgType, UUID};

/// An array whose values are bytes.
pub(super) trait Bytes: Send + Sync + 'static {
    fn at(&self, row: usize) -> &[u8];
}

impl<O: OffsetSizeTrait> Bytes for GenericBinaryArray<O> {
    fn at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

impl Bytes for BinaryViewArray {
    fn at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

impl Bytes for FixedSizeBinaryArray {
    fn at(&self, row: usize) -> &[u8] {
        self.value(row)
    }
}

struct Raw<A>(A);
struct Hex<A>(A);
struct Escape<A>(A);
struct UuidText<A>(A);

/// Bytes of any Arrow layout.
pub(super) fn writer<A: Bytes>(array: A, pg: &PgType, format: Format, style: &Style) -> Box<dyn Value> {
    match (format, pg.oid) {
        (Format::Binary, _) => Box::new(Raw(array)),
        (Format::Text, UUID) => Box::new(UuidText(array)),
        (Format::Text, _) if style.bytea_escape => Box::new(Escape(array)),
        (Format::Text, _) => Box::new(Hex(array)),
    }
}

impl<A: Bytes> Value for Raw<A> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_slice(self.0.at(row));
        Ok(())
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn put_hex(bytes: &[u8], out: &mut BytesMut) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.put_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

impl<A: Bytes> Value for Hex<A> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_slice(b"\\x");
        put_hex(self.0.at(row), out);
        Ok(())
    }
}

impl<A: Bytes> Value for Escape<A> {
    /// Printable ASCII as it is, the backslash doubled, everything else as three octal digits.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        for byte in self.0.at(row) {
            match byte {
                b'\\' => out.put_slice(b"\\\\"),
                0x20..=0x7e => out.put_u8(*byte),
                other => out.put_slice(&[
                    b'\\',
                    b'0' + (other >> 6),
                    b'0' + (other >> 3 & 7),
                    b'0' + (other & 7),
                ]),
            }
        }
        Ok(())
    }
}

impl<A: Bytes> Value for UuidText<A> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let bytes: &[u8; 16] = self
            .0
            .at(row)
            .try_into()
            .map_err(|_| EncodeError::OutOfRange("uuid"))?;
        for (index, part) in [
            &bytes[..4],
            &bytes[4..6],
            &bytes[6..8],
            &bytes[8..10],
            &bytes[10..],
        ]
        .iter()
        .enumerate()
        {
            if index > 0 {
                out.put_u8(b'-');
            }
            put_hex(part, out);
        }
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}
