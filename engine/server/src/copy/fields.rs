//! From a block of text or CSV to a batch of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Builder, RecordBatch};
use arrow::datatypes::SchemaRef;
use memchr::{memchr, memchr3};
use radlake::{Error, Rejected, Rejects};

use super::cells::Cells;
use super::options::{Layout, Options};
use super::split::{Block, Ends};
use crate::wire::{Report, Zone};

/// What the reader of every block knows.
pub(crate) struct Shape {
    pub(crate) options: Options,
    /// The table's name in messages.
    pub(crate) table: String,
    /// The line's number, then the columns.
    pub(crate) schema: SchemaRef,
    pub(crate) zone: Zone,
    /// By column.
    pub(crate) force_not_null: Vec<bool>,
    pub(crate) force_null: Vec<bool>,
    pub(crate) rejects: Option<Rejects>,
}

impl Shape {
    pub(crate) fn new(
        options: Options,
        target: &radlake::CopyTarget,
        zone: Zone,
        rejects: Option<Rejects>,
    ) -> Result<Self, Report> {
        Ok(Self {
            force_not_null: options.force_not_null.flags(
                "FORCE_NOT_NULL",
                options.listed,
                &target.columns,
            )?,
            force_null: options
                .force_null
                .flags("FORCE_NULL", options.listed, &target.columns)?,
            options,
            table: target.table.clone(),
            schema: target.schema(),
            zone,
            rejects,
        })
    }

    pub(crate) fn name(&self, column: usize) -> String {
        self.schema.field(column + 1).name().clone()
    }

    pub(crate) fn width(&self) -> usize {
        self.schema.fields().len() - 1
    }

    pub(crate) fn at(&self, line: i64, column: Option<usize>, error: Error) -> Error {
        Error::Row {
            table: self.table.clone(),
            line,
            column: column.map(|column| self.name(column)),
            error: Box::new(error),
        }
    }
}

/// A field of a record: where its bytes are, and whether it stood in quotes.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// In the scratch buffer, not in the block.
    scratch: bool,
    quoted: bool,
    /// As it was written it is NULL's sign.
    null: bool,
}

