//! The Arrow builders of a batch: one per typed column, and those of the bookkeeping columns.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayBuilder, ArrayRef, BooleanBufferBuilder, Date32Builder, Float64Builder, Int32Builder,
        Int64Builder, ListBuilder, StringBuilder, StructArray, Time64MicrosecondBuilder,
        TimestampMicrosecondBuilder,
    },
    buffer::NullBuffer,
};

use super::{distinct::Distinct, paths::Part};
use crate::dicom::{
    Column, ColumnType, Vr,
    numbers::Numbers,
    schema::{Items, code_fields},
    values,
};

mod frames;

/// A value on its way to a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    /// Decoded text, several values parted by backslashes.
    Text(&'a str),
    /// Binary numbers.
    Numbers(Numbers<'a>),
}

/// A typed column being built.
#[derive(Debug)]
pub(super) struct Cell {
    builder: Builder,
    /// Rows up to the last that something was put into.
    filled: usize,
    /// What frames say, of columns that take it.
    frames: Option<Box<Distinct>>,
    /// The column is made of all that frames say, not of what they agree on.
    all_frames: bool,
    data_type: ColumnType,
    /// Per-item columns: entries at the start of the row.
    start: usize,
    each: bool,
    /// Bytes of text in this row.
    text: usize,
}

#[derive(Debug)]
enum Builder {
    Text(StringBuilder),
    TextList(ListBuilder<StringBuilder>),
    Int(Int32Builder),
    Long(Int64Builder),
    IntList(ListBuilder<Int32Builder>),
    Float(Float64Builder),
    FloatList(ListBuilder<Float64Builder>),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Code(Box<Code>),
}

/// A struct of value, scheme and meaning.
#[derive(Debug)]
struct Code {
    parts: [StringBuilder; 3],
    valid: BooleanBufferBuilder,
}

/// A number that a column of 32 bits holds.
pub(super) fn narrow(n: i64) -> Option<i32> {
    i32::try_from(n).ok()
}

impl Value<'_> {
    /// As it was before it was understood.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Numbers(numbers) => numbers.bytes(),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim_ascii().is_empty(),
            Self::Numbers(numbers) => numbers.is_empty(),
        }
    }

    fn whole(&self) -> Option<i64> {
        match self {
            Self::Text(text) => values::integer(text.as_bytes()),
            Self::Numbers(numbers) if numbers.len() == 1 => numbers.whole(0),
            Self::Numbers(_) => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Text(text) => values::decimal(text.as_bytes()),
            Self::Numbers(numbers) if numbers.len() == 1 => Some(numbers.float(0)),
            Self::Numbers(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Numbers(_) => None,
        }
    }
}

