//! `pg_index` and `pg_indexes`: keys of tables, and what CREATE INDEX was told.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::keys::Index;
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

fn count(index: &Index) -> i64 {
    i64::try_from(index.columns.len()).unwrap_or(i64::MAX)
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.indexes)
        .column("indexrelid", |i| i.oid)
        .column("indrelid", |i| i.table)
        .column("indnatts", count)
        .column("indnkeyatts", count)
        .column("indisunique", |i| i.unique)
        .column("indisprimary", |i| i.primary)
        .column("indimmediate", |_| true)
        .column("indisvalid", |_| true)
        .column("indisready", |_| true)
        .column("indislive", |_| true)
        .column("indkey", |i| i.columns.clone())
        .finish()
}

pub(super) fn by_name(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.indexes)
        .column("schemaname", |i| {
            let relation = model.relation(i.oid);
            relation.map(|r| model.schema_name(r.namespace).to_owned())
        })
        .column("tablename", |i| model.relation(i.table).map(|r| r.name.as_str()))
        .column("indexname", |i| model.relation(i.oid).map(|r| r.name.as_str()))
        .column("indexdef", |i| i.definition.as_str())
        .finish()
}
