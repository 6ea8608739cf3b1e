//! Rows of a table by their keys: what is taken out of it before rows are added.

use std::collections::HashSet;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::prelude::{Expr, col, lit};

use crate::Result;

/// Keys of rows of one table.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    columns: &'static [&'static str],
    /// A column by whose bounds most of the table's files are left unread.
    order: &'static str,
    keys: HashSet<String>,
    range: Option<(String, String)>,
}

/// No value holds it: text in a lake has no NUL.
const BETWEEN: char = '\0';

impl Cut {
    fn new(columns: &'static [&'static str], order: &'static str) -> Self {
        Self {
            columns,
            order,
            keys: HashSet::new(),
            range: None,
        }
    }

    /// Of `imaging.instances`.
    pub(crate) fn instances() -> Self {
        Self::new(&["sop_instance_uid"], "study_instance_uid")
    }

    /// Of `imaging.series`.
    pub(crate) fn series() -> Self {
        Self::new(
            &["study_instance_uid", "series_instance_uid", "provider"],
            "study_instance_uid",
        )
    }

    /// Of `imaging.files`.
    pub(crate) fn files() -> Self {
        Self::new(&["provider", "uri"], "uri")
    }

    /// Of `imaging.sources`.
    pub(crate) fn sources() -> Self {
        Self::new(&["sop_instance_uid", "provider", "uri"], "study_instance_uid")
    }

    /// Of `imaging.segments` and `imaging.measurements`: all rows of an object.
    pub(crate) fn objects() -> Self {
        Self::new(&["sop_instance_uid"], "study_instance_uid")
    }

    /// Adds the row of this key, whose value in the ordered column is `order`.
    pub(crate) fn insert(&mut self, key: &[&str], order: &str) {
        self.keys.insert(join(key.iter().copied()));
        self.range = Some(match self.range.take() {
            None => (order.to_owned(), order.to_owned()),
            Some((from, to)) => (
                if order < from.as_str() {
                    order.to_owned()
                } else {
                    from
                },
                if order > to.as_str() { order.to_owned() } else { to },
            ),
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The columns that [`Cut::staying`] looks at.
    pub(crate) fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// What all of the rows fulfil.
    pub(crate) fn filters(&self) -> Vec<Expr> {
        match &self.range {
            Some((from, to)) => vec![
                col(self.order).gt_eq(lit(from.as_str())),
                col(self.order).lt_eq(lit(to.as_str())),
            ],
            None => Vec::new(),
        }
    }

    /// Which rows of a batch are not of these keys.
    pub(crate) fn staying(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        let columns = self
            .columns
            .iter()
            .map(|name| -> Result<ArrayRef> {
                let index = batch.schema().index_of(name)?;
                Ok(cast(batch.column(index), &DataType::Utf8)?)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut key = String::new();
        Ok((0..batch.num_rows())
            .map(|row| {
                key.clear();
                for (place, column) in columns.iter().enumerate() {
                    if place > 0 {
                        key.push(BETWEEN);
                    }
                    key.push_str(column.as_string::<i32>().value(row));
                }
                Some(!self.keys.contains(&key))
            })
            .collect())
    }
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for (place, part) in parts.enumerate() {
        if place > 0 {
            key.push(BETWEEN);
        }
        key.push_str(part);
    }
    key
}
