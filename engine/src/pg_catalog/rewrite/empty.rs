//! Queries over system relations that have no rows by construction (the lake has no publications, triggers, indexes …).
//!
//! Clients describe a table by subqueries over dozens of such relations, in forms that DataFusion cannot always plan (table
//! functions of outer columns, fields of composites). What is joined to nothing is nothing: such a subquery is replaced by its
//! empty result, with the names and types of its columns. Only queries that hold a construct of that kind are touched.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, SetOperator, Statement,
    TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

use super::ast::{boolean, call, custom_type, folded, last, null};
use super::scope::{Scope, system_relation};
use super::{naming, subqueries};
use crate::pg_catalog::declared::PG_CATALOG;
use crate::pg_catalog::functions::array_or_empty::ARRAY_OR_EMPTY;
use crate::pg_catalog::relations::Keys;
use crate::pg_catalog::{functions, information_schema, relations};

/// Replaces empty subqueries and empty selects that cannot be planned as they are.
pub(super) fn prune(statement: &mut Statement, keys: Keys) {
    let _ = VisitMut::visit(statement, &mut Pruner(keys));
}

struct Pruner(Keys);

impl VisitorMut for Pruner {
    type Break = ();

    /// Before what is within is visited: the sub-query of ANY and ALL is a set, not a value.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let (right, of_none) = match expr {
            Expr::AnyOp { right, .. } => (right, false),
            Expr::AllOp { right, .. } => (right, true),
            _ => return ControlFlow::Continue(()),
        };
        if matches!(right.as_ref(), Expr::Subquery(query) if is_empty(query, self.0)) {
            *expr = boolean(of_none);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Exists { subquery, negated } if is_empty(subquery, self.0) => *expr = boolean(*negated),
            Expr::InSubquery {
                subquery, negated, ..
            } if is_empty(subquery, self.0) => *expr = boolean(*negated),
            Expr::Subquery(query) if is_empty(query, self.0) => {
                *expr = first_output(query).map_or_else(null, |(e, s)| match e {
                    Expr::Value(value) => null_like(&value.value),
                    e => typed_null(e, s),
                })
            }
            Expr::Function(f) if last(&f.name).is_some_and(|n| n == "array") => {
                let FunctionArguments::Subquery(query) = &f.args else {
                    return ControlFlow::Continue(());
                };
                if is_empty(query, self.0) {
                    let element = first_output(query)
                        .and_then(|(e, s)| type_of(e, s))
                        .unwrap_or(DataType::Text);
                    let list =
                        DataType::Array(datafusion::sql::sqlparser::ast::ArrayElemTypeDef::SquareBracket(
                            Box::new(element),
                            None,
                        ));
                    *expr = call(ARRAY_OR_EMPTY, vec![cast(null(), list)]);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if select_is_empty(select, self.0) && is_hard(select) && !has_wildcard(select) {
            prune_select(select);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        // The columns that the order names may have gone with the FROM, and there is nothing to sort.
        if matches!(query.body.as_ref(), SetExpr::Select(s) if s.from.is_empty() && is_false(s.selection.as_ref()))
        {
            query.order_by = None;
        }
        ControlFlow::Continue(())
    }
}

fn is_false(expr: Option<&Expr>) -> bool {
    matches!(expr, Some(Expr::Value(v)) if v.value == Value::Boolean(false))
}

fn has_wildcard(select: &Select) -> bool {
    select
        .projection
        .iter()
        .any(|i| matches!(i, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)))
}

/// Whether a query has no rows whatever the session.
fn is_empty(query: &Query, keys: Keys) -> bool {
    body_is_empty(&query.body, keys)
}

fn body_is_empty(body: &SetExpr, keys: Keys) -> bool {
    match body {
        SetExpr::Select(select) => select_is_empty(select, keys),
        SetExpr::Query(query) => is_empty(query, keys),
        SetExpr::SetOperation { op, left, right, .. } => match op {
            SetOperator::Union => body_is_empty(left, keys) && body_is_empty(right, keys),
            SetOperator::Intersect => body_is_empty(left, keys) || body_is_empty(right, keys),
            _ => body_is_empty(left, keys),
        },
        _ => false,
    }
}

fn select_is_empty(select: &Select, keys: Keys) -> bool {
    // Aggregates over nothing still give a row, unless grouped; then HAVING and GROUP BY have nothing to work on.
    if subqueries::aggregates(select) {
        return false;
    }
    is_false(select.selection.as_ref()) || select.from.iter().any(|table| joined_is_empty(table, keys))
}

fn joined_is_empty(table: &TableWithJoins, keys: Keys) -> bool {
    let mut empty = factor_is_empty(&table.relation, keys);
    for join in &table.joins {
        let right = factor_is_empty(&join.relation, keys);
        empty = match join.join_operator {
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_) => empty || right,
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => empty,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => right,
            JoinOperator::FullOuter(_) => empty && right,
            _ => false,
        };
    }
    empty
}