/// Reads the fields of records one after the other.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    options: &'a Options,
    /// First byte of the end of a line, and its length.
    end: Option<(u8, usize)>,
    line: i64,
    spans: Vec<Span>,
    scratch: Vec<u8>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(block: &'a Block, options: &'a Options) -> Self {
        Self {
            bytes: &block.bytes,
            at: 0,
            options,
            end: match block.ends {
                Ends::Unknown => None,
                Ends::Newline => Some((b'\n', 1)),
                Ends::Return => Some((b'\r', 1)),
                Ends::ReturnNewline => Some((b'\r', 2)),
            },
            line: block.line - 1,
            spans: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Reads the next record; false at the end of the block.
    pub(crate) fn next(&mut self) -> bool {
        if self.at >= self.bytes.len() {
            return false;
        }
        self.spans.clear();
        self.scratch.clear();
        loop {
            let span = match self.options.layout {
                Layout::Csv => self.csv_field(),
                _ => self.text_field(),
            };
            self.spans.push(span);
            match self.bytes.get(self.at) {
                Some(byte) if *byte == self.options.delimiter => self.at += 1,
                Some(_) => {
                    self.at += self.end.map_or(1, |(_, width)| width);
                    break;
                }
                None => break,
            }
        }
        self.line += 1;
        true
    }

    /// The line that the record ends on.
    pub(crate) fn line(&self) -> i64 {
        self.line
    }

    /// Where the next record begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    fn bytes(&self, span: &Span) -> &[u8] {
        match span.scratch {
            true => &self.scratch[span.start..span.end],
            false => &self.bytes[span.start..span.end],
        }
    }

    /// The value of a field; `None` for NULL.
    pub(crate) fn value(&self, column: usize, shape: &Shape) -> Option<&[u8]> {
        let span = &self.spans[column];
        let bytes = self.bytes(span);
        let null = match self.options.layout {
            Layout::Csv => {
                *bytes == *self.options.null
                    && match span.quoted {
                        true => shape.force_null[column],
                        false => !shape.force_not_null[column],
                    }
            }
            _ => span.null,
        };
        (!null).then_some(bytes)
    }

    /// The text of a field, as it is shown or compared.
    pub(crate) fn raw(&self, column: usize) -> &[u8] {
        self.bytes(&self.spans[column])
    }

    /// True if the field, unquoted, is NULL's sign.
    pub(crate) fn is_null(&self, column: usize) -> bool {
        let span = &self.spans[column];
        match self.options.layout {
            Layout::Csv => !span.quoted && *self.bytes(span) == *self.options.null,
            _ => span.null,
        }
    }

    fn stop(&self, third: u8) -> Option<usize> {
        let end = self.end.map_or(self.options.delimiter, |(end, _)| end);
        memchr3(self.options.delimiter, end, third, &self.bytes[self.at..]).map(|found| self.at + found)
    }

    fn csv_field(&mut self) -> Span {
        let (quote, start) = (self.options.quote, self.at);
        let mut span = Span {
            start,
            end: start,
            scratch: false,
            quoted: false,
            null: false,
        };
        if self.bytes.get(start) == Some(&quote) && self.options.escape == quote {
            // The plain case: one pair of quotes around all of it.
            if let Some(close) = memchr(quote, &self.bytes[start + 1..]).map(|at| start + 1 + at)
                && self.bytes.get(close + 1).is_none_or(|next| {
                    *next == self.options.delimiter || self.end.is_some_and(|(end, _)| *next == end)
                })
            {
                self.count_lines(start + 1, close);
                self.at = close + 1;
                return Span {
                    start: start + 1,
                    end: close,
                    quoted: true,
                    ..span
                };
            }
        }
        let stop = self.stop(quote).unwrap_or(self.bytes.len());
        if self.bytes.get(stop) != Some(&quote) {
            self.at = stop;
            return Span { end: stop, ..span };
        }
        // Quotes somewhere inside: pieces are put together.
        (span.scratch, span.quoted, span.start) = (true, true, self.scratch.len());
        loop {
            let stop = self.stop(quote).unwrap_or(self.bytes.len());
            self.scratch.extend_from_slice(&self.bytes[self.at..stop]);
            self.at = stop;
            if self.bytes.get(stop) != Some(&quote) {
                break;
            }
            self.at += 1;
            self.quoted_part();
        }
        span.end = self.scratch.len();
        span
    }

    /// From behind an opening quote to behind the closing one.
    fn quoted_part(&mut self) {
        let (quote, escape) = (self.options.quote, self.options.escape);
        let from = self.at;
        while let Some(&byte) = self.bytes.get(self.at) {
            let next = self.bytes.get(self.at + 1).copied();
            if byte == escape
                && let Some(next) = next
                && (next == quote || next == escape)
            {
                self.scratch.push(next);
                self.at += 2;
            } else if byte == quote {
                break;
            } else {
                self.scratch.push(byte);
                self.at += 1;
            }
        }
        self.count_lines(from, self.at.min(self.bytes.len()));
        self.at = (self.at + 1).min(self.bytes.len());
    }

    fn count_lines(&mut self, from: usize, to: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.bytes[from..to]).count() as i64;
    }

    fn text_field(&mut self) -> Span {
        let start = self.at;
        let stop = self.stop(b'\\').unwrap_or(self.bytes.len());
        let mut span = Span {
            start,
            end: stop,
            scratch: false,
            quoted: false,
            null: false,
        };
        if self.bytes.get(stop) != Some(&b'\\') || self.options.delimiter == b'\\' {
            self.at = stop;
            span.null = self.bytes[start..stop] == *self.options.null;
            return span;
        }
        (span.scratch, span.start) = (true, self.scratch.len());
        loop {
            let stop = self.stop(b'\\').unwrap_or(self.bytes.len());
            self.scratch.extend_from_slice(&self.bytes[self.at..stop]);
            self.at = stop;
            if self.bytes.get(stop) != Some(&b'\\') {
                break;
            }
            self.at += 1;
            self.escape();
        }
        span.end = self.scratch.len();
        // NULL's sign is compared as it was written.
        span.null = self.bytes[start..self.at] == *self.options.null;
        span
    }

    /// What follows a backslash.
    fn escape(&mut self) {
        let Some(&byte) = self.bytes.get(self.at) else {
            self.scratch.push(b'\\');
            return;
        };
        self.at += 1;
        let digits = |radix: u32, most: usize, from: usize| {
            let digits = self.bytes[from..].iter().take(most);
            digits
                .map_while(|digit| char::from(*digit).to_digit(radix))
                .fold((0u32, 0), |(value, count), digit| {
                    (value * radix + digit, count + 1)
                })
        };
        let value = match byte {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'0'..=b'7' => {
                let (value, count) = digits(8, 3, self.at - 1);
                self.at += count - 1;
                value as u8
            }
            b'x' => match digits(16, 2, self.at) {
                (_, 0) => b'x',
                (value, count) => {
                    self.at += count;
                    value as u8
                }
            },
            b'\n' => {
                self.line += 1;
                b'\n'
            }
            other => other,
        };
        self.scratch.push(value);
    }
}

