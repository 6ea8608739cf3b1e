//! CSV as PostgreSQL's `COPY … CSV HEADER` writes it: NULL is nothing, the empty string is `""`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::values::{Texts, names};
use super::{Sink, Writer};
use crate::failure::Failure;

pub(super) struct Csv {
    sink: Sink,
    texts: Texts,
}

impl Csv {
    pub(super) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        for (index, name) in names(schema).iter().enumerate() {
            if index > 0 {
                sink.write_all(b",")?;
            }
            field(&mut sink, name.as_bytes())?;
        }
        sink.write_all(b"\n")?;
        Ok(Self {
            sink,
            texts: Texts::new(schema),
        })
    }
}

impl Writer for Csv {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let bound = self.texts.bind(batch)?;
        for row in 0..batch.num_rows() {
            for column in 0..batch.num_columns() {
                if column > 0 {
                    self.sink.write_all(b",")?;
                }
                if let Some(text) = self.texts.get(&bound, column, row)? {
                    field(&mut self.sink, text)?;
                }
            }
            self.sink.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(self: Box<Self>) -> Result<Sink, Failure> {
        Ok(self.sink)
    }
}

fn field(sink: &mut impl Write, text: &[u8]) -> std::io::Result<()> {
    let quoted =
        text.is_empty() || text == b"\\." || text.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
    if !quoted {
        return sink.write_all(text);
    }
    sink.write_all(b"\"")?;
    for (index, part) in text.split(|b| *b == b'"').enumerate() {
        if index > 0 {
            sink.write_all(b"\"\"")?;
        }
        sink.write_all(part)?;
    }
    sink.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let written = |text: &str| {
            let mut out = Vec::new();
            field(&mut out, text.as_bytes()).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written("plain text"), "plain text");
        assert_eq!(written(""), "\"\"");
        assert_eq!(written("a,b"), "\"a,b\"");
        assert_eq!(written("a\"b"), "\"a\"\"b\"");
        assert_eq!(written("a\nb"), "\"a\nb\"");
        assert_eq!(written("\\."), "\"\\.\"");
    }
}
