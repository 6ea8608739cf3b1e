//! Types of aggregates and window functions, as in PostgreSQL: `sum` of `bigint` and `avg` of integers and numerics are numeric (the one
//! does not wrap, the other is exact), `sum` of `real` is `real`, `percentile_cont` of `real` is of double precision, and what `lag` and
//! `lead` give where there is no row may be longer than what they give else.
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

use super::postgres::floats;

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
            let grouped =
                matches!(&plan, LogicalPlan::Aggregate(aggregate) if !aggregate.group_expr.is_empty());
            let schema = merge_schema(&plan.inputs());
            let names = NamePreserver::new(&plan);
            let mut results = Vec::new();
            let rewritten = plan.map_expressions(|expr| {
                let name = names.save(&expr);
                let shown = expr.schema_name().to_string();
                let rewritten = expr.transform_up(|expr| {
                    let (expr, result) = widened(expr, &schema, grouped)?;
                    if let Some(result) = result {
                        results.push((shown.clone(), result));
                    }
                    Ok(expr)
                })?;
                Ok(rewritten.update_data(|expr| name.restore(expr)))
            })?;
            if results.is_empty() {
                return Ok(rewritten);
            }
            narrowed(rewritten.data.recompute_schema()?, &results).map(Transformed::yes)
        })
        .data()
    }

    fn name(&self) -> &str {
        "numbers"
    }
}

/// The results in the types that are shown. An average is cut off, so it was made four digits longer, and is rounded here.
fn narrowed(plan: LogicalPlan, results: &[(String, Shown)]) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| {
            let column = Expr::Column(Column::from((qualifier, field)));
            let result = results
                .iter()
                .find(|(name, _)| qualifier.is_none() && name == field.name());
            match result {
                Some((name, Shown::As(to))) => column.cast_to(to, plan.schema()).map(|cast| cast.alias(name)),
                Some((name, Shown::FloatOf(to))) => Ok(floats::of_order_key(column)
                    .cast_to(to, plan.schema())?
                    .alias(name)),
                None => Ok(column),
            }
        })
        .collect::<Result<_>>()?;
    LogicalPlanBuilder::from(Arc::new(plan)).project(columns)?.build()
}

/// How a result is shown.
#[derive(Debug)]
enum Shown {
    /// In another type.
    As(DataType),
    /// As the float of this type that it stands for.
    FloatOf(DataType),
}

/// The expression with a wider argument, and how its result is shown, where that is otherwise.
fn widened(expr: Expr, schema: &DFSchema, grouped: bool) -> Result<(Transformed<Expr>, Option<Shown>)> {
    match expr {
        Expr::AggregateFunction(mut call) => {
            let name = call.func.name().to_owned();
            if let ("min" | "max", true, [value]) = (name.as_str(), grouped, call.params.args.as_mut_slice())
                && let Ok(of @ (DataType::Float32 | DataType::Float64)) = value.get_type(schema)
            {
                // Of groups they begin with the least and the greatest number that is finite, which infinity is not beyond.
                *value = floats::order_key(std::mem::take(value));
                return Ok((
                    Transformed::yes(Expr::AggregateFunction(call)),
                    Some(Shown::FloatOf(of)),
                ));
            }
            let (done, result) = widen(&name, &mut call.params.args, schema)?;
            Ok((
                Transformed::new_transformed(Expr::AggregateFunction(call), done),
                result.map(Shown::As),
            ))
        }
        Expr::WindowFunction(mut call) => {
            let WindowFunctionDefinition::AggregateUDF(function) = &call.fun else {
                let done = or_default(
                    call.fun.name() == "lag" || call.fun.name() == "lead",
                    &mut call.params.args,
                    schema,
                )?;
                return Ok((
                    Transformed::new_transformed(Expr::WindowFunction(call), done),
                    None,
                ));
            };
            let name = function.name().to_owned();
            let (done, result) = widen(&name, &mut call.params.args, schema)?;
            Ok((
                Transformed::new_transformed(Expr::WindowFunction(call), done),
                result.map(Shown::As),
            ))
        }
        other => Ok((Transformed::no(other), None)),
    }
}

fn widen(function: &str, arguments: &mut [Expr], schema: &DFSchema) -> Result<(bool, Option<DataType>)> {
    let Some(argument) = arguments.first_mut() else {
        return Ok((false, None));
    };
    let numeric = |digits| Some(DataType::Decimal128(38, digits));
    let (target, result) = match (function, argument.get_type(schema)) {
        ("sum", Ok(DataType::Int64)) => (SUM, None),
        ("sum", Ok(DataType::Float32)) => return Ok((false, Some(DataType::Float32))),
        ("avg", Ok(DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64)) => {
            (DataType::Decimal256(48, DIGITS), numeric(DIGITS))
        }
        ("avg", Ok(DataType::Decimal128(_, scale))) if scale <= 30 => {
            let digits = scale.max(DIGITS);
            (DataType::Decimal256(60, digits), numeric(digits))
        }
        ("percentile_cont", Ok(DataType::Float32)) => (DataType::Float64, None),
        _ => return Ok((false, None)),
    };
    let narrow = std::mem::take(argument);
    *argument = narrow.cast_to(&target, schema)?;
    Ok((true, result))
}

/// `lag(a_whole_number, 1, 0.5)`: the value becomes as long as its default, which the planner would cut to the value's type.
fn or_default(wanted: bool, arguments: &mut [Expr], schema: &DFSchema) -> Result<bool> {
    let [value, _, default] = arguments else {
        return Ok(false);
    };
    if !wanted {
        return Ok(false);
    }
    let (of, to) = (value.get_type(schema)?, default.get_type(schema)?);
    let target = match (of, to) {
        (of, DataType::Decimal128(_, scale)) if of.is_integer() => DataType::Decimal128(38, scale),
        (DataType::Decimal128(_, less), DataType::Decimal128(_, more)) if less < more => {
            DataType::Decimal128(38, more)
        }
        (of, float) if float.is_floating() && (of.is_integer() || matches!(of, DataType::Decimal128(..))) => {
            float
        }
        _ => return Ok(false),
    };
    let narrow = std::mem::take(value);
    *value = narrow.cast_to(&target, schema)?;
    Ok(true)
}
