//! `pg_index` and `pg_indexes`: keys of tables, and what CREATE INDEX was told.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::keys::Index;
use crate::pg_catalog::types::pg_type_of;
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows, statics};

fn count(index: &Index) -> i64 {
    i64::try_from(index.columns.len()).unwrap_or(i64::MAX)
}

/// The type of an index's column; 0 of an expression.
fn type_of(model: &Model, index: &Index, column: i64) -> u32 {
    let field = usize::try_from(column - 1).ok().and_then(|column| {
        let table = model.relation(index.table)?;
        table.schema.fields().get(column)
    });
    field.map_or(0, |field| pg_type_of(field).oid)
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
        .column("indclass", |i| {
            let classes = i.columns.iter();
            classes
                .map(|column| statics::btree_class(type_of(model, i, *column)))
                .collect::<Vec<_>>()
        })
        .column("indcollation", |i| {
            // That of the database, for texts.
            let collation = |column: &i64| match type_of(model, i, *column) {
                19 | 25 | 1042 | 1043 => 100_i64,
                _ => 0,
            };
            i.columns.iter().map(collation).collect::<Vec<_>>()
        })
        // Ascending, NULLs last.
        .column("indoption", |i| vec![0_i64; i.columns.len()])
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
