//! `table_privileges`, `column_privileges` and the grants of roles: an owner holds every privilege on what it owns.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::yes_or_no;
use crate::pg_catalog::declared::Declared;
use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::rows::Rows;

const TABLE_PRIVILEGES: [&str; 7] = [
    "INSERT",
    "SELECT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
];
const COLUMN_PRIVILEGES: [&str; 4] = ["INSERT", "SELECT", "UPDATE", "REFERENCES"];

pub(super) fn tables(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let relations = model.relations.iter().filter(|r| matches!(r.kind, "r" | "v"));
    let grants: Vec<(&Relation, &str)> = relations.flat_map(|r| TABLE_PRIVILEGES.map(|p| (r, p))).collect();
    Rows::new(declared, &grants)
        .column("grantor", |(r, _)| model.role_name(r.owner))
        .column("grantee", |(r, _)| model.role_name(r.owner))
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |(r, _)| model.schema_name(r.namespace))
        .column("table_name", |(r, _)| r.name.as_str())
        .column("privilege_type", |(_, p)| *p)
        .column("is_grantable", |_| "YES")
        .column("with_hierarchy", |(_, p)| yes_or_no(*p == "SELECT"))
        .finish()
}

pub(super) fn columns(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let relations = model.relations.iter().filter(|r| matches!(r.kind, "r" | "v"));
    let grants: Vec<(&Relation, &str, &str)> = relations
        .flat_map(|r| {
            r.schema
                .fields()
                .iter()
                .flat_map(move |f| COLUMN_PRIVILEGES.map(|p| (r, f.name().as_str(), p)))
        })
        .collect();
    Rows::new(declared, &grants)
        .column("grantor", |(r, _, _)| model.role_name(r.owner))
        .column("grantee", |(r, _, _)| model.role_name(r.owner))
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |(r, _, _)| model.schema_name(r.namespace))
        .column("table_name", |(r, _, _)| r.name.as_str())
        .column("column_name", |(_, column, _)| *column)
        .column("privilege_type", |(_, _, p)| *p)
        .column("is_grantable", |_| "YES")
        .finish()
}
