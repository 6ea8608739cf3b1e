//! `sum` of `bigint` and `avg` of integers and numerics are numeric, as in PostgreSQL: the one does not wrap, the other is exact.
//!
//! PostgreSQL gives an average as many digits behind the point as its size allows (16 up to 9,999, then fewer); here it has 16 always, or as
//! many as its argument.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, WindowFunctionDefinition,
};
use datafusion::optimizer::AnalyzerRule;

/// Any `bigint`, with room for 10^18 of them to be added.
const SUM: DataType = DataType::Decimal128(20, 0);
/// Digits behind the point of an average.
const DIGITS: i8 = 16;

/// The rule, which is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Numbers;

impl AnalyzerRule for Numbers {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            if !matches!(plan, LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)) {
                return Ok(Transformed::no(plan));
            }
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            let mut averages = Vec::new();
            let rewritten = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let shown = expr.schema_name().to_string();
                let rewritten = expr.transform_up(|expr| {
                    let (expr, average) = widened(expr, &schema)?;
                    if let Some(digits) = average {
                        averages.push((shown.clone(), digits));
                    }
                    Ok(expr)
                })?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })?;
            if averages.is_empty() {
                return Ok(rewritten);
            }
            rounded(rewritten.data.recompute_schema()?, &averages).map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &str {
        "numbers"
    }
}

/// An average is cut off, so it is made four digits longer than it is shown, and rounded.
fn rounded(plan: LogicalPlan, averages: &[(String, i8)]) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| {
            let column = Expr::Column(Column::from((qualifier, field)));
            let digits = averages
                .iter()
                .find(|(name, _)| qualifier.is_none() && name == field.name());
            match digits {
                Some((name, digits)) => {
                    let to = DataType::Decimal128(38, *digits);
                    column.cast_to(&to, plan.schema()).map(|cast| cast.alias(name))
                }
                None => Ok(column),
            }
        })
        .collect::<Result<_>>()?;
    LogicalPlanBuilder::from(Arc::new(plan)).project(columns)?.build()
}

/// The expression with a wider argument, and the digits of an average.
fn widened(expr: Expr, schema: &DFSchema) -> Result<(Transformed<Expr>, Option<i8>)> {
    match expr {
        Expr::AggregateFunction(mut call) => {
            let name = call.func.name().to_owned();
            let (done, digits) = widen(&name, &mut call.params.args, schema)?;
            Ok((
                Transformed::new_transformed(Expr::AggregateFunction(call), done),
                digits,
            ))
        }
        Expr::WindowFunction(mut call) => {
            let WindowFunctionDefinition::AggregateUDF(function) = &call.fun else {
                return Ok((Transformed::no(Expr::WindowFunction(call)), None));
            };
            let name = function.name().to_owned();
            let (done, digits) = widen(&name, &mut call.params.args, schema)?;
            Ok((
                Transformed::new_transformed(Expr::WindowFunction(call), done),
                digits,
            ))
        }
        other => Ok((Transformed::no(other), None)),
    }
}

fn widen(function: &str, arguments: &mut [Expr], schema: &DFSchema) -> Result<(bool, Option<i8>)> {
    let [argument] = arguments else {
        return Ok((false, None));
    };
    let (target, digits) = match (function, argument.get_type(schema)) {
        ("sum", Ok(DataType::Int64)) => (SUM, None),
        ("avg", Ok(DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)) => {
            (DataType::Decimal256(48, DIGITS), Some(DIGITS))
        }
        ("avg", Ok(DataType::Decimal128(_, scale))) if scale <= 30 => {
            let digits = scale.max(DIGITS);
            (DataType::Decimal256(60, digits), Some(digits))
        }
        _ => return Ok((false, None)),
    };
    let narrow = std::mem::take(argument);
    *argument = narrow.cast_to(&target, schema)?;
    Ok((true, digits))
}
