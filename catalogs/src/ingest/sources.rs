//! `imaging.sources`: who brought an instance, and where the files are that hold it as the lake has it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::target::SeriesKey;

/// One row. Their order is the table's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Source {
    pub(crate) study: String,
    pub(crate) series: String,
    pub(crate) instance: String,
    pub(crate) provider: String,
    pub(crate) uri: String,
}

impl Source {
    /// The row of `imaging.series` that it counts for.
    pub(crate) fn series_key(&self) -> SeriesKey {
        (self.study.clone(), self.series.clone(), self.provider.clone())
    }

    /// Its key.
    pub(crate) fn key(&self) -> [&str; 3] {
        [&self.instance, &self.provider, &self.uri]
    }
}

/// The columns of [`Source`], in its order.
pub(crate) const SOURCE_COLUMNS: [&str; 5] = [
    "study_instance_uid",
    "series_instance_uid",
    "sop_instance_uid",
    "provider",
    "uri",
];

/// The schema of `imaging.sources`; each field's metadata has its meaning under `comment`.
pub fn sources_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields = [
            ("sop_instance_uid", DataType::Utf8, "The instance"),
            ("series_instance_uid", DataType::Utf8, "Its series"),
            ("study_instance_uid", DataType::Utf8, "Its study"),
            ("provider", DataType::Utf8, "Who brought it; several may have"),
            (
                "uri",
                DataType::Utf8,
                "A file that holds it, as imaging.files names it; the same instance may be in several",
            ),
            (
                "ingested_epoch",
                DataType::Int64,
                "Epoch of the lake that made the row visible",
            ),
        ];
        let field = |(name, data_type, meaning): (&str, DataType, &str)| {
            Field::new(name, data_type, false)
                .with_metadata(HashMap::from([("comment".to_owned(), meaning.to_owned())]))
        };
        Arc::new(Schema::new(fields.map(field).to_vec()))
    });
    Arc::clone(&SCHEMA)
}

/// Rows as a batch of [`sources_schema`].
///
/// # Errors
/// None that a caller could cause.
pub(crate) fn to_batch(rows: &[Source], epoch: i64) -> Result<RecordBatch, ArrowError> {
    fn texts<'a>(rows: &'a [Source], f: impl Fn(&'a Source) -> &'a str) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(f)))
    }
    let columns: Vec<ArrayRef> = vec![
        texts(rows, |r| &r.instance),
        texts(rows, |r| &r.series),
        texts(rows, |r| &r.study),
        texts(rows, |r| &r.provider),
        texts(rows, |r| &r.uri),
        Arc::new(Int64Array::from_value(epoch, rows.len())),
    ];
    RecordBatch::try_new(sources_schema(), columns)
}
