//! `information_schema` in PostgreSQL's shape: its columns and type names, not DataFusion's. Relations without a file here are
//! empty, because the lake has no such objects (constraints, triggers, domains …).

mod columns;
mod privileges;
mod routines;
mod tables;
mod typed;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::declared::Declared;
use super::model::{Model, Role};
use super::rows::Rows;

type Builder = fn(&'static Declared, &Model) -> Result<RecordBatch, ArrowError>;

const BUILDERS: &[(&str, Builder)] = &[
    ("attributes", columns::attributes),
    ("character_sets", character_sets),
    ("column_privileges", privileges::columns),
    ("columns", columns::columns),
    ("element_types", columns::element_types),
    ("enabled_roles", enabled_roles),
    ("information_schema_catalog_name", catalog_name),
    ("parameters", routines::parameters),
    ("role_column_grants", privileges::columns),
    ("role_table_grants", privileges::tables),
    ("routines", routines::routines),
    ("schemata", tables::schemata),
    ("table_privileges", privileges::tables),
    ("tables", tables::tables),
    ("user_defined_types", columns::user_defined_types),
    ("views", tables::views),
];

fn builder(name: &str) -> Option<Builder> {
    BUILDERS.iter().find(|(n, _)| *n == name).map(|(_, build)| *build)
}

/// Whether a relation of `information_schema` has no rows in any lake.
pub(crate) fn never_has_rows(declared: &Declared) -> bool {
    builder(declared.name).is_none()
}

/// The rows of a relation of `information_schema`.
///
/// # Errors
/// An Arrow error if rows do not fit the declaration, which would be a defect.
pub(crate) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    match builder(declared.name) {
        Some(build) => build(declared, model),
        None => Rows::<()>::new(declared, &[]).finish(),
    }
}

fn catalog_name(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &[()])
        .column("catalog_name", |()| model.database.as_str())
        .finish()
}

/// `YES` or `NO`, the standard's boolean.
pub(super) fn yes_or_no(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

fn character_sets(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &[()])
        .column("character_set_name", |()| "UTF8")
        .column("character_repertoire", |()| "UCS")
        .column("form_of_use", |()| "UTF8")
        .column("default_collate_catalog", |()| model.database.as_str())
        .finish()
}

fn enabled_roles(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.roles)
        .column("role_name", |r: &Role| r.name.as_str())
        .finish()
}
