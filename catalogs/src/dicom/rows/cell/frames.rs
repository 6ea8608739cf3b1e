//! Cells that take what the functional groups of frames say.

use arrow::array::ArrayBuilder;

use super::{Builder, Cell, Value};
use crate::dicom::{
    Vr,
    rows::distinct::{Distinct, Entry},
};

impl Cell {
    /// Notes what the functional groups of a frame say, and tells whether it parsed.
    pub(in crate::dicom::rows) fn note_frame(&mut self, value: &Value<'_>, vr: Vr) -> bool {
        match &mut self.frames {
            Some(frames) if !value.is_empty() => frames.note(value, vr, self.data_type),
            _ => true,
        }
    }

    /// Puts what the frames said into row `row`, unless it has a value of its own. Gives the bytes that an array of frames took.
    pub(super) fn put_frames(&mut self, row: usize) -> usize {
        let Some(mut frames) = self.frames.take_if(|frames| !frames.is_empty()) else {
            return 0;
        };
        let mut bytes = 0;
        if self.filled <= row && !frames.entries().is_empty() {
            let put = match frames.only() {
                _ if self.all_frames => {
                    self.pad(row);
                    put_all(&mut self.builder, &frames)
                }
                Some(entry) => put(&mut self.builder, entry),
                None => None,
            };
            if let Some(n) = put {
                self.filled = row + 1;
                if self.all_frames {
                    bytes = n;
                } else {
                    self.text += n;
                }
            }
        }
        frames.clear();
        self.frames = Some(frames);
        bytes
    }

    /// Arrays of frames are few: the rows before one, or the end, get their NULLs at once.
    pub(super) fn pad(&mut self, rows: usize) {
        match &mut self.builder {
            Builder::TextList(b) => (b.len()..rows).for_each(|_| b.append(false)),
            Builder::IntList(b) => (b.len()..rows).for_each(|_| b.append(false)),
            Builder::FloatList(b) => (b.len()..rows).for_each(|_| b.append(false)),
            _ => {}
        }
    }
}

/// Puts the value that all frames have. Gives the bytes of its text; `None` if the column's type does not hold it.
fn put(builder: &mut Builder, entry: &Entry) -> Option<usize> {
    match builder {
        Builder::Text(b) => {
            b.append_value(entry.text()?);
        }
        Builder::TextList(b) => {
            for part in entry.text()?.split('\\') {
                b.values()
                    .append_option(Some(part).filter(|part| !part.is_empty()));
            }
            b.append(true);
        }
        Builder::Int(b) => {
            let [number] = entry.integers()?.try_into().ok()?;
            b.append_value(number);
        }
        Builder::Float(b) => b.append_value(entry.number()?),
        Builder::FloatList(b) => {
            b.values().append_slice(entry.numbers());
            b.append(true);
        }
        Builder::IntList(_)
        | Builder::Long(_)
        | Builder::Date(_)
        | Builder::Time(_)
        | Builder::Timestamp(_)
        | Builder::Code(_) => return None,
    }
    Some(entry.text().map_or(0, str::len))
}

/// Puts all values: the numbers of each behind one another, of several texts one joined text.
fn put_all(builder: &mut Builder, frames: &Distinct) -> Option<usize> {
    let mut bytes = 0;
    match builder {
        Builder::TextList(b) => {
            for text in frames.entries().iter().filter_map(Entry::text) {
                bytes += text.len() + 8;
                b.values().append_value(text);
            }
            b.append(true);
        }
        Builder::IntList(b) => {
            let all: Option<Vec<_>> = frames.entries().iter().map(Entry::integers).collect();
            all?.iter().for_each(|numbers| b.values().append_slice(numbers));
            b.append(true);
        }
        Builder::FloatList(b) => {
            for entry in frames.entries() {
                bytes += 8 * entry.numbers().len();
                b.values().append_slice(entry.numbers());
            }
            b.append(true);
        }
        _ => return None,
    }
    Some(bytes)
}
