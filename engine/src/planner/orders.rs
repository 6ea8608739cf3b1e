//! The order of a sub-query's rows is kept by what reads them, as in PostgreSQL: `SELECT * FROM (… ORDER BY a) s LIMIT 3` gives
//! the first three, and `array_agg` over it has its elements in that order.
//!
//! DataFusion takes an ORDER BY without LIMIT out of a sub-query, and where it stays nothing above asks for it: partitions are
//! read as they come. Here the keys are carried up, as columns that nobody asked for where need be, through what keeps the order
//! of its input, to what it matters to: the result, a LIMIT, an aggregate or a window function that has no order of its own.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::{Sort as Key, WindowFunction};
use datafusion::logical_expr::logical_plan::{
    Aggregate, Filter, Limit, Projection, Sort, Subquery, SubqueryAlias, Window,
};
use datafusion::logical_expr::{Expr, LogicalPlan, WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::optimizer::AnalyzerRule;

/// The columns that keys are carried in: no name of a client's.
const KEY: &str = "__radlake_order_";

/// Aggregates whose result depends on the order of their input.
const AGGREGATES: &[&str] = &[
    "array_agg",
    "string_agg",
    "first_value",
    "last_value",
    "nth_value",
];

/// Window functions whose result depends on the order of rows even where their window has neither order nor bounds.
const WINDOWS: &[&str] = &[
    "array_agg",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "row_number",
    "string_agg",
];

/// The rule. It is to run before any other.
#[derive(Debug)]
pub(super) struct Orders;

impl AnalyzerRule for Orders {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        observed(plan)
    }

    fn name(&self) -> &str {
        "orders"
    }
}

/// A plan whose rows are seen in their order.
fn observed(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let (plan, keys) = carry(plan)?;
    only(sorted(plan, keys), columns)
}

/// A plan of whose rows the order does not matter.
fn unordered(plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let (plan, _) = carry(plan)?;
    only(plan, columns)
}

/// These columns, without those that carried keys.
fn only(plan: LogicalPlan, columns: Vec<Column>) -> Result<LogicalPlan> {
    if plan.schema().columns() == columns {
        return Ok(plan);
    }
    let columns = columns.into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(
        columns,
        Arc::new(plan),
    )?))
}

/// The plan with its rows in the order of the keys. What comes out of a limit is in the order that went into it.
fn sorted(plan: LogicalPlan, keys: Vec<Key>) -> LogicalPlan {
    if keys.is_empty() || matches!(plan, LogicalPlan::Limit(_)) {
        return plan;
    }
    LogicalPlan::Sort(Sort {
        expr: keys,
        input: Arc::new(plan),
        fetch: None,
    })
}

/// The plan without the sort that its order comes from, and the keys of that order in terms of its columns. It may have more
/// columns than it had.
fn carry(plan: LogicalPlan) -> Result<(LogicalPlan, Vec<Key>)> {
    let plan = plan
        .map_subqueries(|plan| within(plan).map(Transformed::yes))
        .data()?;
    Ok(match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            (unordered(Arc::unwrap_or_clone(sort.input))?, sort.expr)
        }
        LogicalPlan::Limit(limit) => {
            let (input, keys) = carry(Arc::unwrap_or_clone(limit.input))?;
            let limit = Limit {
                input: Arc::new(sorted(input, keys.clone())),
                ..limit
            };
            (LogicalPlan::Limit(limit), keys)
        }
        LogicalPlan::Filter(filter) => {
            let (input, keys) = carry(Arc::unwrap_or_clone(filter.input))?;
            let filter = Filter::try_new(filter.predicate, Arc::new(input))?;
            (LogicalPlan::Filter(filter), keys)
        }
        LogicalPlan::Projection(projection) => {
            let (input, mut keys) = carry(Arc::unwrap_or_clone(projection.input))?;
            let mut exprs = projection.expr;
            for (number, key) in keys.iter_mut().enumerate() {
                let found = exprs.iter().find(|expr| (*expr).clone().unalias() == key.expr);
                let column = match found {
                    Some(expr) => {
                        let (relation, name) = expr.qualified_name();
                        Column::new(relation, name)
                    }
                    None => {
                        // Numbers count up from sort to result, so that no column below has the same name.
                        let name = format!("{KEY}{}_{number}", input.schema().fields().len());
                        exprs.push(key.expr.clone().alias(&name));
                        Column::from_name(name)
                    }
                };
                key.expr = Expr::Column(column);
            }
            let projection = Projection::try_new(exprs, Arc::new(input))?;
            (LogicalPlan::Projection(projection), keys)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let (input, keys) = as_columns(carry(Arc::unwrap_or_clone(alias.input))?)?;
            let places: Vec<Option<usize>> = keys
                .iter()
                .map(|key| {
                    key.expr
                        .try_as_col()
                        .and_then(|column| input.schema().maybe_index_of_column(column))
                })
                .collect();
            let alias = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), alias.alias)?);
            let renamed = places.into_iter().zip(keys).map(|(place, key)| {
                let column = Column::from(alias.schema().qualified_field(place?));
                Some(Key {
                    expr: Expr::Column(column),
                    ..key
                })
            });
            let keys = renamed.collect::<Option<Vec<_>>>().unwrap_or_default();
            (alias, keys)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let (input, keys) = carry(Arc::unwrap_or_clone(aggregate.input))?;
            let exprs = aggregate
                .aggr_expr
                .into_iter()
                .map(|expr| aggregated(expr, &keys))
                .collect();
            let aggregate = Aggregate::try_new(Arc::new(input), aggregate.group_expr, exprs)?;
            (LogicalPlan::Aggregate(aggregate), Vec::new())
        }
        LogicalPlan::Window(window) => {
            let (input, keys) = carry(Arc::unwrap_or_clone(window.input))?;
            // Its own order is what PostgreSQL's rows come in behind it.
            let orders = |expr: &Expr| match expr.clone().unalias() {
                Expr::WindowFunction(call) => has_order(&call) || !call.params.partition_by.is_empty(),
                _ => false,
            };
            let kept = !window.window_expr.iter().any(orders);
            // Windows of one node have one order: those that get the keys, and those for which all rows stay peers, become two.
            let (mut by_keys, mut rest) = (Vec::new(), Vec::new());
            for expr in window.window_expr {
                match windowed(&expr, &keys) {
                    Some(ordered) => by_keys.push(ordered),
                    None => rest.push(expr),
                }
            }
            let mut plan = input;
            for exprs in [by_keys, rest].into_iter().filter(|exprs| !exprs.is_empty()) {
                plan = LogicalPlan::Window(Window::try_new(exprs, Arc::new(plan))?);
            }
            (plan, if kept { keys } else { Vec::new() })
        }
        LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Extension(_) => (
            plan.map_children(|input| observed(input).map(Transformed::yes))
                .data()?,
            Vec::new(),
        ),
        other => (
            other
                .map_children(|input| unordered(input).map(Transformed::yes))
                .data()?,
            Vec::new(),
        ),
    })
}

