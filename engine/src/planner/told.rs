//! PostgreSQL types of results that their Arrow types do not tell: what functions of the catalog give, and what CASE, coalesce and
//! sub-queries take from such values.

use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::pg_catalog::{self, types::PG_TYPE_KEY};

/// Types whose values are texts, and whose name alone makes the difference.
const TEXTS: &[&str] = &[
    "char",
    "character_data",
    "name",
    "sql_identifier",
    "varchar",
    "yes_or_no",
];

/// What a value's type is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Of a literal or NULL: whatever stands beside it.
    Open,
    /// One of [`TEXTS`].
    Named(String),
    /// What Arrow says.
    Plain,
}

/// The types of the columns of an unoptimised plan that are of [`TEXTS`].
pub(super) fn trace(plan: &LogicalPlan) -> Vec<Option<String>> {
    (0..plan.schema().fields().len())
        .map(|index| match output(plan, index) {
            Told::Named(name) => Some(name),
            Told::Open | Told::Plain => None,
        })
        .collect()
}

fn output(plan: &LogicalPlan, index: usize) -> Told {
    let field = plan.schema().field(index);
    if let Some(name) = field.metadata().get(PG_TYPE_KEY) {
        return named(name);
    }
    match plan {
        LogicalPlan::Projection(projection) => projection
            .expr
            .get(index)
            .map_or(Told::Plain, |expr| value(expr, &projection.input)),
        LogicalPlan::SubqueryAlias(alias) => output(&alias.input, index),
        LogicalPlan::Filter(filter) => output(&filter.input, index),
        LogicalPlan::Sort(sort) => output(&sort.input, index),
        LogicalPlan::Limit(limit) => output(&limit.input, index),
        _ => Told::Plain,
    }
}

fn named(name: &str) -> Told {
    match TEXTS.contains(&name) {
        true => Told::Named(name.to_owned()),
        false => Told::Plain,
    }
}

fn reference(column: &Column, input: &LogicalPlan) -> Told {
    let index = input.schema().maybe_index_of_column(column);
    index.map_or(Told::Plain, |index| output(input, index))
}

fn value(expr: &Expr, input: &LogicalPlan) -> Told {
    match expr {
        Expr::Alias(alias) => value(&alias.expr, input),
        Expr::Column(column) => reference(column, input),
        Expr::OuterReferenceColumn(field, _) => field
            .metadata()
            .get(PG_TYPE_KEY)
            .map_or(Told::Plain, |name| named(name)),
        Expr::Literal(..) => Told::Open,
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
            common(branches.chain(case.else_expr.as_deref()), input)
        }
        Expr::ScalarSubquery(subquery) if subquery.subquery.schema().fields().len() == 1 => {
            output(&subquery.subquery, 0)
        }
        Expr::ScalarFunction(call) => match call.name() {
            "coalesce" => common(call.args.iter(), input),
            name => pg_catalog::returns(name).map_or(Told::Plain, named),
        },
        _ => Told::Plain,
    }
}

/// Of values that become one: what all of them are that are anything.
fn common<'e>(values: impl Iterator<Item = &'e Expr>, input: &LogicalPlan) -> Told {
    let mut found = Told::Open;
    for expr in values {
        match (value(expr, input), &found) {
            (Told::Open, _) => {}
            (told, Told::Open) => found = told,
            (told, known) if told == *known => {}
            _ => return Told::Plain,
        }
    }
    found
}
