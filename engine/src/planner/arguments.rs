//! Sub-queries in the arguments of aggregates, `sum((SELECT …))`: DataFusion 55.2 plans them as columns of a projection alone, so
//! they become columns of one below the aggregate.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, ident};
use datafusion::optimizer::AnalyzerRule;

/// Begins the columns' names: none of a client's, so that no other is meant.
const ARGUMENT: &str = "__radlake_argument_";

/// The rule. It is to run before that which looks at sub-queries.
#[derive(Debug)]
pub(super) struct Arguments;

impl AnalyzerRule for Arguments {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::Aggregate(aggregate) if aggregate.aggr_expr.iter().any(holds_value) => {
                below(aggregate).map(Transformed::yes)
            }
            other => Ok(Transformed::no(other)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "arguments"
    }
}

fn holds_value(expr: &Expr) -> bool {
    expr.exists(|expr| Ok(matches!(expr, Expr::ScalarSubquery(_) | Expr::SetComparison(_))))
        .unwrap_or(false)
}

fn below(aggregate: Aggregate) -> Result<LogicalPlan> {
    let names = NamePreserver::new_for_projection();
    let mut columns: Vec<Expr> = aggregate.input.schema().iter().map(Expr::from).collect();
    let own = columns.len();
    let mut results = Vec::with_capacity(aggregate.aggr_expr.len());
    for expr in aggregate.aggr_expr {
        let name = names.save(&expr);
        let result = expr
            .transform_up(|expr| match expr {
                Expr::ScalarSubquery(_) | Expr::SetComparison(_) => {
                    let column = format!("{ARGUMENT}{}", columns.len() - own);
                    columns.push(expr.alias(&column));
                    Ok(Transformed::yes(ident(column)))
                }
                other => Ok(Transformed::no(other)),
            })
            .data()?;
        results.push(name.restore(result));
    }
    let input = LogicalPlanBuilder::from(Arc::unwrap_or_clone(aggregate.input))
        .project(columns)?
        .build()?;
    Aggregate::try_new(Arc::new(input), aggregate.group_expr, results).map(LogicalPlan::Aggregate)
}
