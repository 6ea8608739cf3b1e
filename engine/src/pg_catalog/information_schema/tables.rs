//! `tables`, `views` and `schemata`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::yes_or_no;
use crate::pg_catalog::declared::Declared;
use crate::pg_catalog::model::{Model, Namespace, Relation};
use crate::pg_catalog::rows::Rows;

pub(super) fn tables(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let tables: Vec<&Relation> = model
        .relations
        .iter()
        .filter(|r| matches!(r.kind, "r" | "v"))
        .collect();
    Rows::new(declared, &tables)
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |r| model.schema_name(r.namespace))
        .column("table_name", |r| r.name.as_str())
        .column(
            "table_type",
            |r| if r.kind == "v" { "VIEW" } else { "BASE TABLE" },
        )
        .column("is_insertable_into", |r| yes_or_no(r.kind == "r"))
        .column("is_typed", |_| "NO")
        .finish()
}

pub(super) fn views(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let views: Vec<&Relation> = model.relations.iter().filter(|r| r.kind == "v").collect();
    Rows::new(declared, &views)
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |r| model.schema_name(r.namespace))
        .column("table_name", |r| r.name.as_str())
        .column("view_definition", |r| r.sql.as_deref())
        .column("check_option", |_| "NONE")
        .column("is_updatable", |_| "NO")
        .column("is_insertable_into", |_| "NO")
        .column("is_trigger_updatable", |_| "NO")
        .column("is_trigger_deletable", |_| "NO")
        .column("is_trigger_insertable_into", |_| "NO")
        .finish()
}

pub(super) fn schemata(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.namespaces)
        .column("catalog_name", |_| model.database.as_str())
        .column("schema_name", |n: &Namespace| n.name.as_str())
        .column("schema_owner", |n| model.role_name(n.owner))
        .finish()
}
