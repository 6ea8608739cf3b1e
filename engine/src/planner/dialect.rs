//! What PostgreSQL reads in a statement and DataFusion does not: after [`crate::pg_catalog::rewrite`], before planning.

use std::collections::HashSet;
use std::ops::ControlFlow;

use radlake_sql::ast::{
    AccessExpr, CastKind, CharacterLength, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem, SetExpr,
    Statement, TableFactor, TableWithJoins, TimezoneInfo, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::{
    arrays, counts, intervals, json, literals, patterns, recursion, regexes, row_values, scales, shapes,
    using, uuids, vectors, wanted, wordings,
};
use crate::write::target::folded;
use crate::{Error, Result};

/// Rewrites a statement.
///
/// # Errors
/// [`Error::DuplicateAlias`] if a FROM clause names two tables alike.
pub(super) fn rewrite(statement: &mut Statement) -> Result<()> {
    match VisitMut::visit(statement, &mut Dialect) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Dialect;

impl VisitorMut for Dialect {
    type Break = Error;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        match wanted::sampled(factor).and_then(|()| json::tables::in_from(factor)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let whole = match expr {
            Expr::Function(function) => {
                json::calls::whole_rows(function);
                shapes::function(function)
            }
            _ => Ok(()),
        };
        let rewritten = whole
            .and_then(|()| json::calls::rewrite(expr))
            .and_then(|()| row_values::rewrite(expr));
        if let Err(error) = rewritten {
            return ControlFlow::Break(error);
        }
        if let Err(error) = wordings::rewrite(expr)
            .and_then(|()| functions(expr))
            .and_then(|()| patterns::rewrite(expr))
            .and_then(|()| regexes::rewrite(expr))
            .and_then(|()| json::rewrite(expr))
            .and_then(|()| uuids::rewrite(expr))
            .and_then(|()| vectors::rewrite(expr))
        {
            return ControlFlow::Break(error);
        }
        match expr {
            Expr::CompoundFieldAccess { access_chain, .. } if access_chain.iter().all(is_field) => {
                fields(expr)
            }
            Expr::CompoundFieldAccess { access_chain, .. } => {
                if let Err(error) = arrays::subscripts(access_chain) {
                    return ControlFlow::Break(error);
                }
                arrays::slice(expr);
            }
            Expr::Cast { .. } | Expr::TypedString(_) | Expr::Interval(_) => {
                let rewritten = arrays::rewrite(expr)
                    .and_then(|()| scales::rewrite(expr))
                    .and_then(|()| literals::rewrite(expr));
                if let Err(error) = rewritten {
                    return ControlFlow::Break(error);
                }
                cut(expr);
            }
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: inner,
            } => {
                // The planner would negate the first part only.
                if let Expr::Interval(interval) = inner.as_mut()
                    && let Some(text) = string(&mut interval.value)
                    && let Some(negated) = intervals::negated(text)
                {
                    *text = negated;
                    let positive = std::mem::replace(inner.as_mut(), null());
                    *expr = positive;
                }
            }
            Expr::Case {
                conditions,
                else_result,
                ..
            } => {
                conditions.iter_mut().for_each(|when| int4(&mut when.result));
                else_result.iter_mut().for_each(|expr| int4(expr));
            }
            Expr::Array(array) => array.elem.iter_mut().for_each(int4),
            Expr::Function(function) if merges(function) => {
                if let FunctionArguments::List(list) = &mut function.args {
                    for argument in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                            int4(expr);
                        }
                    }
                }
            }
            Expr::Value(value) => {
                if let Value::Number(digits, _) = &value.value {
                    match literals::number(digits) {
                        Ok(Some(cast)) => *expr = cast,
                        Ok(None) => {}
                        Err(error) => return ControlFlow::Break(error),
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let wanted = wanted::query(query).and_then(|()| recursion::check(query));
        if let Err(error) = wanted.and_then(|()| shapes::query(query)) {
            return ControlFlow::Break(error);
        }
        using::qualify_order(query);
        if let SetExpr::Values(values) = query.body.as_mut() {
            if let Err(error) = json::values(values).and_then(|()| uuids::values(values)) {
                return ControlFlow::Break(error);
            }
            scales::values(values);
            values
                .rows
                .iter_mut()
                .flat_map(|row| row.content.iter_mut())
                .for_each(int4);
        }
        shapes::values(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        counts::rewrite(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                int4(expr);
            }
        }
        select.selection.iter_mut().for_each(row_values::sets);
        if let Err(error) = json::calls::check(select).and_then(|()| shapes::select(select)) {
            return ControlFlow::Break(error);
        }
        json::tables::values(select);
        using::qualify(select);
        let mut names = HashSet::new();
        match duplicate(&select.from, &mut names) {
            Some(name) => ControlFlow::Break(Error::DuplicateAlias(name)),
            None => ControlFlow::Continue(()),
        }
    }
}

/// What PostgreSQL's grammar has as words and DataFusion takes for another function, or does otherwise.
///
/// # Errors
/// [`Error::Unsupported`].
fn functions(expr: &mut Expr) -> Result<()> {
    let take = |expr: &mut Box<Expr>| std::mem::replace(expr.as_mut(), null());
    let text = |text: String| Expr::Value(Value::SingleQuotedString(text).into());
    match expr {
        Expr::Extract {
            field, expr: value, ..
        } => {
            *expr = call(
                "pg_extract",
                vec![text(field.to_string().to_lowercase()), take(value)],
            );
        }
        Expr::AtTimeZone { timestamp, time_zone } => {
            *expr = call("timezone", vec![take(time_zone), take(timestamp)]);
        }
        Expr::Identifier(name) if name.quote_style.is_none() => {
            if let Some(local) = local_now(&name.value, None) {
                *expr = local;
            }
        }
        Expr::Function(function) if function.over.is_none() => {
            let name = function.name.to_string().to_lowercase();
            if name == "date_part" {
                function.name = ObjectName::from(vec![Ident::new("pg_date_part")]);
            }
            let digits = only_number(function);
            if let Some(local) = local_now(&name, digits) {
                *expr = local;
                return scales::rewrite(expr);
            }
        }
        _ => {}
    }
    Ok(())
}

/// The argument of a function that has one, where that is a whole number.
fn only_number(function: &Function) -> Option<u64> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value {
            Value::Number(number, _) => number.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// LOCALTIMESTAMP and LOCALTIME, and CURRENT_TIMESTAMP with digits: seconds have so many.
fn local_now(word: &str, digits: Option<u64>) -> Option<Expr> {
    let data_type = match word.to_lowercase().as_str() {
        "localtimestamp" => DataType::Timestamp(digits, TimezoneInfo::None),
        "localtime" => DataType::Time(digits, TimezoneInfo::None),
        "current_timestamp" if digits.is_some() => DataType::Timestamp(digits, TimezoneInfo::WithTimeZone),
        _ => return None,
    };
    Some(Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(call("now", Vec::new())),
        data_type,
        array: false,
        format: None,
    })
}

/// A cast to `varchar(n)` or `char(n)` cuts what is longer.
fn cut(expr: &mut Expr) {
    let Expr::Cast {
        expr: inner,
        data_type,
        ..
    } = expr
    else {
        return;
    };
    let length = match &*data_type {
        DataType::Varchar(Some(length))
        | DataType::CharacterVarying(Some(length))
        | DataType::CharVarying(Some(length))
        | DataType::Char(Some(length))
        | DataType::Character(Some(length)) => match length {
            CharacterLength::IntegerLength { length, .. } => *length,
            CharacterLength::Max => return,
        },
        DataType::Char(None) | DataType::Character(None) => 1,
        _ => return,
    };
    let text = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(std::mem::replace(inner.as_mut(), null())),
        data_type: DataType::Text,
        array: false,
        format: None,
    };
    let length = Expr::Value(Value::Number(length.to_string(), false).into());
    **inner = call("left", vec![text, length]);
}

/// A whole number that fits is an `int4`. In operators [`super::integers`] sees to it.
fn int4(expr: &mut Expr) {
    let (sign, number) = match &*expr {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => ("-", expr.as_ref()),
        Expr::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => ("", expr.as_ref()),
        other => ("", other),
    };
    let fits = match number {
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(digits, _) if format!("{sign}{digits}").parse::<i32>().is_ok())
        }
        _ => false,
    };
    if fits {
        let inner = Box::new(std::mem::replace(expr, null()));
        *expr = Expr::Cast {
            kind: CastKind::DoubleColon,
            expr: inner,
            data_type: DataType::Int4(None),
            array: false,
            format: None,
        };
    }
}

