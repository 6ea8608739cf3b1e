//! vector: pgvector's text and binary forms.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array};
use arrow::datatypes::Float32Type;
use bytes::{BufMut, BytesMut};
use radlake::vectors::{parse, print};

use super::text::Strings;
use super::{EncodeError, Format, Result, Value};

/// Elements of a row, wherever they are.
trait Rows: Send + Sync + 'static {
    fn at(&self, row: usize) -> Result<Cow<'_, [f32]>>;
}

/// Vectors that lie side by side.
struct Fixed {
    elements: Float32Array,
    dimensions: usize,
}

impl Rows for Fixed {
    fn at(&self, row: usize) -> Result<Cow<'_, [f32]>> {
        let (start, end) = (row * self.dimensions, (row + 1) * self.dimensions);
        let holes = self.elements.null_count() > 0 && (start..end).any(|at| self.elements.is_null(at));
        match self.elements.values().get(start..end) {
            Some(elements) if !holes => Ok(Cow::Borrowed(elements)),
            _ => Err(EncodeError::NullElement),
        }
    }
}

/// Vectors that are texts.
struct Texts<A>(A);

impl<A: Strings> Rows for Texts<A> {
    fn at(&self, row: usize) -> Result<Cow<'_, [f32]>> {
        let read = parse(self.0.at(row));
        read.map(Cow::Owned)
            .map_err(|_| EncodeError::OutOfRange("vector"))
    }
}

struct Text<R>(R);
struct Binary<R>(R);

/// Vectors of known dimensions; none if the array holds something else.
pub(super) fn fixed(array: &ArrayRef, format: Format) -> Option<Box<dyn Value>> {
    let list = array.as_fixed_size_list_opt()?;
    let rows = Fixed {
        elements: list.values().as_primitive_opt::<Float32Type>()?.clone(),
        dimensions: usize::try_from(list.value_length()).ok()?,
    };
    Some(match format {
        Format::Text => Box::new(Text(rows)),
        Format::Binary => Box::new(Binary(rows)),
    })
}

/// Vectors that are texts, in binary.
pub(super) fn binary<A: Strings>(array: A) -> Box<dyn Value> {
    Box::new(Binary(Texts(array)))
}

impl<R: Rows> Value for Text<R> {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_slice(print(&self.0.at(row)?).as_bytes());
        Ok(())
    }
}

impl<R: Rows> Value for Binary<R> {
    /// Dimensions, two bytes that are not used, the elements.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let elements = self.0.at(row)?;
        let dimensions = i16::try_from(elements.len()).map_err(|_| EncodeError::OutOfRange("vector"))?;
        out.put_i16(dimensions);
        out.put_i16(0);
        elements.iter().for_each(|element| out.put_f32(*element));
        Ok(())
    }
}
