//! `EXCEPT ALL` and `INTERSECT ALL` count: of a row that is there m times on the left and n times on the right, m − n or min(m, n) remain.
//!
//! DataFusion 55.2 plans both as joins that ask only whether there is an equal row. Rows are therefore numbered among their equals, on both
//! sides, and the number is one more column of the join.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult};
use datafusion::common::{Column, NullEquality, Result};
use datafusion::config::ConfigOptions;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{Distinct, Expr, ExprFunctionExt, JoinType, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;

/// The number of a row among its equals: no name of a client's.
const COPY: &str = "__radlake_copy";

/// The rule. It is to run before sub-queries become joins, which look the same.
#[derive(Debug)]
pub(super) struct Sets;

impl AnalyzerRule for Sets {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Join(join) if is_all(&join) => counted(&join).map(Transformed::yes),
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "sets"
    }
}

/// Whether the join is a set operation that keeps duplicates: over all columns, NULL being equal to NULL.
fn is_all(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.on.len() == join.left.schema().fields().len()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
        && !matches!(&join.left.as_ref(), LogicalPlan::SubqueryAlias(alias) if matches!(alias.input.as_ref(), LogicalPlan::Distinct(Distinct::All(_))))
}

fn counted(join: &Join) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = join
        .left
        .schema()
        .columns()
        .into_iter()
        .map(Expr::Column)
        .collect();
    let (left, right): (Vec<Expr>, Vec<Expr>) = join.on.iter().cloned().unzip();
    let copy = || Expr::Column(Column::from_name(COPY));
    let mut on = join.on.clone();
    on.push((copy(), copy()));
    let join = Join::try_new(
        Arc::new(numbered(&join.left, left)?),
        Arc::new(numbered(&join.right, right)?),
        on,
        None,
        join.join_type,
        join.join_constraint,
        NullEquality::NullEqualsNull,
        false,
    )?;
    LogicalPlanBuilder::from(LogicalPlan::Join(join))
        .project(columns)?
        .build()
}

/// The rows with their number among equals.
fn numbered(plan: &LogicalPlan, keys: Vec<Expr>) -> Result<LogicalPlan> {
    let window = row_number().partition_by(keys).build()?;
    let columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
    // A window is planned under the name of its expression.
    let named = Expr::Column(Column::from_name(window.schema_name().to_string())).alias(COPY);
    LogicalPlanBuilder::from(plan.clone())
        .window([window])?
        .project(columns.into_iter().chain([named]))?
        .build()
}