/// A query within an expression.
fn within(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Subquery(query) => Ok(LogicalPlan::Subquery(Subquery {
            subquery: Arc::new(unordered(Arc::unwrap_or_clone(query.subquery))?),
            ..query
        })),
        other => unordered(other),
    }
}

/// Keys that are expressions become columns.
fn as_columns((plan, mut keys): (LogicalPlan, Vec<Key>)) -> Result<(LogicalPlan, Vec<Key>)> {
    if keys.iter().all(|key| matches!(key.expr, Expr::Column(_))) {
        return Ok((plan, keys));
    }
    let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    for (number, key) in keys.iter_mut().enumerate() {
        if !matches!(key.expr, Expr::Column(_)) {
            let name = format!("{KEY}{}_{number}", columns.len());
            columns.push(std::mem::take(&mut key.expr).alias(&name));
            key.expr = Expr::Column(Column::from_name(name));
        }
    }
    let plan = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(plan))?);
    Ok((plan, keys))
}

fn aggregated(expr: Expr, keys: &[Key]) -> Expr {
    let name = expr.schema_name().to_string();
    match expr {
        Expr::AggregateFunction(mut call)
            if !keys.is_empty()
                && AGGREGATES.contains(&call.func.name())
                && call.params.order_by.is_empty()
                && !call.params.distinct =>
        {
            call.params.order_by = keys.to_vec();
            Expr::AggregateFunction(call).alias(name)
        }
        other => other,
    }
}

/// A window function by the keys, if its result depends on the order of rows and its window has none.
fn windowed(expr: &Expr, keys: &[Key]) -> Option<Expr> {
    let Expr::WindowFunction(call) = expr else {
        return None;
    };
    if keys.is_empty() || has_order(call) {
        return None;
    }
    let mut call = call.clone();
    let named = WINDOWS.contains(&call.fun.name());
    if call.params.window_frame.units != WindowFrameUnits::Rows {
        // Without an order all rows are peers: such a frame is the whole partition, and stays it.
        call.params.window_frame = WindowFrame::new(None);
    }
    if !named && whole(&call.params.window_frame) {
        return None;
    }
    call.params.order_by = keys.to_vec();
    let name = expr.schema_name().to_string();
    Some(Expr::WindowFunction(call).alias(name))
}

/// Whether a window has an order. The planner gives those of RANGE and GROUPS a constant where the statement gives none.
fn has_order(call: &WindowFunction) -> bool {
    !call
        .params
        .order_by
        .iter()
        .all(|key| matches!(key.expr, Expr::Literal(..)))
}

fn whole(frame: &WindowFrame) -> bool {
    let unbounded = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => value.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    unbounded(&frame.start_bound) && unbounded(&frame.end_bound)
}
