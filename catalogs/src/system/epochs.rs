//! `system.epochs`: who committed what, when.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Result;

/// One commit of the lake, as its catalog's log tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch.
    pub epoch: u64,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Role that asked for it, if one did.
    pub user: Option<String>,
    /// Kind of statement: `INSERT`, `CREATE TABLE`, `INGEST`, …
    pub statement: String,
    /// Tables whose rows or columns it changed.
    pub tables: Vec<TableRecord>,
    /// Why it changed nothing, if it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted: Option<String>,
}

/// What a commit did to one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Identity of the table.
    pub oid: u32,
    /// Qualified name at that time.
    pub table: String,
    /// Version of its Delta log.
    pub version: i64,
    /// Rows written.
    pub rows_in: u64,
    /// Rows of the files that were taken out.
    pub rows_out: u64,
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str, data_type, nullable, comment: &str| {
        Field::new(name, data_type, nullable)
            .with_metadata([("comment".to_owned(), comment.to_owned())].into())
    };
    let names = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        column("epoch", DataType::Int64, false, "Number of the epoch"),
        column("committed_at", at, false, "When it was committed"),
        column("role", DataType::Utf8, true, "Role that committed it"),
        column("statement", DataType::Utf8, false, "Kind of statement"),
        column("tables", names, false, "Tables that it changed"),
        column("rows_in", DataType::Int64, false, "Rows written"),
        column(
            "rows_out",
            DataType::Int64,
            false,
            "Rows of the files that were taken out",
        ),
        column(
            "aborted",
            DataType::Utf8,
            true,
            "Why it changed nothing, if it was taken back",
        ),
    ]))
});

/// Columns of `system.epochs`.
pub fn epochs_schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// Rows of `system.epochs`.
pub fn epochs_to_batch(records: &[EpochRecord]) -> Result<RecordBatch> {
    let mut tables = ListBuilder::new(StringBuilder::new());
    for record in records {
        tables.append_value(record.tables.iter().map(|table| Some(table.table.as_str())));
    }
    let sum = |of: fn(&TableRecord) -> u64| {
        Int64Array::from_iter_values(
            records
                .iter()
                .map(|record| record.tables.iter().map(of).sum::<u64>() as i64),
        )
    };
    Ok(RecordBatch::try_new(
        epochs_schema(),
        vec![
            Arc::new(Int64Array::from_iter_values(
                records.iter().map(|record| record.epoch as i64),
            )),
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    records.iter().map(|record| record.at.timestamp_micros()),
                )
                .with_timezone("UTC"),
            ),
            Arc::new(
                records
                    .iter()
                    .map(|record| record.user.as_deref())
                    .collect::<StringArray>(),
            ),
            Arc::new(StringArray::from_iter_values(
                records.iter().map(|record| &record.statement),
            )),
            Arc::new(tables.finish()),
            Arc::new(sum(|table| table.rows_in)),
            Arc::new(sum(|table| table.rows_out)),
            Arc::new(
                records
                    .iter()
                    .map(|record| record.aborted.as_deref())
                    .collect::<StringArray>(),
            ),
        ],
    )?)
}
