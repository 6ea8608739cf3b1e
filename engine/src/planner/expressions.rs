//! What rules that rewrite expressions, and functions that take arrays, have in common.

use arrow::array::ArrayRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan, ScalarFunctionArgs};

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

/// Calls a function of arrays: once for all where every argument is a constant.
pub(super) fn invoke(
    args: &ScalarFunctionArgs,
    function: impl FnOnce(&[ArrayRef]) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    let constant = args
        .args
        .iter()
        .all(|value| matches!(value, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { args.number_rows };
    let values = args
        .args
        .iter()
        .map(|value| value.to_array(rows))
        .collect::<Result<Vec<_>>>()?;
    let result = function(&values)?;
    Ok(match constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
        false => ColumnarValue::Array(result),
    })
}
