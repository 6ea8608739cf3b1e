//! `pg_tables`: tables by name.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let tables: Vec<&Relation> = model.relations.iter().filter(|r| r.kind == "r").collect();
    Rows::new(declared, &tables)
        .column("schemaname", |r| model.schema_name(r.namespace))
        .column("tablename", |r| r.name.as_str())
        .column("tableowner", |r| model.role_name(r.owner))
        .column("hasindexes", |_| false)
        .column("hasrules", |_| false)
        .column("hastriggers", |_| false)
        .column("rowsecurity", |r| r.row_security.enabled)
        .finish()
}
