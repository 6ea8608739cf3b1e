//! Subqueries as values: `(SELECT …)` and `ARRAY(SELECT …)` become aggregates, which is the form of a correlated scalar subquery
//! that DataFusion can turn into a join.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident, LimitClause,
    OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins,
    Value, Visit, Visitor,
};
use std::ops::ControlFlow;

use super::ast::{bare, call, function, last};
use super::recursive;
use crate::pg_catalog::functions::array_or_empty::ARRAY_OR_EMPTY;
use crate::pg_catalog::functions::only_value::{ONLY_VALUE, UP_TO_TWO};

pub(super) fn rewrite(expr: &mut Expr) {
    match expr {
        Expr::Subquery(query) => {
            recursive::rewrite(query);
            if scalar(query) {
                let list = std::mem::replace(expr, super::ast::null());
                *expr = call(ONLY_VALUE, vec![list]);
            }
        }
        Expr::Function(f) if last(&f.name).is_some_and(|n| n == "array") => {
            if let FunctionArguments::Subquery(query) = &mut f.args {
                array(query);
                let query = query.clone();
                *expr = call(ARRAY_OR_EMPTY, vec![Expr::Subquery(query)]);
            }
        }
        _ => {}
    }
}

/// The select of a query that is nothing but `SELECT one FROM … [WHERE …]`, without grouping.
pub(super) fn plain(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(e, m) if e.is_empty() && m.is_empty())
        || select.having.is_some();
    let one = matches!(
        select.projection.as_slice(),
        [SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }]
    );
    let bare = select.distinct.is_none() && query.fetch.is_none();
    (!grouped && one && bare && !select.from.is_empty() && !aggregates(select)).then_some(select)
}

/// Whether the select's own output is aggregated.
pub(super) fn aggregates(select: &Select) -> bool {
    let items = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    items
        .chain(select.having.as_ref())
        .any(|expr| expr.visit(&mut FindAggregate { depth: 0 }).is_break())
}

struct FindAggregate {
    depth: usize,
}

impl Visitor for FindAggregate {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let (0, Expr::Function(f)) = (self.depth, expr)
            && f.over.is_none()
            && last(&f.name).is_some_and(|name| AGGREGATES.contains(&name.as_str()))
        {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

const AGGREGATES: &[&str] = &[
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "every",
    "first_value",
    "grouping",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "last_value",
    "max",
    "mean",
    "median",
    "min",
    "mode",
    "nth_value",
    "percentile_cont",
    "percentile_disc",
    "quantile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    UP_TO_TWO,
    "var",
    "var_pop",
    "var_samp",
    "variance",
];

/// Makes an aggregate of a scalar subquery; true if its result is a list to take the value out of.
fn scalar(query: &mut Query) -> bool {
    let Some(select) = plain(query) else { return false };
    let Some(expr) = output(select).cloned() else {
        return false;
    };
    let unlimited = query.limit_clause.is_none();
    let aggregate = match &query.limit_clause {
        None => call(UP_TO_TWO, vec![expr]),
        Some(LimitClause::LimitOffset {
            limit: Some(limit),
            offset: None,
            limit_by,
        }) if limit_by.is_empty() && is_one(limit) => {
            ordered("first_value", expr.clone(), order(query, &expr))
        }
        Some(_) => return false,
    };
    replace(query, aggregate);
    unlimited
}

fn array(query: &mut Query) {
    let simple = query
        .limit_clause
        .is_none()
        .then(|| plain(query))
        .flatten()
        .and_then(output)
        .cloned();
    if let Some(expr) = simple {
        let aggregate = ordered("array_agg", expr.clone(), order(query, &expr));
        return replace(query, aggregate);
    }
    derived_array(query);
}

/// `SELECT array_agg(v ORDER BY …) FROM (query) AS q(v)`, where the order is by the one column or not at all.
fn derived_array(query: &mut Query) {
    let column = Ident::new("v");
    let expr = Expr::Identifier(column.clone());
    let keys = match query.body.as_ref() {
        SetExpr::Select(select) => output(select).map(|own| order(query, own)).unwrap_or_default(),
        _ => Vec::new(),
    };
    let own = match query.body.as_ref() {
        SetExpr::Select(select) => output(select).cloned(),
        _ => None,
    };
    let keys = keys
        .into_iter()
        .filter(|k| own.as_ref() == Some(&k.expr))
        .map(|k| OrderByExpr {
            expr: expr.clone(),
            ..k
        })
        .collect();
    let mut outer = query.clone();
    let inner = std::mem::replace(query, outer.clone());
    let alias = TableAlias {
        explicit: true,
        name: Ident::new("q"),
        columns: vec![datafusion::sql::sqlparser::ast::TableAliasColumnDef {
            name: column,
            data_type: None,
        }],
        at: None,
    };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(inner),
        alias: Some(alias),
        sample: None,
    };
    let mut select = match first_select(&outer.body) {
        Some(select) => select.clone(),
        None => return,
    };
    select.distinct = None;
    select.projection = vec![SelectItem::UnnamedExpr(ordered("array_agg", expr, keys))];
    select.from = vec![TableWithJoins {
        relation,
        joins: Vec::new(),
    }];
    select.selection = None;
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    select.having = None;
    outer.body = Box::new(SetExpr::Select(Box::new(select)));
    outer.with = None;
    outer.order_by = None;
    outer.limit_clause = None;
    outer.fetch = None;
    *query = outer;
}

fn first_select(body: &SetExpr) -> Option<&Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => first_select(left),
        SetExpr::Query(query) => first_select(&query.body),
        _ => None,
    }
}

pub(super) fn output(select: &Select) -> Option<&Expr> {
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] => Some(expr),
        _ => None,
    }
}

fn is_one(expr: &Expr) -> bool {
    matches!(bare(expr), Expr::Value(v) if matches!(&v.value, Value::Number(n, _) if n == "1"))
}

/// The query's sort keys; the position 1 and the output's own name mean the output.
pub(super) fn order(query: &Query, output: &Expr) -> Vec<OrderByExpr> {
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|o| &o.kind) else {
        return Vec::new();
    };
    let alias = match query.body.as_ref() {
        SetExpr::Select(select) => match select.projection.as_slice() {
            [SelectItem::ExprWithAlias { alias, .. }] => Some(alias.value.clone()),
            _ => None,
        },
        _ => None,
    };
    let is_output =
        |key: &Expr| is_one(key) || matches!(key, Expr::Identifier(i) if Some(&i.value) == alias.as_ref());
    keys.iter()
        .map(|key| {
            if is_output(&key.expr) {
                OrderByExpr {
                    expr: output.clone(),
                    ..key.clone()
                }
            } else {
                key.clone()
            }
        })
        .collect()
}

pub(super) fn ordered(name: &str, expr: Expr, keys: Vec<OrderByExpr>) -> Expr {
    let mut f = function(name, vec![expr]);
    if let FunctionArguments::List(list) = &mut f.args {
        if !keys.is_empty() {
            list.clauses.push(FunctionArgumentClause::OrderBy(keys));
        }
        debug_assert!(
            list.args.iter().all(|a| matches!(a, FunctionArg::Unnamed(_))),
            "built with unnamed arguments"
        );
    }
    Expr::Function(f)
}

fn replace(query: &mut Query, aggregate: Expr) {
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.projection = vec![SelectItem::UnnamedExpr(aggregate)];
    }
    query.order_by = None;
    query.limit_clause = None;
}