fn factor_is_empty(factor: &TableFactor, keys: Keys) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            system_relation(name).is_some_and(|r| match r.namespace {
                PG_CATALOG => relations::never_has_rows(r, keys),
                _ => information_schema::never_has_rows(r),
            })
        }
        TableFactor::Derived { subquery, .. } => is_empty(subquery, keys),
        TableFactor::NestedJoin { table_with_joins, .. } => joined_is_empty(table_with_joins, keys),
        TableFactor::Table {
            name,
            args: Some(args),
            ..
        } => over_nothing(name, &args.args),
        TableFactor::Function { name, args, .. } => over_nothing(name, args),
        TableFactor::UNNEST { array_exprs, .. } => matches!(array_exprs.as_slice(), [only] if is_unset(only)),
        _ => false,
    }
}

/// Columns of system relations that are NULL in every lake: storage options.
const UNSET_COLUMNS: [&str; 6] = [
    "reloptions",
    "attoptions",
    "attfdwoptions",
    "spcoptions",
    "srvoptions",
    "fdwoptions",
];

fn is_unset(expr: &Expr) -> bool {
    let column = match expr {
        Expr::Identifier(ident) => ident,
        Expr::CompoundIdentifier(idents) => match idents.last() {
            Some(ident) => ident,
            None => return false,
        },
        _ => return false,
    };
    UNSET_COLUMNS.contains(&folded(column).as_str())
}

/// A set-returning function of a NULL.
fn over_nothing(name: &ObjectName, args: &[FunctionArg]) -> bool {
    let function = last(name).is_some_and(|n| ["unnest", "pg_options_to_table"].contains(&n.as_str()));
    function && matches!(args, [FunctionArg::Unnamed(FunctionArgExpr::Expr(only))] if is_unset(only))
}

/// Whether a select holds what DataFusion may not plan: derived tables, table functions, subqueries, subscripts and fields.
fn is_hard(select: &Select) -> bool {
    struct Hard;
    impl Visitor for Hard {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Table { args: None, .. } | TableFactor::NestedJoin { .. } => {
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Break(()),
            }
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::CompoundFieldAccess { .. } | Expr::AnyOp { .. } | Expr::AllOp { .. } => {
                    ControlFlow::Break(())
                }
                Expr::Function(f) if last(&f.name).is_some_and(|n| SET_RETURNING.contains(&n.as_str())) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    let mut hard = Hard;
    select.projection.visit(&mut hard).is_break()
        || select.from.visit(&mut hard).is_break()
        || select.selection.visit(&mut hard).is_break()
}

const SET_RETURNING: &[&str] = &[
    "unnest",
    "generate_series",
    "generate_subscripts",
    "_pg_expandarray",
    "aclexplode",
];

fn prune_select(select: &mut Select) {
    let scope = Scope::of(&select.from);
    let projection = std::mem::take(&mut select.projection);
    select.projection = projection
        .into_iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => {
                let alias = Ident::with_quote('"', naming::figure(&expr));
                SelectItem::ExprWithAlias {
                    expr: typed_null(&expr, &scope),
                    alias,
                }
            }
            SelectItem::ExprWithAlias { expr, alias } => SelectItem::ExprWithAlias {
                expr: typed_null(&expr, &scope),
                alias,
            },
            other => other,
        })
        .collect();
    select.from = Vec::new();
    select.selection = Some(boolean(false));
    select.distinct = None;
    select.group_by = datafusion::sql::sqlparser::ast::GroupByExpr::Expressions(Vec::new(), Vec::new());
    select.having = None;
}

