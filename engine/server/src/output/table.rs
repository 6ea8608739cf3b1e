//! Aligned tables as psql prints them.
//!
//! The widths come from the first rows; what follows is written as it comes, so that the memory needed does not
//! depend on the size of the result.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::values::{Texts, names};
use super::{Sink, Writer};
use crate::failure::Failure;

/// Rows that are looked at for the widths.
const MEASURED: usize = 1_000;

pub(super) struct Table {
    sink: Sink,
    names: Vec<String>,
    right: Vec<bool>,
    texts: Texts,
    widths: Vec<usize>,
    waiting: Vec<Vec<String>>,
    measured: bool,
    rows: usize,
}

impl Table {
    pub(super) fn new(sink: Sink, schema: &SchemaRef) -> Self {
        let names = names(schema);
        let numeric = |kind: &DataType| kind.is_numeric();
        Self {
            sink,
            right: schema
                .fields()
                .iter()
                .map(|field| numeric(field.data_type()))
                .collect(),
            widths: names.iter().map(|name| width(name)).collect(),
            names,
            texts: Texts::new(schema),
            waiting: Vec::new(),
            measured: false,
            rows: 0,
        }
    }

    /// Prints the head and the rows that waited for it.
    fn measure(&mut self) -> Result<(), Failure> {
        if self.measured {
            return Ok(());
        }
        self.measured = true;
        for row in &self.waiting {
            for (width_, cell) in self.widths.iter_mut().zip(row) {
                *width_ = cell.lines().map(width).fold(*width_, usize::max);
            }
        }
        let mut line = String::new();
        for (index, (name, wide)) in self.names.iter().zip(&self.widths).enumerate() {
            let space = wide - width(name);
            let left = space / 2;
            line.push_str(if index == 0 { " " } else { "| " });
            line.push_str(&" ".repeat(left));
            line.push_str(name);
            line.push_str(&" ".repeat(space - left + 1));
        }
        let rule: Vec<String> = self.widths.iter().map(|wide| "-".repeat(wide + 2)).collect();
        writeln!(self.sink, "{}\n{}", line, rule.join("+"))?;
        for row in std::mem::take(&mut self.waiting) {
            self.print(&row)?;
        }
        Ok(())
    }

    fn print(&mut self, row: &[String]) -> Result<(), Failure> {
        let cells: Vec<Vec<&str>> = row.iter().map(|cell| cell.split('\n').collect()).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1);
        for part in 0..height {
            let mut line = String::new();
            for (index, cell) in cells.iter().enumerate() {
                let text = cell.get(part).copied().unwrap_or("");
                let pad = " ".repeat(self.widths[index].saturating_sub(width(text)));
                line.push_str(if index == 0 { " " } else { "| " });
                if self.right[index] {
                    line.push_str(&pad);
                    line.push_str(text);
                } else {
                    line.push_str(text);
                    line.push_str(&pad);
                }
                // psql's mark of a value that goes on below.
                line.push(if part + 1 < cell.len() { '+' } else { ' ' });
            }
            writeln!(self.sink, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Writer for Table {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let bound = self.texts.bind(batch)?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(batch.num_columns());
            for column in 0..batch.num_columns() {
                let text = self.texts.get(&bound, column, row)?.unwrap_or_default();
                cells.push(String::from_utf8_lossy(text).into_owned());
            }
            self.rows += 1;
            if self.measured {
                self.print(&cells)?;
            } else {
                self.waiting.push(cells);
                if self.waiting.len() >= MEASURED {
                    self.measure()?;
                }
            }
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<Sink, Failure> {
        self.measure()?;
        writeln!(
            self.sink,
            "({} row{})\n",
            self.rows,
            if self.rows == 1 { "" } else { "s" }
        )?;
        Ok(self.sink)
    }
}

/// Columns that a text takes on a terminal: East Asian characters take two, combining marks none.
fn width(text: &str) -> usize {
    text.chars()
        .map(|character| match u32::from(character) {
            0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    /// Keeps what was written for the test.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn print(columns: Vec<(&str, ArrayRef)>) -> String {
        let schema = Arc::new(Schema::new(
            columns
                .iter()
                .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
                .collect::<Vec<_>>(),
        ));
        let batch = RecordBatch::try_new(
            schema.clone(),
            columns.into_iter().map(|(_, array)| array).collect(),
        )
        .unwrap();
        let shared = Shared::default();
        let mut table = Box::new(Table::new(Box::new(shared.clone()), &schema));
        table.batch(&batch).unwrap();
        table.end().unwrap();
        let written = shared.0.lock().unwrap().clone();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn a_table_looks_as_in_psql() {
        let printed = print(vec![
            ("n", Arc::new(Int32Array::from(vec![Some(1), None, Some(100)]))),
            (
                "name",
                Arc::new(StringArray::from(vec!["a", "bcdefg\nh", "日本"])),
            ),
        ]);
        // psql: select * from (values (1,'a'),(null,E'bcdefg\nh'),(100,'日本')) v(n, name), without trailing spaces
        let expected =
            "  n  |  name  \n-----+--------\n   1 | a\n     | bcdefg+\n     | h\n 100 | 日本\n(3 rows)\n\n";
        assert_eq!(printed, expected);
    }

    #[test]
    fn later_rows_do_not_wait_for_the_end() {
        let many: Vec<i32> = (0..2_500).collect();
        let printed = print(vec![("n", Arc::new(Int32Array::from(many)))]);
        assert_eq!(printed.lines().count(), 2 + 2_500 + 2);
        assert!(printed.ends_with(" 2499\n(2500 rows)\n\n"));
    }
}
