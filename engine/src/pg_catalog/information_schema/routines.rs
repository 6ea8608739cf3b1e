//! `routines` and `parameters`: functions of ours.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::viewer::Viewer;
use super::{typed, yes_or_no};
use crate::pg_catalog::declared::Declared;
use crate::pg_catalog::function::Function;
use crate::pg_catalog::rows::Rows;
use crate::pg_catalog::types::PgType;

fn specific_name(f: &Function) -> String {
    format!("{}_{}", f.name, f.oid)
}

pub(super) fn routines(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let functions = viewer.model.functions.iter();
    let functions: Vec<&Function> = functions.filter(|f| viewer.calls(f)).collect();
    Rows::new(declared, &functions)
        .column("specific_catalog", |_| viewer.model.database.as_str())
        .column("specific_schema", |_| "public")
        .column("specific_name", |f| specific_name(f))
        .column("routine_catalog", |_| viewer.model.database.as_str())
        .column("routine_schema", |_| "public")
        .column("routine_name", |f| f.name.as_str())
        .column("routine_type", |_| "FUNCTION")
        .column("data_type", |f| typed::data_type(&f.result))
        .column("type_udt_catalog", |_| viewer.model.database.as_str())
        .column("type_udt_schema", |f| typed::udt(viewer.model, &f.result).0)
        .column("type_udt_name", |f| typed::udt(viewer.model, &f.result).1)
        .column("dtd_identifier", |_| "0")
        .column("routine_body", |_| "EXTERNAL")
        .column("external_language", |_| "INTERNAL")
        .column("parameter_style", |_| "GENERAL")
        .column("is_deterministic", |f| yes_or_no(f.volatility == "i"))
        .column("sql_data_access", |_| "MODIFIES")
        .column("is_null_call", |_| "NO")
        .column("schema_level_routine", |_| "YES")
        .column("max_dynamic_result_sets", |_| 0)
        .column("security_type", |_| "INVOKER")
        .column("as_locator", |_| "NO")
        .column("is_udt_dependent", |_| "NO")
        .finish()
}

pub(super) fn parameters(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let parameters: Vec<(&Function, usize, &PgType)> = viewer
        .model
        .functions
        .iter()
        .filter(|f| viewer.calls(f))
        .flat_map(|f| f.arguments.iter().enumerate().map(move |(i, a)| (f, i, a)))
        .collect();
    Rows::new(declared, &parameters)
        .column("specific_catalog", |_| viewer.model.database.as_str())
        .column("specific_schema", |_| "public")
        .column("specific_name", |(f, _, _)| specific_name(f))
        .column("ordinal_position", |(_, i, _)| {
            i64::try_from(i + 1).unwrap_or(i64::MAX)
        })
        .column("parameter_mode", |_| "IN")
        .column("is_result", |_| "NO")
        .column("as_locator", |_| "NO")
        .column("parameter_name", |(f, i, _)| {
            f.argument_names.get(*i).map(String::as_str)
        })
        .column("data_type", |(_, _, a)| typed::data_type(a))
        .column("udt_catalog", |_| viewer.model.database.as_str())
        .column("udt_schema", |(_, _, a)| typed::udt(viewer.model, a).0)
        .column("udt_name", |(_, _, a)| typed::udt(viewer.model, a).1)
        .column("dtd_identifier", |(_, i, _)| (i + 1).to_string())
        .finish()
}