fn first_output(query: &Query) -> Option<(&Expr, Scope)> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    match select.projection.first()? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            Some((expr, Scope::of(&select.from)))
        }
        _ => None,
    }
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: datafusion::sql::sqlparser::ast::CastKind::DoubleColon,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    }
}

/// NULL of the expression's type where the syntax tells it; literals stay.
fn typed_null(expr: &Expr, scope: impl std::borrow::Borrow<Scope>) -> Expr {
    match expr {
        Expr::Value(_) => expr.clone(),
        _ => type_of(expr, scope).map_or_else(null, |data_type| cast(null(), data_type)),
    }
}

/// NULL of the type that a literal has.
fn null_like(value: &Value) -> Expr {
    let data_type = match value {
        Value::Boolean(_) => DataType::Boolean,
        Value::Number(digits, _) if digits.parse::<i32>().is_ok() => DataType::Int4(None),
        Value::Number(digits, _) if digits.parse::<i64>().is_ok() => DataType::Int8(None),
        Value::Number(..) => DataType::Numeric(ExactNumberInfo::None),
        _ => return null(),
    };
    cast(null(), data_type)
}

fn named(typname: &str) -> DataType {
    let part = |name: &str| ObjectNamePart::Identifier(Ident::with_quote('"', name));
    DataType::Custom(ObjectName(vec![part("pg_catalog"), part(typname)]), Vec::new())
}

fn type_of(expr: &Expr, scope: impl std::borrow::Borrow<Scope>) -> Option<DataType> {
    let scope = scope.borrow();
    let typname = match expr {
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => return type_of(inner, scope),
        Expr::Identifier(ident) => scope.column_type(None, &folded(ident))?.to_owned(),
        Expr::CompoundIdentifier(idents) => match idents.as_slice() {
            [.., qualifier, name] => scope
                .column_type(Some(&folded(qualifier)), &folded(name))?
                .to_owned(),
            _ => return None,
        },
        // A name for an OID is shown as text.
        Expr::Cast { data_type, .. } => match custom_type(data_type) {
            Some(t) if t.starts_with("reg") => "text".to_owned(),
            _ => return Some(data_type.clone()),
        },
        Expr::Function(f) => {
            let name = last(&f.name)?;
            let own = functions::returns(&name).map(str::to_owned);
            own.or_else(|| builtin_result(&name).map(str::to_owned))?
        }
        Expr::Case {
            conditions,
            else_result,
            ..
        } => {
            let results = conditions.iter().map(|c| &c.result).chain(else_result.as_deref());
            return results.filter_map(|e| type_of(e, scope)).next();
        }
        Expr::Value(v) => match v.value {
            Value::Boolean(_) => "bool".to_owned(),
            Value::SingleQuotedString(_) => "text".to_owned(),
            Value::Number(..) => "int4".to_owned(),
            _ => return None,
        },
        Expr::BinaryOp {
            op: BinaryOperator::StringConcat,
            ..
        } => "text".to_owned(),
        Expr::BinaryOp {
            op:
                BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq
                | BinaryOperator::And
                | BinaryOperator::Or,
            ..
        }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Exists { .. }
        | Expr::InList { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_) => "bool".to_owned(),
        _ => return None,
    };
    Some(named(&typname))
}

fn builtin_result(name: &str) -> Option<&'static str> {
    Some(match name {
        "array_to_string" | "string_agg" | "concat" | "lower" | "upper" | "replace" | "substring"
        | "trim" | "btrim" => "text",
        "row_number" | "count" | "rank" => "int8",
        "array_length" | "array_upper" | "generate_subscripts" => "int4",
        _ => return None,
    })
}
