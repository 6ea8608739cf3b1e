//! Rows as COPY TO writes them.

use arrow::datatypes::Schema;
use bytes::{BufMut, BytesMut};
use memchr::memchr3;

use super::binary::SIGNATURE;
use super::options::{Header, Layout, Options};
use crate::wire::{BoundBatch, EncodeError, Report};

/// Writes rows in one of the formats.
pub(crate) struct Writer {
    options: Options,
    force_quote: Vec<bool>,
    names: Vec<String>,
    scratch: BytesMut,
    row: BytesMut,
    signed: bool,
}

/// Why a row cannot be written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    Value(EncodeError),
    /// A character that the encoding does not have.
    Charset(&'static str),
}

impl From<EncodeError> for Unwritten {
    fn from(error: EncodeError) -> Self {
        Self::Value(error)
    }
}

impl Writer {
    pub(crate) fn new(options: Options, schema: &Schema) -> Result<Self, Report> {
        Ok(Self {
            force_quote: options.force_quote.flags("FORCE_QUOTE", options.listed, schema)?,
            names: schema.fields().iter().map(|field| field.name().clone()).collect(),
            options,
            scratch: BytesMut::new(),
            row: BytesMut::new(),
            signed: false,
        })
    }

    /// True if values must be given in binary form.
    pub(crate) fn is_binary(&self) -> bool {
        self.options.layout == Layout::Binary
    }

    /// The line before the rows.
    pub(crate) fn header(&mut self) -> Result<Option<&[u8]>, Unwritten> {
        self.row.clear();
        if self.is_binary() || self.options.header == Header::No {
            return Ok(None);
        }
        for at in 0..self.names.len() {
            if at > 0 {
                self.row.put_u8(self.options.delimiter);
            }
            self.scratch.clear();
            self.scratch.put_slice(self.names[at].as_bytes());
            self.value(false);
        }
        self.line().map(Some)
    }

    /// One row.
    pub(crate) fn row(&mut self, batch: &BoundBatch, row: usize) -> Result<&[u8], Unwritten> {
        self.row.clear();
        if self.is_binary() {
            self.signature();
            // The message of a row, without its type and length, is the format's tuple.
            self.scratch.clear();
            batch.data_row(row, &mut self.scratch)?;
            self.row.put_slice(&self.scratch[5..]);
            return Ok(&self.row);
        }
        for at in 0..self.names.len() {
            if at > 0 {
                self.row.put_u8(self.options.delimiter);
            }
            self.scratch.clear();
            match batch.text(at, row, &mut self.scratch)? {
                true => self.value(self.force_quote[at]),
                false => self.row.put_slice(&self.options.null),
            }
        }
        self.line()
    }

    /// What comes after the rows.
    pub(crate) fn end(&mut self) -> Option<&[u8]> {
        self.row.clear();
        if !self.is_binary() {
            return None;
        }
        self.signature();
        self.row.put_i16(-1);
        Some(&self.row)
    }

    /// What a binary file begins with goes out with its first row, as clients expect it.
    fn signature(&mut self) {
        if !std::mem::replace(&mut self.signed, true) {
            self.row.put_slice(SIGNATURE);
            self.row.put_u64(0);
        }
    }

    fn line(&mut self) -> Result<&[u8], Unwritten> {
        self.row.put_u8(b'\n');
        let charset = self.options.charset;
        if charset != super::charset::Charset::Utf8 && !self.row.is_ascii() {
            let encoded = charset
                .encode(&self.row)
                .ok_or(Unwritten::Charset(charset.name()))?;
            self.row.clear();
            self.row.put_slice(&encoded);
        }
        Ok(&self.row)
    }

    /// The text in `scratch`, quoted or escaped.
    fn value(&mut self, force: bool) {
        let (text, out, delimiter) = (&self.scratch[..], &mut self.row, self.options.delimiter);
        if self.options.layout == Layout::Csv {
            let (quote, escape) = (self.options.quote, self.options.escape);
            let quoted = force
                || *text == *self.options.null
                || (self.names.len() == 1 && text == b"\\.")
                || memchr3(b'\n', b'\r', delimiter, text).is_some()
                || text.contains(&quote);
            if !quoted {
                out.put_slice(text);
                return;
            }
            out.put_u8(quote);
            for byte in text {
                if *byte == quote || *byte == escape {
                    out.put_u8(escape);
                }
                out.put_u8(*byte);
            }
            out.put_u8(quote);
            return;
        }
        let mut from = 0;
        for (at, byte) in text.iter().enumerate() {
            let sign = match byte {
                8 => b'b',
                12 => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                11 => b'v',
                b'\\' => b'\\',
                other if *other == delimiter => *other,
                _ => continue,
            };
            out.put_slice(&text[from..at]);
            // A delimiter that is a control character is written by its sign too.
            out.put_slice(&[b'\\', sign]);
            from = at + 1;
        }
        out.put_slice(&text[from..]);
    }
}