/// Reads the records of a block as rows.
pub(crate) fn rows(block: &Block, shape: &Shape) -> Result<RecordBatch, Error> {
    let width = shape.width();
    let guess = block.bytes.len() / (width * 8).max(16);
    let mut lines = Int64Builder::with_capacity(guess);
    let mut columns: Vec<Cells> = shape
        .schema
        .fields()
        .iter()
        .skip(1)
        .map(|field| Cells::new(field, guess))
        .collect();
    let mut kept: Vec<bool> = Vec::new();
    let mut fields = Fields::new(block, &shape.options);
    while fields.next() {
        lines.append_value(fields.line());
        let (done, problem) = match record(&fields, shape, &mut columns) {
            Ok(()) => (width, None),
            Err((done, column, error)) => (done, Some((column, error))),
        };
        if shape.rejects.is_some() {
            kept.push(problem.is_none());
        }
        let Some((column, error)) = problem else {
            continue;
        };
        let Some(rejects) = &shape.rejects else {
            return Err(shape.at(fields.line(), column, error));
        };
        rejects.add(Rejected {
            line: fields.line(),
            column: column.map(|column| shape.name(column)),
            reason: error.to_string(),
        })?;
        columns[done..].iter_mut().try_for_each(Cells::null)?;
    }
    let arrays = std::iter::once(Ok(Arc::new(lines.finish()) as ArrayRef));
    let arrays = arrays.chain(columns.into_iter().map(Cells::finish));
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let batch = RecordBatch::try_new(Arc::clone(&shape.schema), arrays).map_err(arrow_error)?;
    match kept.contains(&false) {
        true => arrow::compute::filter_record_batch(&batch, &BooleanArray::from(kept)).map_err(arrow_error),
        false => Ok(batch),
    }
}

pub(crate) fn arrow_error(error: arrow::error::ArrowError) -> Error {
    Error::Internal(format!("rows of a file: {error}"))
}

/// Appends a record; an error says how many columns have got their value, and which is to blame.
fn record(
    fields: &Fields<'_>,
    shape: &Shape,
    columns: &mut [Cells],
) -> Result<(), (usize, Option<usize>, Error)> {
    let width = columns.len();
    if fields.len() > width {
        return Err((0, None, malformed("extra data after last expected column")));
    }
    for (at, cells) in columns.iter_mut().enumerate() {
        if at == fields.len() {
            let message = format!("missing data for column \"{}\"", shape.name(at));
            return Err((at, None, malformed(message)));
        }
        let appended = match fields.value(at, shape) {
            Some(bytes) => cells.text(bytes, &shape.zone),
            None => cells.null(),
        };
        appended.map_err(|error| (at, Some(at), error))?;
    }
    Ok(())
}

pub(crate) fn malformed(message: impl Into<String>) -> Error {
    Error::CopyFormat {
        message: message.into(),
        hint: None,
    }
}

/// Compares a header with the columns.
pub(crate) fn check_header(fields: &Fields<'_>, shape: &Shape) -> Result<(), Error> {
    let (got, width) = (fields.len(), shape.width());
    if got != width {
        return Err(malformed(format!(
            "wrong number of fields in header line: got {got}, expected {width}"
        )));
    }
    for column in 0..width {
        let (name, number) = (shape.name(column), column + 1);
        // What is there instead stays out of the message: without a header it is somebody's value.
        if fields.is_null(column) || *fields.raw(column) != *name.as_bytes() {
            return Err(malformed(format!(
                "column name mismatch in header line field {number}: expected \"{name}\""
            )));
        }
    }
    Ok(())
}
