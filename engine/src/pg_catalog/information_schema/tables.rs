//! `tables`, `views` and `schemata`.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::SequenceObject;
use std::sync::Arc;

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

/// Those that go with identity columns are left out, as in PostgreSQL.
pub(super) fn sequences(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let sequences = viewer.model.sequences.values().filter(|sequence| {
        let identity = sequence.owned_by.as_ref().is_some_and(|owned| owned.identity);
        let relation = viewer.model.relation(sequence.oid);
        !identity && relation.is_some_and(|relation| viewer.sees(relation))
    });
    let sequences: Vec<&Arc<SequenceObject>> = sequences.collect();
    Rows::new(declared, &sequences)
        .column("sequence_catalog", |_| viewer.model.database.as_str())
        .column("sequence_schema", |s| s.schema.as_str())
        .column("sequence_name", |s| s.name.as_str())
        .column("data_type", |s| s.counting.data_type.as_str())
        .column("numeric_precision", |s| match s.counting.data_type.as_str() {
            "smallint" => 16,
            "integer" => 32,
            _ => 64,
        })
        .column("numeric_precision_radix", |_| 2)
        .column("numeric_scale", |_| 0)
        .column("start_value", |s| s.counting.start.to_string())
        .column("minimum_value", |s| s.counting.minimum.to_string())
        .column("maximum_value", |s| s.counting.maximum.to_string())
        .column("increment", |s| s.counting.increment.to_string())
        .column("cycle_option", |s| yes_or_no(s.counting.cycle))
        .finish()
}
