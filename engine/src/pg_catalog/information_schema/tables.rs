//! `tables`, `views` and `schemata`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::viewer::Viewer;
use super::yes_or_no;
use crate::pg_catalog::declared::Declared;
use crate::pg_catalog::model::{Namespace, Relation};
use crate::pg_catalog::rows::Rows;

pub(super) fn tables(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let tables: Vec<&Relation> = viewer
        .model
        .relations
        .iter()
        .filter(|r| matches!(r.kind, "r" | "v") && viewer.sees(r))
        .collect();
    Rows::new(declared, &tables)
        .column("table_catalog", |_| viewer.model.database.as_str())
        .column("table_schema", |r| viewer.model.schema_name(r.namespace))
        .column("table_name", |r| r.name.as_str())
        .column("table_type", |r| match r.kind {
            "v" => "VIEW",
            _ if viewer.model.is_temporary(r) => "LOCAL TEMPORARY",
            _ => "BASE TABLE",
        })
        .column("is_insertable_into", |r| yes_or_no(r.kind == "r"))
        .column("is_typed", |_| "NO")
        .finish()
}

pub(super) fn views(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let relations = viewer.model.relations.iter();
    let views: Vec<&Relation> = relations.filter(|r| r.kind == "v" && viewer.sees(r)).collect();
    Rows::new(declared, &views)
        .column("table_catalog", |_| viewer.model.database.as_str())
        .column("table_schema", |r| viewer.model.schema_name(r.namespace))
        .column("table_name", |r| r.name.as_str())
        // The text is its owner's alone.
        .column("view_definition", |r| {
            r.sql.as_deref().filter(|_| viewer.is(r.owner))
        })
        .column("check_option", |_| "NONE")
        .column("is_updatable", |_| "NO")
        .column("is_insertable_into", |_| "NO")
        .column("is_trigger_updatable", |_| "NO")
        .column("is_trigger_deletable", |_| "NO")
        .column("is_trigger_insertable_into", |_| "NO")
        .finish()
}

pub(super) fn schemata(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let namespaces = viewer.model.namespaces.iter();
    let namespaces: Vec<&Namespace> = namespaces.filter(|n| viewer.uses(n)).collect();
    Rows::new(declared, &namespaces)
        .column("catalog_name", |_| viewer.model.database.as_str())
        .column("schema_name", |n| n.name.as_str())
        .column("schema_owner", |n| viewer.model.role_name(n.owner))
        .finish()
}