const MERGING: &[&str] = &[
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "abs",
    "mod",
    "gcd",
    "lcm",
    "min",
    "max",
    "array_agg",
    "array_append",
    "array_prepend",
    "array_remove",
    "pg_typeof",
];

/// Functions whose result has the type of their arguments.
fn merges(function: &Function) -> bool {
    let name = function
        .name
        .0
        .last()
        .and_then(|part| part.as_ident())
        .map(folded);
    name.is_some_and(|name| MERGING.contains(&name.as_str()))
}

fn is_field(access: &AccessExpr) -> bool {
    matches!(access, AccessExpr::Dot(Expr::Identifier(_)))
}

/// `(code).value` is `get_field(code, 'value')`.
fn fields(expr: &mut Expr) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else {
        return;
    };
    let mut value = std::mem::replace(root.as_mut(), null());
    for access in std::mem::take(access_chain) {
        if let AccessExpr::Dot(Expr::Identifier(name)) = access {
            value = get_field(value, &name);
        }
    }
    *expr = value;
}

fn get_field(value: Expr, name: &Ident) -> Expr {
    let name = Expr::Value(Value::SingleQuotedString(folded(name)).into());
    call("get_field", vec![value, name])
}

/// `name(arguments…)`.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(argument).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

pub(super) fn string(expr: &mut Expr) -> Option<&mut String> {
    match expr {
        Expr::Value(value) => match &mut value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

/// A name that stands twice among the tables of a FROM clause.
fn duplicate(from: &[TableWithJoins], names: &mut HashSet<String>) -> Option<String> {
    from.iter().find_map(|table| {
        let factors = std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation));
        factors.into_iter().find_map(|factor| match factor {
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => duplicate(std::slice::from_ref(table_with_joins), names),
            factor => {
                let (name, shown) = name(factor)?;
                (!names.insert(name)).then_some(shown)
            }
        })
    })
}

fn name(factor: &TableFactor) -> Option<(String, String)> {
    let alias = match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::UNNEST { alias, .. } => alias.as_ref(),
        _ => None,
    };
    if let Some(alias) = alias {
        let name = folded(&alias.name);
        return Some((name.clone(), name));
    }
    match factor {
        TableFactor::Table { name, .. } => {
            let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(folded)).collect();
            let parts = parts?;
            let shown = parts.last().cloned()?;
            Some((parts.join("."), shown))
        }
        _ => None,
    }
}