/// Appends one value per value of the element; nothing, and false, if one of them does not parse.
fn append_list<T>(
    value: &Value<'_>,
    parse: impl Fn(&[u8]) -> Option<T>,
    number: impl Fn(&Numbers<'_>, usize) -> Option<T>,
    mut append: impl FnMut(Option<T>),
) -> bool {
    match value {
        Value::Text(text) => {
            let mut parts = text.split('\\').map(str::as_bytes);
            if !parts
                .clone()
                .all(|part| part.trim_ascii().is_empty() || parse(part).is_some())
            {
                return false;
            }
            parts.by_ref().for_each(|part| append(parse(part)));
        }
        Value::Numbers(numbers) => {
            if !(0..numbers.len()).all(|i| number(numbers, i).is_some()) {
                return false;
            }
            (0..numbers.len()).for_each(|i| append(number(numbers, i)));
        }
    }
    true
}

impl Cell {
    pub(super) fn new(column: &Column, capacity: usize) -> Self {
        let n = capacity;
        let builder = match column.data_type {
            ColumnType::Text => Builder::Text(StringBuilder::with_capacity(n, 0)),
            ColumnType::TextList => Builder::TextList(ListBuilder::with_capacity(StringBuilder::new(), n)),
            ColumnType::Int => Builder::Int(Int32Builder::with_capacity(n)),
            ColumnType::Long => Builder::Long(Int64Builder::with_capacity(n)),
            ColumnType::IntList => Builder::IntList(ListBuilder::with_capacity(Int32Builder::new(), n)),
            ColumnType::Float => Builder::Float(Float64Builder::with_capacity(n)),
            ColumnType::FloatList => Builder::FloatList(ListBuilder::with_capacity(Float64Builder::new(), n)),
            ColumnType::Date => Builder::Date(Date32Builder::with_capacity(n)),
            ColumnType::Time => Builder::Time(Time64MicrosecondBuilder::with_capacity(n)),
            ColumnType::Timestamp => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(n).with_timezone("UTC"))
            }
            ColumnType::Code => Builder::Code(Box::new(Code {
                parts: std::array::from_fn(|_| StringBuilder::with_capacity(n, 0)),
                valid: BooleanBufferBuilder::new(n),
            })),
        };
        Self {
            builder,
            filled: 0,
            frames: (column.items == Items::Frames || column.frames.is_some()).then(Box::default),
            all_frames: column.items == Items::Frames,
            data_type: column.data_type,
            start: 0,
            each: column.items == Items::Each,
            text: 0,
        }
    }

    /// Puts a value into row `row` (from 0), and tells whether it parsed. The first of several for one row counts.
    /// `timezone`: seconds east of UTC, for instants that do not say.
    pub(super) fn set(&mut self, row: usize, part: Part, value: &Value<'_>, vr: Vr, timezone: i64) -> bool {
        if value.is_empty() || (!self.each && self.has(row, part)) {
            return true;
        }
        let good = self.put(part, value, vr, timezone);
        if good && !self.each {
            self.filled = row + 1;
        }
        good
    }

    fn put(&mut self, part: Part, value: &Value<'_>, vr: Vr, timezone: i64) -> bool {
        match &mut self.builder {
            Builder::Text(b) => {
                let text = match value {
                    Value::Text(text) => std::borrow::Cow::Borrowed(clean(text, vr)),
                    Value::Numbers(n) => std::borrow::Cow::Owned(joined(n)),
                };
                self.text += text.len();
                b.append_value(text);
            }
            Builder::Code(code) => {
                let Some(text) = value.text() else { return false };
                let text = clean(text, vr);
                self.text += text.len();
                code.parts[part as usize - 1].append_value(text);
            }
            Builder::TextList(b) => {
                let Some(text) = value.text() else { return false };
                self.text += text.len() + 8;
                for part in text.split('\\').take(if self.each { 1 } else { usize::MAX }) {
                    b.values()
                        .append_option(Some(clean(part, vr)).filter(|part| !part.is_empty()));
                }
                if !self.each {
                    b.append(true);
                }
            }
            Builder::Int(b) => match value.whole().and_then(narrow) {
                Some(n) => b.append_value(n),
                None => return false,
            },
            Builder::Long(b) => match value.whole() {
                Some(n) => b.append_value(n),
                None => return false,
            },
            Builder::Float(b) => match value.float() {
                Some(n) => b.append_value(n),
                None => return false,
            },
            Builder::IntList(b) => {
                let values = b.values();
                let parse = |part: &[u8]| values::integer(part).and_then(narrow);
                if self.each {
                    match value.whole().and_then(narrow) {
                        Some(n) => values.append_value(n),
                        None => return false,
                    }
                } else if append_list(
                    value,
                    parse,
                    |n, i| n.whole(i).and_then(narrow),
                    |n| values.append_option(n),
                ) {
                    b.append(true);
                } else {
                    return false;
                }
            }
            Builder::FloatList(b) => {
                let values = b.values();
                if !append_list(
                    value,
                    values::decimal,
                    |n, i| Some(n.float(i)),
                    |n| values.append_option(n),
                ) {
                    return false;
                }
                b.append(true);
            }
            Builder::Date(b) => match value.text().and_then(|t| values::date(t.as_bytes())) {
                Some(day) => b.append_value(day),
                None => return false,
            },
            Builder::Time(b) => match value.text().and_then(|t| values::time(t.as_bytes())) {
                Some(time) => b.append_value(time),
                None => return false,
            },
            Builder::Timestamp(b) => match value
                .text()
                .and_then(|t| values::date_time(t.as_bytes(), timezone))
            {
                Some(instant) => b.append_value(instant),
                None => return false,
            },
        }
        true
    }

    fn has(&self, row: usize, part: Part) -> bool {
        match &self.builder {
            Builder::Code(code) => code.parts[(part as usize).saturating_sub(1)].len() > row,
            _ => self.filled > row,
        }
    }

    /// Per-item columns: an item ended, the `items`-th of the row; it has an entry, NULL if it said nothing.
    pub(super) fn finish_item(&mut self, items: usize) {
        let upto = self.start + items;
        match &mut self.builder {
            Builder::TextList(b) => {
                while b.values().len() < upto {
                    b.values().append_null();
                }
            }
            Builder::IntList(b) => {
                while b.values().len() < upto {
                    b.values().append_null();
                }
            }
            _ => {}
        }
    }

    /// Entries that the row has so far, for per-item columns.
    pub(super) fn entries(&mut self) -> usize {
        let len = match &mut self.builder {
            Builder::TextList(b) => b.values().len(),
            Builder::IntList(b) => b.values().len(),
            _ => 0,
        };
        len - self.start
    }

    /// Ends a row: NULL if nothing was put. Gives the bytes that the row took.
    pub(super) fn finish_row(&mut self, rows: usize) -> usize {
        if self.all_frames {
            return self.put_frames(rows - 1);
        }
        self.put_frames(rows - 1);
        let missing = self.filled < rows;
        let fixed = match &mut self.builder {
            Builder::Text(b) => {
                if missing {
                    b.append_null();
                }
                4
            }
            Builder::TextList(b) => {
                if missing {
                    let any = b.values().len() > self.start;
                    b.append(any);
                }
                self.start = b.values().len();
                4
            }
            Builder::IntList(b) => {
                let entries = b.values().len() - self.start;
                if missing {
                    b.append(entries > 0);
                }
                self.start = b.values().len();
                4 + 4 * entries
            }
            Builder::FloatList(b) => {
                let entries = b.values().len() - self.start;
                if missing {
                    b.append(entries > 0);
                }
                self.start = b.values().len();
                4 + 8 * entries
            }
            Builder::Int(b) => {
                if missing {
                    b.append_null();
                }
                4
            }
            Builder::Long(b) => {
                if missing {
                    b.append_null();
                }
                8
            }
            Builder::Float(b) => {
                if missing {
                    b.append_null();
                }
                8
            }
            Builder::Date(b) => {
                if missing {
                    b.append_null();
                }
                4
            }
            Builder::Time(b) => {
                if missing {
                    b.append_null();
                }
                8
            }
            Builder::Timestamp(b) => {
                if missing {
                    b.append_null();
                }
                8
            }
            Builder::Code(code) => {
                code.valid.append(!missing);
                for part in &mut code.parts {
                    if missing || part.len() < rows {
                        part.append_null();
                    }
                }
                12
            }
        };
        fixed + std::mem::take(&mut self.text)
    }

    /// The column of `rows` rows.
    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        if self.all_frames {
            self.pad(rows);
        }
        self.start = 0;
        self.filled = 0;
        match &mut self.builder {
            Builder::Text(b) => Arc::new(b.finish()),
            Builder::TextList(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Long(b) => Arc::new(b.finish()),
            Builder::IntList(b) => Arc::new(b.finish()),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::FloatList(b) => Arc::new(b.finish()),
            Builder::Date(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
            Builder::Timestamp(b) => Arc::new(b.finish()),
            Builder::Code(code) => {
                let arrays = code
                    .parts
                    .iter_mut()
                    .map(|p| Arc::new(p.finish()) as ArrayRef)
                    .collect();
                let nulls = NullBuffer::new(code.valid.finish());
                Arc::new(StructArray::new(code_fields(), arrays, Some(nulls)))
            }
        }
    }
}

/// Text without the spaces that mean nothing: none at the end, and at the start only where paragraphs are.
pub(super) fn clean(text: &str, vr: Vr) -> &str {
    let text = text.trim_end_matches([' ', '\0']);
    match vr {
        // Writing systems that a name does not have may be left out or not.
        Vr::PN => text.trim_end_matches(['=', ' ']).trim_start_matches(' '),
        vr if vr.single_text() => text,
        _ => text.trim_start_matches(' '),
    }
}

/// Numbers where text was expected.
fn joined(numbers: &Numbers<'_>) -> String {
    let one = |i| match numbers.whole(i) {
        Some(n) => n.to_string(),
        None => numbers.float(i).to_string(),
    };
    (0..numbers.len()).map(one).collect::<Vec<_>>().join("\\")
}
