//! Calls that are said otherwise, on the syntax tree: aggregates are made of `array_agg`, and whole rows as arguments are marked for
//! [`super::Operators`], which knows what columns there are.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, JoinOperator, ObjectName, OrderByExpr, OrderByOptions,
    Select, TableFactor, TableWithJoins, Value, Visit, Visitor,
};

use super::super::dialect::{call, null};
use crate::write::target::folded;
use crate::{Error, Result};

/// The operator that marks a name which may be a row's.
pub(super) const ROW_OR_COLUMN: &str = "\u{1}row";
/// The operator that marks a name which is a row's.
pub(super) const ROW: &str = "\u{1}row*";
/// The operator that marks a name which may be that of a relation of one value.
pub(super) const VALUE: &str = "\u{1}value";

/// Functions that take a row.
const OF_ROWS: &[&str] = &[
    "json_agg",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object_agg",
    "row_to_json",
    "to_json",
    "to_jsonb",
];

pub(super) fn name_of(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [only] => only.as_ident().map(folded),
        _ => None,
    }
}

pub(super) fn arguments(args: &[FunctionArg]) -> Option<Vec<Expr>> {
    args.iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(typed(expr.clone())),
            _ => None,
        })
        .collect()
}

/// Of a function's argument alone the planner would not know what a parameter is.
pub(super) fn typed(expr: Expr) -> Expr {
    match &expr {
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => cast(expr, DataType::Text),
        _ => expr,
    }
}

pub(super) fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

pub(super) fn marked(expr: Expr, mark: &str) -> Expr {
    Expr::BinaryOp {
        left: Box::new(expr),
        op: BinaryOperator::Custom(mark.to_owned()),
        right: Box::new(null()),
    }
}

/// Marks arguments that are rows, or may be.
pub(in crate::planner) fn whole_rows(function: &mut Function) {
    let named = name_of(&function.name).filter(|name| OF_ROWS.contains(&name.as_str()));
    let (Some(_), FunctionArguments::List(list)) = (named, &mut function.args) else {
        return;
    };
    for argument in &mut list.args {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr @ Expr::Identifier(_))) => {
                let name = std::mem::replace(expr, null());
                *expr = marked(name, ROW_OR_COLUMN);
            }
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                if let Some(name) = name_of(name) {
                    let text = Expr::Value(Value::SingleQuotedString(name).into());
                    *argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(marked(text, ROW)));
                }
            }
            _ => {}
        }
    }
}

