//! PostgreSQL's types of parameters where the engine's own type does not tell: `$1::uuid` is a text to the engine.

use std::collections::HashMap;
use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Field};
use radlake_sql::ast::{self, Expr, Visit, Visitor};

use crate::pg_catalog::pg_type_of;

/// The type OIDs of parameters, given the engine's types of them.
pub(super) fn oids(statement: &ast::Statement, types: &[DataType]) -> Vec<u32> {
    let mut casts = Casts::default();
    let _ = statement.visit(&mut casts);
    types
        .iter()
        .enumerate()
        .map(|(index, data_type)| {
            let field = Field::new("", data_type.clone(), true);
            let named = casts.names.get(&format!("${}", index + 1)).map(|name| {
                let metadata = HashMap::from([("pg_type".to_owned(), (*name).to_owned())]);
                field.clone().with_metadata(metadata)
            });
            match (named, data_type) {
                (Some(named), DataType::Utf8) => pg_type_of(&named).oid,
                _ => pg_type_of(&field).oid,
            }
        })
        .collect()
}

/// The first cast of each parameter to a type that is a text to the engine.
#[derive(Default)]
struct Casts {
    names: HashMap<String, &'static str>,
}

impl Visitor for Casts {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr, data_type, .. } = expr
            && let Expr::Value(value) = expr.as_ref()
            && let ast::Value::Placeholder(parameter) = &value.value
            && let Some(name) = textual(data_type)
        {
            let _ = self.names.entry(parameter.clone()).or_insert(name);
        }
        ControlFlow::Continue(())
    }
}

fn textual(data_type: &ast::DataType) -> Option<&'static str> {
    Some(match data_type {
        ast::DataType::Uuid => "uuid",
        ast::DataType::JSON => "json",
        ast::DataType::JSONB => "jsonb",
        ast::DataType::Varchar(_) | ast::DataType::CharacterVarying(_) => "varchar",
        _ => return None,
    })
}
