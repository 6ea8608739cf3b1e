//! PostgreSQL's type names in casts and definitions, where DataFusion's own planner has none: `oid`, `name`, `regclass`,
//! `"char"`, `json`, `uuid`, `pg_catalog.int4` …

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

use super::types;

/// Plans PostgreSQL's type names.
///
/// The fields bear no metadata: DataFusion derives a cast's logical field from its source and its physical field from the
/// target, and metadata on one side only makes the two disagree.
#[derive(Debug, Default)]
pub struct PgTypePlanner;

impl TypePlanner for PgTypePlanner {
    fn plan_type_field(&self, sql_type: &ast::DataType) -> Result<Option<FieldRef>> {
        let planned = match sql_type {
            ast::DataType::Regclass => Some(DataType::UInt32),
            ast::DataType::JSON | ast::DataType::JSONB | ast::DataType::Uuid => Some(DataType::Utf8),
            // Binary digits: up to 24 are real, more or none said are double precision.
            ast::DataType::Float(digits) => match digits {
                ast::ExactNumberInfo::None => Some(DataType::Float64),
                ast::ExactNumberInfo::Precision(1..=24) => Some(DataType::Float32),
                ast::ExactNumberInfo::Precision(25..=53) => Some(DataType::Float64),
                _ => {
                    return plan_err!(
                        "precision for type float must be at least 1 bit and less than 54 bits"
                    );
                }
            },
            ast::DataType::Custom(name, modifiers) if modifiers.is_empty() => custom(name),
            _ => None,
        };
        Ok(planned.map(|data_type| Arc::new(Field::new("", data_type, true)) as FieldRef))
    }
}

fn custom(name: &ast::ObjectName) -> Option<DataType> {
    let typname = type_name(name)?;
    types::arrow_type_named(match typname.as_str() {
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "float" => "float8",
        "character" => "bpchar",
        "decimal" => "numeric",
        other => other,
    })
}

/// The bare name of a type that is unqualified or in one of the system schemas.
pub(crate) fn type_name(name: &ast::ObjectName) -> Option<String> {
    let mut idents = name.0.iter().map(|part| part.as_ident());
    let (schema, last) = match (idents.next()??, idents.next(), idents.next()) {
        (only, None, _) => (None, only),
        (schema, Some(last), None) => (Some(schema), last?),
        _ => return None,
    };
    let system = schema.is_none_or(|s| {
        ["pg_catalog", "information_schema"]
            .iter()
            .any(|n| s.value.eq_ignore_ascii_case(n))
    });
    system.then(|| {
        if last.quote_style.is_some() {
            last.value.clone()
        } else {
            last.value.to_lowercase()
        }
    })
}
