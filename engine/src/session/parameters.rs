//! PostgreSQL's types of parameters where the engine's own type does not tell, as `$1::uuid`, a text to the engine; and where
//! planning does not find them, as lists in `= ANY ($1)`.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::logical_expr::LogicalPlan;
use radlake_sql::Statement;
use radlake_sql::ast::{self, Expr, Visit, VisitMut, Visitor, VisitorMut};
use radlake_udfs::vectors;

use super::prepared::parameter_types;
use crate::Result;
use crate::pg_catalog::{pg_type_of, type_name};
use crate::planner::Planner;

/// Plans a statement whose parameters' types are not all known. A list without a type, as in `a = ANY ($1)`, has elements of the
/// type that `$1` has in `a = $1`, as in PostgreSQL.
pub(crate) async fn plan(
    planner: &Planner,
    statement: &Statement,
    types: &[Option<DataType>],
) -> Result<LogicalPlan> {
    let mut elements = Elements::default();
    let mut ast = statement.ast().clone();
    let _ = VisitMut::visit(&mut ast, &mut elements);
    let open: Vec<usize> = elements
        .places
        .into_iter()
        .filter(|place| !matches!(types.get(*place), Some(Some(_))))
        .collect();
    if open.is_empty() {
        return planner.plan(statement, types).await;
    }
    let found = match planner.plan(&statement.within(ast), types).await {
        Ok(plan) => parameter_types(&plan, types)?,
        // What is wrong with it is said of the statement as it was written.
        Err(_) => Vec::new(),
    };
    let mut types = types.to_vec();
    for place in open {
        let element = found.get(place).cloned().flatten().unwrap_or(DataType::Utf8);
        if types.len() <= place {
            types.resize(place + 1, None);
        }
        types[place] = Some(DataType::List(Arc::new(Field::new_list_field(element, true))));
    }
    planner.plan(statement, &types).await
}

/// Makes `a op $1` of `a op ANY ($1)` and of ALL, and keeps which parameters those were, counted from 0.
#[derive(Default)]
struct Elements {
    places: Vec<usize>,
}

impl VisitorMut for Elements {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        }
        | Expr::AllOp {
            left,
            compare_op,
            right,
        } = expr
            && let Some(place) = placeholder(right)
        {
            self.places.push(place);
            *expr = Expr::BinaryOp {
                left: left.clone(),
                op: compare_op.clone(),
                right: right.clone(),
            };
        }
        ControlFlow::Continue(())
    }
}

/// The number of a parameter, from 0; of nothing else.
fn placeholder(mut expr: &Expr) -> Option<usize> {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    let Expr::Value(value) = expr else { return None };
    let ast::Value::Placeholder(name) = &value.value else {
        return None;
    };
    name.strip_prefix('$')?
        .parse::<usize>()
        .ok()?
        .checked_sub(1)
        .filter(|place| *place < super::prepared::MAX_PARAMETERS)
}

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
        if let Expr::BinaryOp { left, op, right } = expr
            && let ast::BinaryOperator::Custom(operator) = op
            && vectors::Metric::of_operator(operator).is_some()
        {
            for side in [left, right] {
                if let Expr::Value(value) = side.as_ref()
                    && let ast::Value::Placeholder(parameter) = &value.value
                {
                    let _ = self.names.entry(parameter.clone()).or_insert(vectors::TYPE);
                }
            }
        }
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
        ast::DataType::Custom(name, _) if type_name(name).is_some_and(|name| name == vectors::TYPE) => {
            vectors::TYPE
        }
        ast::DataType::Varchar(_) | ast::DataType::CharacterVarying(_) => "varchar",
        _ => return None,
    })
}
