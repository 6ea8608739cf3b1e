//! `information_schema` in PostgreSQL's shape: its columns and type names, not DataFusion's. Relations without a file here are
//! empty, because the lake has no such objects (triggers, domains …).

mod columns;
mod constraints;
mod privileges;
mod routines;
mod tables;
mod typed;
mod viewer;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::declared::Declared;
use super::rows::Rows;
pub(crate) use viewer::Viewer;

type Builder = fn(&'static Declared, &Viewer<'_>) -> Result<RecordBatch, ArrowError>;

const BUILDERS: &[(&str, Builder)] = &[
    ("administrable_role_authorizations", privileges::applicable_roles),
    ("applicable_roles", privileges::applicable_roles),
    ("attributes", columns::attributes),
    ("character_sets", character_sets),
    ("check_constraints", constraints::check_constraints),
    ("column_privileges", privileges::columns),
    ("columns", columns::columns),
    ("constraint_column_usage", constraints::constraint_column_usage),
    ("constraint_table_usage", constraints::constraint_table_usage),
    ("element_types", columns::element_types),
    ("enabled_roles", privileges::enabled_roles),
    ("information_schema_catalog_name", catalog_name),
    ("key_column_usage", constraints::key_column_usage),
    ("parameters", routines::parameters),
    ("referential_constraints", constraints::referential_constraints),
    ("role_column_grants", privileges::columns),
    ("role_table_grants", privileges::tables),
    ("routines", routines::routines),
    ("schemata", tables::schemata),
    ("sequences", tables::sequences),
    ("table_constraints", constraints::table_constraints),
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

/// The rows of a relation of `information_schema` that concern who asks.
///
/// # Errors
/// An Arrow error if rows do not fit the declaration, which would be a defect.
pub(crate) fn rows(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    match builder(declared.name) {
        Some(build) => build(declared, viewer),
        None => Rows::<()>::new(declared, &[]).finish(),
    }
}

fn catalog_name(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &[()])
        .column("catalog_name", |()| viewer.model.database.as_str())
        .finish()
}

/// `YES` or `NO`, the standard's boolean.
pub(super) fn yes_or_no(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

fn character_sets(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &[()])
        .column("character_set_name", |()| "UTF8")
        .column("character_repertoire", |()| "UCS")
        .column("form_of_use", |()| "UTF8")
        .column("default_collate_catalog", |()| viewer.model.database.as_str())
        .finish()
}
