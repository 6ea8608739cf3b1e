//! Arrays and composites: text with PostgreSQL's quoting, and the binary formats.

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{ArrowNativeType, DataType};
use bytes::{BufMut, BytesMut};

use super::{Column, EncodeError, Format, Result, Style, Value};
use crate::wire::types::{INT2VECTOR, OIDVECTOR, PgKind, PgType, pg_type_of};

/// Where each row's items lie in the items' array.
enum Ranges {
    Offsets(Vec<usize>),
    Fixed(usize),
    Views(Vec<(usize, usize)>),
}

impl Ranges {
    fn of(array: &ArrayRef) -> (Self, ArrayRef) {
        match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                (
                    Self::Offsets(list.value_offsets().iter().map(|o| o.as_usize()).collect()),
                    list.values().clone(),
                )
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                (
                    Self::Offsets(list.value_offsets().iter().map(|o| o.as_usize()).collect()),
                    list.values().clone(),
                )
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                let views = list.value_offsets().iter().zip(list.value_sizes());
                (
                    Self::Views(views.map(|(o, s)| (o.as_usize(), s.as_usize())).collect()),
                    list.values().clone(),
                )
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                let views = list.value_offsets().iter().zip(list.value_sizes());
                (
                    Self::Views(views.map(|(o, s)| (o.as_usize(), s.as_usize())).collect()),
                    list.values().clone(),
                )
            }
            _ => {
                let list = array.as_fixed_size_list();
                (Self::Fixed(list.value_length().as_usize()), list.values().clone())
            }
        }
    }

    fn row(&self, row: usize) -> std::ops::Range<usize> {
        match self {
            Self::Offsets(offsets) => offsets[row]..offsets[row + 1],
            Self::Fixed(length) => row * length..(row + 1) * length,
            Self::Views(views) => views[row].0..views[row].0 + views[row].1,
        }
    }
}

/// A list: either of plain items or of further lists, which in PostgreSQL are dimensions of one array.
struct List {
    ranges: Ranges,
    items: Items,
    oid: u32,
}

enum Items {
    Plain(Column),
    Lists(Box<List>, Option<arrow::buffer::NullBuffer>),
}

impl List {
    /// `item` is the type of the innermost items: PostgreSQL's arrays have no type per dimension.
    fn new(array: &ArrayRef, item: &PgType, format: Format, style: &Style) -> Result<Self> {
        let (ranges, values) = Ranges::of(array);
        let nested = matches!(
            values.data_type(),
            DataType::List(_)
                | DataType::LargeList(_)
                | DataType::FixedSizeList(..)
                | DataType::ListView(_)
                | DataType::LargeListView(_)
        );
        let items = if nested {
            Items::Lists(
                Box::new(Self::new(&values, item, format, style)?),
                values.logical_nulls(),
            )
        } else {
            Items::Plain(Column::new(&values, item, format, style)?)
        };
        Ok(Self {
            ranges,
            items,
            oid: item.oid,
        })
    }

    fn write_text(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(b'{');
        for (index, item) in self.ranges.row(row).enumerate() {
            if index > 0 {
                out.put_u8(b',');
            }
            match &self.items {
                Items::Lists(_, Some(nulls)) if nulls.is_null(item) => out.put_slice(b"NULL"),
                Items::Lists(list, _) => list.write_text(item, out)?,
                Items::Plain(column) if column.is_null(item) => out.put_slice(b"NULL"),
                Items::Plain(column) => {
                    let at = out.len();
                    column.value.write(item, out)?;
                    if !column.value.bare() && array_quotes(&out[at..]) {
                        quote(out, at, |byte| matches!(byte, b'"' | b'\\'), Escape::Backslash);
                    }
                }
            }
        }
        out.put_u8(b'}');
        Ok(())
    }

    /// The length of each dimension below and with this one, for the row's items.
    fn dimensions(&self, row: usize) -> Result<Vec<usize>> {
        let range = self.ranges.row(row);
        let mut dimensions = vec![range.len()];
        if let Items::Lists(list, nulls) = &self.items {
            let mut inner: Option<Vec<usize>> = None;
            for item in range {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(item)) {
                    return Err(EncodeError::Ragged);
                }
                let lengths = list.dimensions(item)?;
                if inner.as_ref().is_some_and(|known| *known != lengths) {
                    return Err(EncodeError::Ragged);
                }
                inner = Some(lengths);
            }
            dimensions.extend(inner.unwrap_or_default());
        }
        Ok(dimensions)
    }

    fn put_items(&self, row: usize, has_null: &mut bool, out: &mut BytesMut) -> Result {
        for item in self.ranges.row(row) {
            match &self.items {
                Items::Lists(list, _) => list.put_items(item, has_null, out)?,
                Items::Plain(column) => {
                    *has_null |= column.is_null(item);
                    column.put(item, out)?;
                }
            }
        }
        Ok(())
    }

    /// int32 dimensions, has-null flag, item oid; per dimension length and lower bound; then the items.
    fn write_binary(&self, row: usize, lower: i32, out: &mut BytesMut) -> Result {
        let dimensions = self.dimensions(row)?;
        let empty = dimensions.contains(&0);
        let at = out.len();
        out.put_i32(if empty { 0 } else { dimensions.len() as i32 });
        out.put_i32(0);
        out.put_u32(self.oid);
        if empty {
            return Ok(());
        }
        for length in &dimensions {
            out.put_i32(i32::try_from(*length).map_err(|_| EncodeError::OutOfRange("array length"))?);
            out.put_i32(lower);
        }
        let mut has_null = false;
        self.put_items(row, &mut has_null, out)?;
        out[at + 7] = u8::from(has_null);
        Ok(())
    }
}

