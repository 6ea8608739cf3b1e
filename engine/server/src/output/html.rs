//! A page that a browser shows: a table per result; pictures in `bytea` columns (PNG, JPEG) are shown, not spelt out.

use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::values::{Texts, names};
use super::{Sink, Writer};
use crate::failure::Failure;

/// What stands before the first result. The page asks for nothing from elsewhere, and says so to the browser.
pub(super) const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">
<title>Radlake</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0 2em }
th, td { padding: .3em .7em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: middle; white-space: pre-wrap }
td.n { text-align: right; font-variant-numeric: tabular-nums }
td.null { color: #999 }
img { display: block; background: #000 }
</style>
";

pub(super) struct Html {
    sink: Sink,
    texts: Texts,
    numeric: Vec<bool>,
}

impl Html {
    pub(super) fn new(mut sink: Sink, schema: &SchemaRef) -> Result<Self, Failure> {
        sink.write_all(b"<table>\n<tr>")?;
        for name in names(schema) {
            write!(sink, "<th>{}", escaped(&name))?;
        }
        sink.write_all(b"\n")?;
        Ok(Self {
            sink,
            texts: Texts::new(schema),
            numeric: schema
                .fields()
                .iter()
                .map(|field| field.data_type().is_numeric())
                .collect(),
        })
    }
}

impl Writer for Html {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let bound = self.texts.bind(batch)?;
        for row in 0..batch.num_rows() {
            self.sink.write_all(b"<tr>")?;
            for column in 0..batch.num_columns() {
                if let Some((kind, bytes)) = picture(batch.column(column).as_ref(), row) {
                    write!(
                        self.sink,
                        "<td><img alt=\"\" src=\"data:image/{kind};base64,{}\">",
                        STANDARD.encode(bytes)
                    )?;
                    continue;
                }
                match self.texts.get(&bound, column, row)? {
                    None => self.sink.write_all(b"<td class=\"null\">")?,
                    Some(text) => {
                        let class = if self.numeric[column] { " class=\"n\"" } else { "" };
                        write!(
                            self.sink,
                            "<td{class}>{}",
                            escaped(&String::from_utf8_lossy(text))
                        )?;
                    }
                }
            }
            self.sink.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<Sink, Failure> {
        self.sink.write_all(b"</table>\n")?;
        Ok(self.sink)
    }
}

/// The picture that a value is, judged by its first bytes, and its kind.
fn picture(column: &dyn Array, row: usize) -> Option<(&'static str, &[u8])> {
    if column.is_null(row) {
        return None;
    }
    let bytes = match column.data_type() {
        DataType::Binary => column.as_binary::<i32>().value(row),
        DataType::LargeBinary => column.as_binary::<i64>().value(row),
        DataType::BinaryView => column.as_binary_view().value(row),
        _ => return None,
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(("png", bytes))
    } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        Some(("jpeg", bytes))
    } else {
        None
    }
}

/// A text between tags.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BinaryArray, Int32Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    #[test]
    fn pictures_are_known_by_what_they_are() {
        let column = BinaryArray::from_opt_vec(vec![
            Some(b"\x89PNG\r\n\x1a\nrest".as_slice()),
            Some(b"\xFF\xD8\xFF\xE0"),
            Some(b"<svg onload=x>"),
            None,
        ]);
        let kinds: Vec<_> = (0..4)
            .map(|row| picture(&column, row).map(|(kind, _)| kind))
            .collect();
        assert_eq!(kinds, [Some("png"), Some("jpeg"), None, None]);
    }

    #[test]
    fn values_are_text_and_never_markup() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("<b>", DataType::Utf8, true),
            Field::new("n", DataType::Int32, true),
        ]));
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(StringArray::from(vec![Some("<script>\"&"), None])),
                Arc::new(Int32Array::from(vec![Some(7), None])),
            ],
        )
        .unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let sink: Sink = Box::new(file.reopen().unwrap());
        let mut page = Box::new(Html::new(sink, &schema).unwrap());
        page.batch(&batch).unwrap();
        page.end().unwrap().flush().unwrap();
        assert_eq!(
            std::fs::read_to_string(file.path()).unwrap(),
            "<table>\n<tr><th>&lt;b&gt;<th>n\n<tr><td>&lt;script&gt;&quot;&amp;<td class=\"n\">7\n\
             <tr><td class=\"null\"><td class=\"null\">\n</table>\n"
        );
    }
}