/// Rewrites a call of an aggregate, or of a function that takes arrays of texts.
///
/// # Errors
/// [`Error::Unsupported`] for forms that there are not.
pub(in crate::planner) fn rewrite(expr: &mut Expr) -> Result<()> {
    if let Expr::BinaryOp {
        op: BinaryOperator::AtQuestion | BinaryOperator::AtAt,
        right,
        ..
    } = expr
    {
        as_path(right);
        return Ok(());
    }
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let Some(name) = name_of(&function.name) else {
        return Ok(());
    };
    match name.as_str() {
        _ if name.starts_with("jsonb_path_") => {
            if let FunctionArguments::List(list) = &mut function.args {
                for (place, argument) in list.args.iter_mut().enumerate() {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                        match place {
                            1 => as_path(expr),
                            0 | 2 => *expr = typed(std::mem::replace(expr, null())),
                            _ => {}
                        }
                    }
                }
            }
        }
        "json_agg" | "jsonb_agg" | "json_object_agg" | "jsonb_object_agg" => {
            if let Some(aggregate) = aggregate(&name, function)? {
                *expr = aggregate;
            }
        }
        "jsonb_set" | "jsonb_set_lax" | "jsonb_insert" | "jsonb_delete_path" => {
            if let FunctionArguments::List(list) = &mut function.args {
                for (place, argument) in list.args.iter_mut().enumerate() {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument
                        && let Expr::Value(value) = &*expr
                    {
                        let text = typed(expr.clone());
                        match (place, &value.value) {
                            (1, Value::SingleQuotedString(_) | Value::Placeholder(_)) => {
                                *expr = call("array_in", vec![text]);
                            }
                            (0 | 2, Value::Placeholder(_)) => *expr = text,
                            _ => {}
                        }
                    }
                }
            }
        }
        "json_object" | "jsonb_object" => {
            if let FunctionArguments::List(list) = &mut function.args {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument
                        && let Expr::Value(value) = &*expr
                    {
                        if let Value::SingleQuotedString(text) = &value.value
                            && text.trim_start().trim_start_matches('{').len() + 1 < text.trim_start().len()
                        {
                            return Err(Error::unsupported(format!(
                                "{name} of an array of arrays; give keys and values as two arrays"
                            )));
                        }
                        let text = std::mem::replace(expr, null());
                        *expr = call("array_in", vec![cast(text, DataType::Text)]);
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// A path is a text, whether or not it is cast to `jsonpath`.
fn as_path(expr: &mut Expr) {
    if let Expr::Cast {
        expr: inner,
        data_type: DataType::Custom(name, _),
        ..
    } = expr
        && name_of(name).is_some_and(|name| name == "jsonpath")
    {
        *expr = std::mem::replace(inner.as_mut(), null());
    }
    *expr = typed(std::mem::replace(expr, null()));
}

/// `json_agg(x ORDER BY y)` is `json_agg_items(array_agg(json_agg_item(x) ORDER BY y))`. Of distinct values those themselves are
/// gathered, and sorted as PostgreSQL sorts them.
fn aggregate(name: &str, function: &mut Function) -> Result<Option<Expr>> {
    let prefix = if name.starts_with("jsonb") {
        "jsonb"
    } else {
        "json"
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return Ok(None);
    };
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    let values: Option<Vec<Expr>> = list
        .args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect();
    let pairs = name.ends_with("object_agg");
    let (inner, outer) = match (values, pairs, distinct) {
        (Some(values), false, true) if values.len() == 1 => {
            let ordered = list
                .clauses
                .iter()
                .any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
            let value = values.into_iter().next().unwrap_or_else(null);
            if !ordered {
                list.clauses
                    .push(FunctionArgumentClause::OrderBy(vec![OrderByExpr {
                        expr: value.clone(),
                        options: OrderByOptions::default(),
                        with_fill: None,
                    }]));
            }
            (value, "agg_distinct")
        }
        (Some(values), false, false) if values.len() == 1 => {
            (call(&format!("{prefix}_agg_item"), values), "agg_items")
        }
        (Some(values), true, false) if values.len() == 2 => {
            (call(&format!("{prefix}_agg_pair"), values), "agg_pairs")
        }
        (Some(values), true, true) if values.len() == 2 => {
            return Err(Error::unsupported(format!(
                "DISTINCT in {name}; make the rows distinct in a sub-query"
            )));
        }
        _ => return Ok(None),
    };
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))];
    function.name = ObjectName::from(vec![Ident::new("array_agg")]);
    let gathered = Expr::Function(function.clone());
    Ok(Some(call(&format!("{prefix}_{outer}"), vec![gathered])))
}

/// Refuses whole rows of relations that an outer join may leave without any: PostgreSQL's row is NULL then, and ours of NULLs.
///
/// # Errors
/// [`Error::Unsupported`].
pub(in crate::planner) fn check(select: &Select) -> Result<()> {
    use JoinOperator as J;
    struct Marked<'a>(&'a [String]);
    impl Visitor for Marked<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Custom(mark),
                    ..
                } if mark.starts_with(ROW_OR_COLUMN) => {
                    let name = match left.as_ref() {
                        Expr::Identifier(name) => folded(name),
                        other => other.to_string().trim_matches('\'').to_owned(),
                    };
                    match self.0.contains(&name) {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let outer = |join: &JoinOperator| {
        matches!(
            join,
            J::Left(_) | J::LeftOuter(_) | J::Right(_) | J::RightOuter(_) | J::FullOuter(_)
        )
    };
    let mut names = Vec::new();
    for from in select
        .from
        .iter()
        .filter(|from| from.joins.iter().any(|join| outer(&join.join_operator)))
    {
        relations(from, &mut names);
    }
    let mut renamed = Vec::new();
    select
        .from
        .iter()
        .for_each(|from| with_other_names(from, &mut renamed));
    let found = |names: &[String]| {
        let mut marked = Marked(names);
        !names.is_empty()
            && (Visit::visit(&select.projection, &mut marked).is_break()
                || Visit::visit(&select.having, &mut marked).is_break()
                || Visit::visit(&select.selection, &mut marked).is_break())
    };
    if found(&names) {
        return Err(Error::unsupported(
            "a whole row of a table of an outer join; make an object of its columns with json_build_object",
        ));
    }
    // PostgreSQL's row of a table has the table's own names.
    if found(&renamed) {
        return Err(Error::unsupported(
            "a whole row of a table whose columns have other names; make an object of its columns with json_build_object",
        ));
    }
    Ok(())
}

/// The tables of which an alias names columns.
fn with_other_names(from: &TableWithJoins, names: &mut Vec<String>) {
    for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::Table {
                alias: Some(alias),
                args: None,
                ..
            } if !alias.columns.is_empty() => names.push(folded(&alias.name)),
            TableFactor::NestedJoin { table_with_joins, .. } => with_other_names(table_with_joins, names),
            _ => {}
        }
    }
}

fn relations(from: &TableWithJoins, names: &mut Vec<String>) {
    for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
        match factor {
            TableFactor::Table {
                alias: Some(alias), ..
            }
            | TableFactor::Derived {
                alias: Some(alias), ..
            } => {
                names.push(folded(&alias.name));
            }
            TableFactor::Table { name, .. } => {
                names.extend(name.0.last().and_then(|part| part.as_ident()).map(folded));
            }
            TableFactor::NestedJoin { table_with_joins, .. } => relations(table_with_joins, names),
            _ => {}
        }
    }
}