struct ListText(List);
struct ListBinary(List, i32);
struct Vector(List);

/// A list of anything.
pub(super) fn list(array: &ArrayRef, pg: &PgType, format: Format, style: &Style) -> Result<Box<dyn Value>> {
    let vector = matches!(pg.oid, OIDVECTOR | INT2VECTOR);
    let item = match &pg.kind {
        PgKind::Array(item) => item.as_ref(),
        _ => pg,
    };
    let list = List::new(array, item, format, style)?;
    Ok(match format {
        Format::Text if vector => Box::new(Vector(list)),
        Format::Text => Box::new(ListText(list)),
        // The catalogs' vectors count from 0.
        Format::Binary => Box::new(ListBinary(list, i32::from(!vector))),
    })
}

impl Value for Vector {
    /// Numbers with spaces between them.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let Items::Plain(column) = &self.0.items else {
            return Err(EncodeError::Ragged);
        };
        for (index, item) in self.0.ranges.row(row).enumerate() {
            if index > 0 {
                out.put_u8(b' ');
            }
            column.value.write(item, out)?;
        }
        Ok(())
    }
}

impl Value for ListText {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        self.0.write_text(row, out)
    }
}

impl Value for ListBinary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        self.0.write_binary(row, self.1, out)
    }
}

struct Composite {
    columns: Vec<(Column, u32)>,
}

struct CompositeText(Composite);
struct CompositeBinary(Composite);

/// A struct as a row value.
pub(super) fn composite(
    array: &StructArray,
    pg: &PgType,
    format: Format,
    style: &Style,
) -> Result<Box<dyn Value>> {
    let columns = array
        .columns()
        .iter()
        .zip(array.fields())
        .enumerate()
        .map(|(index, (column, field))| {
            let pg = match &pg.kind {
                PgKind::Composite(fields) => fields.get(index).map(|(_, pg)| pg.clone()),
                _ => None,
            };
            let pg = pg.unwrap_or_else(|| pg_type_of(field));
            Ok((Column::new(column, &pg, format, style)?, pg.oid))
        })
        .collect::<Result<_>>()?;
    let composite = Composite { columns };
    Ok(match format {
        Format::Text => Box::new(CompositeText(composite)),
        Format::Binary => Box::new(CompositeBinary(composite)),
    })
}

impl Value for CompositeText {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_u8(b'(');
        for (index, (column, _)) in self.0.columns.iter().enumerate() {
            if index > 0 {
                out.put_u8(b',');
            }
            if column.is_null(row) {
                continue;
            }
            let at = out.len();
            column.value.write(row, out)?;
            if !column.value.bare() && record_quotes(&out[at..]) {
                quote(out, at, |byte| matches!(byte, b'"' | b'\\'), Escape::Double);
            }
        }
        out.put_u8(b')');
        Ok(())
    }
}

impl Value for CompositeBinary {
    /// int32 fields; per field its type's oid and its value.
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_i32(self.0.columns.len() as i32);
        for (column, oid) in &self.0.columns {
            out.put_u32(*oid);
            column.put(row, out)?;
        }
        Ok(())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn array_quotes(item: &[u8]) -> bool {
    item.is_empty()
        || item.eq_ignore_ascii_case(b"null")
        || item
            .iter()
            .any(|byte| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(*byte))
}

fn record_quotes(field: &[u8]) -> bool {
    field.is_empty()
        || field
            .iter()
            .any(|byte| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',') || is_space(*byte))
}

#[derive(Clone, Copy)]
enum Escape {
    /// Arrays put a backslash before quotes and backslashes.
    Backslash,
    /// Composites double them.
    Double,
}

/// Puts quotes around everything from `at` on.
fn quote(out: &mut BytesMut, at: usize, special: impl Fn(u8) -> bool, escape: Escape) {
    // A copy: splitting the buffer would make its rest allocate anew.
    let inner = out[at..].to_vec();
    out.truncate(at);
    out.put_u8(b'"');
    for byte in inner {
        if special(byte) {
            out.put_u8(match escape {
                Escape::Backslash => b'\\',
                Escape::Double => byte,
            });
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}
