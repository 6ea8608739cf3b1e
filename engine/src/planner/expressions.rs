//! What rules that rewrite expressions have in common.

use arrow::datatypes::Field;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

/// Rewrites every expression of a plan and of its sub-queries, from the leaves up, with the columns that it sees; what it is called stays.
/// After types were made to agree, an expression must keep its type.
pub(super) fn rewrite(
    plan: LogicalPlan,
    one: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|plan| {
        let mut schema = merge_schema(&plan.inputs());
        schema.merge(plan.schema());
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let rewritten = expr.transform_up(|expr| one(expr, &schema))?;
            Ok(rewritten.update_data(|expr| name.restore(expr)))
        })
    })
    .data()
}

/// Rewrites every node of a plan and of its sub-queries, from the leaves up, where it may change types: schemas are computed anew.
pub(super) fn rewrite_nodes(
    plan: LogicalPlan,
    one: impl Fn(LogicalPlan) -> Result<LogicalPlan>,
) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|plan| {
        let plan = one(plan.recompute_schema()?)?;
        plan.recompute_schema().map(Transformed::yes)
    })
    .data()
}

/// Whether a plan or a sub-query of it puts out such a field, or holds such an expression.
pub(super) fn holds(
    plan: &LogicalPlan,
    field: impl Fn(&Field) -> bool,
    expr: impl Fn(&Expr) -> bool,
) -> Result<bool> {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|plan| {
        found = plan.schema().fields().iter().any(|it| field(it));
        if !found {
            let _ = plan.apply_expressions(|it| {
                it.apply(|it| {
                    found = expr(it);
                    Ok(match found {
                        true => TreeNodeRecursion::Stop,
                        false => TreeNodeRecursion::Continue,
                    })
                })
            })?;
        }
        Ok(match found {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}

/// Whether an operator compares two values.
pub(super) fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}
