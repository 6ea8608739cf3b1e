//! COPY's binary format: a signature, then rows of lengths and values.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Builder, RecordBatch};
use bytes::{Buf, BytesMut};
use radlake::{Error, Rejected};

use super::cells::Cells;
use super::fields::{Shape, arrow_error, malformed};

/// What a file begins with.
pub(crate) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Bytes after which rows become a batch.
const BATCH: usize = 1 << 20;
/// Bytes of the longest value, as in PostgreSQL.
const LONGEST: usize = 0x3fff_ffff;

/// Reads a stream of the format.
pub(crate) struct Reader {
    buffer: BytesMut,
    begun: bool,
    ended: bool,
    row: i64,
    taken: usize,
    lines: Int64Builder,
    kept: Vec<bool>,
    columns: Vec<Cells>,
}

impl Reader {
    pub(crate) fn new(shape: &Shape) -> Self {
        Self {
            buffer: BytesMut::new(),
            begun: false,
            ended: false,
            row: 0,
            taken: 0,
            lines: Int64Builder::new(),
            kept: Vec::new(),
            columns: columns(shape),
        }
    }

    /// Takes a piece in; gives a batch if there are enough rows.
    pub(crate) fn push(&mut self, piece: &[u8], shape: &Shape) -> Result<Option<RecordBatch>, Error> {
        if self.ended {
            return match piece.is_empty() {
                true => Ok(None),
                false => Err(shape.at(self.row, None, malformed("received copy data after EOF marker"))),
            };
        }
        self.buffer.extend_from_slice(piece);
        if !self.begun && !self.begin()? {
            return Ok(None);
        }
        while !self.ended && self.tuple(shape)? {}
        if self.ended && !self.buffer.is_empty() {
            return Err(shape.at(self.row, None, malformed("received copy data after EOF marker")));
        }
        match self.taken >= BATCH {
            true => self.batch(shape).map(Some),
            false => Ok(None),
        }
    }

    /// The stream is over: the last rows.
    pub(crate) fn finish(&mut self, shape: &Shape) -> Result<Option<RecordBatch>, Error> {
        if !self.begun {
            return Err(malformed("COPY file signature not recognized"));
        }
        // Files end without a trailer too; a row must be whole.
        if !self.ended && !self.buffer.is_empty() {
            return Err(shape.at(self.row + 1, None, malformed("unexpected EOF in COPY data")));
        }
        match self.kept.is_empty() {
            true => Ok(None),
            false => self.batch(shape).map(Some),
        }
    }

    fn begin(&mut self) -> Result<bool, Error> {
        let compared = self.buffer.len().min(SIGNATURE.len());
        if self.buffer[..compared] != SIGNATURE[..compared] {
            return Err(malformed("COPY file signature not recognized"));
        }
        let Some(head) = self.buffer.get(SIGNATURE.len()..SIGNATURE.len() + 8) else {
            return Ok(false);
        };
        let (mut flags, mut extension) = (&head[..4], &head[4..]);
        let (flags, extension) = (flags.get_i32(), extension.get_i32());
        if flags & 1 << 16 != 0 {
            return Err(malformed("invalid COPY file header (WITH OIDS)"));
        }
        if flags >> 16 != 0 {
            return Err(malformed("unrecognized critical flags in COPY file header"));
        }
        let Some(extension) = usize::try_from(extension)
            .ok()
            .filter(|length| *length <= LONGEST)
        else {
            return Err(malformed("invalid COPY file header (missing length)"));
        };
        let whole = SIGNATURE.len() + 8 + extension;
        if self.buffer.len() < whole {
            return Ok(false);
        }
        self.buffer.advance(whole);
        self.begun = true;
        Ok(true)
    }

    /// Reads a row if all of it is there.
    fn tuple(&mut self, shape: &Shape) -> Result<bool, Error> {
        let at = |error| shape.at(self.row + 1, None, error);
        let mut rest = &self.buffer[..];
        let Ok(count) = rest.try_get_i16() else {
            return Ok(false);
        };
        if count == -1 {
            self.ended = true;
            self.buffer.advance(2);
            return Ok(true);
        }
        let width = self.columns.len();
        if usize::try_from(count).ok() != Some(width) {
            return Err(at(malformed(format!(
                "row field count is {count}, expected {width}"
            ))));
        }
        let mut spans = Vec::with_capacity(width);
        let mut from = 2;
        for _ in 0..width {
            let Some(mut length) = self.buffer.get(from..from + 4) else {
                return Ok(false);
            };
            from += 4;
            match length.get_i32() {
                -1 => spans.push(None),
                length => {
                    let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST);
                    let length = length.ok_or_else(|| at(malformed("invalid field size")))?;
                    if self.buffer.len() < from + length {
                        return Ok(false);
                    }
                    spans.push(Some(from..from + length));
                    from += length;
                }
            }
        }
        self.row += 1;
        self.lines.append_value(self.row);
        let mut problem = None;
        for (column, span) in spans.into_iter().enumerate() {
            let cells = &mut self.columns[column];
            let value = span.filter(|_| problem.is_none());
            let appended = match value {
                Some(span) => cells.binary(&self.buffer[span], &shape.zone),
                None => cells.null(),
            };
            if let Err(error) = appended {
                cells.null()?;
                problem = Some((column, error));
            }
        }
        self.kept.push(problem.is_none());
        if let Some((column, error)) = problem {
            let Some(rejects) = &shape.rejects else {
                return Err(shape.at(self.row, Some(column), error));
            };
            rejects.add(Rejected {
                line: self.row,
                column: Some(shape.name(column)),
                reason: error.to_string(),
            })?;
        }
        self.buffer.advance(from);
        self.taken += from;
        Ok(true)
    }

    fn batch(&mut self, shape: &Shape) -> Result<RecordBatch, Error> {
        self.taken = 0;
        let kept = BooleanArray::from(std::mem::take(&mut self.kept));
        let cells = std::mem::replace(&mut self.columns, columns(shape));
        let lines = std::iter::once(Ok(Arc::new(self.lines.finish()) as ArrayRef));
        let arrays = lines
            .chain(cells.into_iter().map(Cells::finish))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&shape.schema), arrays).map_err(arrow_error)?;
        arrow::compute::filter_record_batch(&batch, &kept).map_err(arrow_error)
    }
}

fn columns(shape: &Shape) -> Vec<Cells> {
    let fields = shape.schema.fields().iter().skip(1);
    fields.map(|field| Cells::new(field, 0)).collect()
}
