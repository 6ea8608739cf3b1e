//! What PostgreSQL reads in a statement and DataFusion does not: after [`crate::pg_catalog::rewrite`], before planning.

use std::collections::HashSet;
use std::ops::ControlFlow;

use radlake_sql::ast::{
    AccessExpr, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem, SetExpr,
    Statement, TableFactor, TableWithJoins, UnaryOperator, Value, VisitMut, VisitorMut,
};

use super::{datetime, using};
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

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            Expr::CompoundFieldAccess { access_chain, .. } if access_chain.iter().all(is_field) => {
                fields(expr)
            }
            Expr::Cast {
                expr: inner,
                data_type,
                ..
            } => literal(inner, data_type),
            Expr::TypedString(typed) => {
                if let (true, Value::SingleQuotedString(text)) =
                    (is_datetime(&typed.data_type), &mut typed.value.value)
                    && let Some(normal) = datetime::normalised(text)
                {
                    *text = normal;
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
            // Beyond what numeric can hold here.
            Expr::Value(value) => {
                if let Value::Number(number, _) = &value.value
                    && has_exponent(number)
                    && number
                        .parse::<f64>()
                        .is_ok_and(|value| value != 0.0 && !(1e-18..1e18).contains(&value))
                {
                    *expr = float(number);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        if let SetExpr::Values(values) = query.body.as_mut() {
            values
                .rows
                .iter_mut()
                .flat_map(|row| row.content.iter_mut())
                .for_each(int4);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                int4(expr);
            }
        }
        using::qualify(select);
        let mut names = HashSet::new();
        match duplicate(&select.from, &mut names) {
            Some(name) => ControlFlow::Break(Error::DuplicateAlias(name)),
            None => ControlFlow::Continue(()),
        }
    }
}

/// A whole number that fits is an `int4`. In operators [`super::integers`] sees to it.
fn int4(expr: &mut Expr) {
    let number = match &*expr {
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => expr.as_ref(),
        other => other,
    };
    let fits = match number {
        Expr::Value(value) => {
            matches!(&value.value, Value::Number(digits, _) if digits.parse::<i32>().is_ok())
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

/// Functions whose result has the type that their arguments have in common.
fn merges(function: &Function) -> bool {
    let name = function
        .name
        .0
        .last()
        .and_then(|part| part.as_ident())
        .map(folded);
    name.is_some_and(|name| ["coalesce", "nullif", "greatest", "least"].contains(&name.as_str()))
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
    let name = if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    };
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("get_field")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![
                argument(value),
                argument(Expr::Value(Value::SingleQuotedString(name).into())),
            ],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A literal that is cast: numbers to floating point without a detour over decimals, dates and times in one form.
fn literal(inner: &mut Expr, data_type: &DataType) {
    let Expr::Value(value) = inner else { return };
    match &mut value.value {
        Value::Number(number, _) if is_float(data_type) => {
            value.value = Value::SingleQuotedString(number.clone())
        }
        Value::SingleQuotedString(text) if is_datetime(data_type) => {
            if let Some(normal) = datetime::normalised(text) {
                *text = normal;
            }
        }
        _ => {}
    }
}

fn has_exponent(number: &str) -> bool {
    number.contains(['e', 'E'])
}

fn float(number: &str) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(Value::SingleQuotedString(number.to_owned()).into())),
        data_type: DataType::Double(ExactNumberInfo::None),
        array: false,
        format: None,
    }
}

fn is_float(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float(_)
            | DataType::Float4
            | DataType::Float8
            | DataType::Float32
            | DataType::Float64
            | DataType::Real
            | DataType::Double(_)
            | DataType::DoublePrecision
    )
}

fn is_datetime(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Timestamp(..) | DataType::TimestampNtz(..) | DataType::Time(..)
    )
}

fn null() -> Expr {
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

fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.clone()
    } else {
        name.value.to_lowercase()
    }
}
