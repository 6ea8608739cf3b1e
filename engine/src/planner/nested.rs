//! Arrays of several dimensions where they would become something else: a list of lists is not the list of texts that a column of `text[]`
//! holds, and its elements are not the arrays within.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result, not_impl_err};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;

/// The rule, which is to run when types have been made to agree.
#[derive(Debug)]
pub(super) struct Nested;

impl AnalyzerRule for Nested {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !expressions::holds(
            &plan,
            |field| is_nested(field.data_type()),
            |expr| matches!(expr, Expr::Cast(cast) if is_list(cast.field.data_type())),
        )? {
            return Ok(plan);
        }
        let _ = plan.apply_with_subqueries(|plan| {
            if let LogicalPlan::Unnest(unnest) = plan {
                let several = unnest
                    .list_type_columns
                    .iter()
                    .any(|(at, column)| column.depth == 1 && holds_arrays(&unnest.input, *at));
                if several {
                    return not_impl_err!("unnest of an array of several dimensions");
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        expressions::rewrite(plan, one)
    }

    fn name(&self) -> &str {
        "nested"
    }
}

fn is_list(of: &DataType) -> bool {
    matches!(of, DataType::List(_))
}

fn is_nested(of: &DataType) -> bool {
    matches!(of, DataType::List(item) if is_list(item.data_type()))
}

/// Whether rows of a column are arrays of several dimensions. What `regexp_matches` gives is a list of rows, each of which is an array.
fn holds_arrays(input: &LogicalPlan, at: usize) -> bool {
    let made = match input {
        LogicalPlan::Projection(projection) => projection.expr.get(at).cloned().map(Expr::unalias),
        _ => None,
    };
    if matches!(&made, Some(Expr::ScalarFunction(call)) if call.func.name() == "regexp_matches") {
        return false;
    }
    let fields = input.schema().fields();
    fields.get(at).is_some_and(|field| is_nested(field.data_type()))
}

/// Looks only.
fn one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match &expr {
        Expr::Cast(cast)
            if is_list(cast.field.data_type())
                && !is_nested(cast.field.data_type())
                && cast.expr.get_type(schema).is_ok_and(|of| is_nested(&of)) =>
        {
            not_impl_err!("an array of several dimensions as one of one dimension, which columns hold")
        }
        Expr::AggregateFunction(call)
            if matches!(call.func.name(), "min" | "max")
                && call
                    .params
                    .args
                    .iter()
                    .any(|argument| argument.get_type(schema).is_ok_and(|of| is_nested(&of))) =>
        {
            not_impl_err!("{} of arrays of several dimensions", call.func.name())
        }
        _ => Ok(Transformed::no(expr)),
    }
}
