//! A floating point number beside a numeric, in CASE, COALESCE, VALUES, UNION and their like, makes both floating point, as in PostgreSQL.
//! DataFusion makes both numeric, with 15 digits behind the point: of `coalesce(x, 0.0)` small values would be nothing and large ones errors.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::logical_plan::Union;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;
use super::numerics::NUMERIC;

/// Functions whose arguments become of one type.
const CHOICES: &[&str] = &["coalesce", "greatest", "least", "make_array", "nullif"];

/// The rule. It is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Floats;

impl AnalyzerRule for Floats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !concerns(&plan)? {
            return Ok(plan);
        }
        expressions::rewrite_nodes(plan, node)
    }

    fn name(&self) -> &str {
        "floats"
    }
}

/// Whether a plan has floating point numbers.
fn concerns(plan: &LogicalPlan) -> Result<bool> {
    expressions::holds(
        plan,
        |field| field.data_type().is_floating(),
        |expr| matches!(expr, Expr::Cast(cast) if cast.field.data_type().is_floating()),
    )
}

fn node(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut schema = merge_schema(&plan.inputs());
    schema.merge(plan.schema());
    let names = NamePreserver::new(&plan);
    let plan = plan
        .map_expressions(|expr| {
            let name = names.save(&expr);
            let rewritten = expr.transform_up(|expr| choice(expr, &schema))?;
            Ok(rewritten.update_data(|expr| name.restore(expr)))
        })
        .data()?;
    match plan {
        LogicalPlan::Values(values) => {
            let mut rows = values.values;
            let mut changed = false;
            for at in 0..values.schema.fields().len() {
                changed |= column(&mut rows, at)?;
            }
            match changed {
                true => LogicalPlanBuilder::values(rows)?.build(),
                false => Ok(LogicalPlan::Values(
                    datafusion::logical_expr::logical_plan::Values {
                        schema: values.schema,
                        values: rows,
                    },
                )),
            }
        }
        LogicalPlan::Union(union) => unite(union).map(LogicalPlan::Union),
        other => Ok(other),
    }
}

/// The type that all become, if there are both kinds.
fn common(types: impl Iterator<Item = DataType>) -> Option<DataType> {
    let (mut numeric, mut float) = (false, None);
    for data_type in types {
        match data_type {
            DataType::Decimal128(..) | DataType::Decimal256(..) => numeric = true,
            DataType::Float64 => float = Some(DataType::Float64),
            DataType::Float32 | DataType::Float16 if float.is_none() => float = Some(DataType::Float32),
            _ => {}
        }
    }
    float.filter(|_| numeric)
}

fn is_numeric(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// The numerics among the expressions are cast.
fn agree(exprs: Vec<&mut Expr>, schema: &DFSchema, always_double: bool) -> Result<bool> {
    let types = exprs
        .iter()
        .map(|expr| expr.get_type(schema))
        .collect::<Result<Vec<_>>>()?;
    let Some(target) = common(types.iter().cloned()) else {
        return Ok(false);
    };
    let target = if always_double { DataType::Float64 } else { target };
    for (expr, of) in exprs.into_iter().zip(types) {
        if is_numeric(&of) || (always_double && of != target) {
            *expr = std::mem::take(expr).cast_to(&target, schema)?;
        }
    }
    Ok(true)
}

fn choice(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::Case(mut case) => {
            let branches = case
                .when_then_expr
                .iter_mut()
                .map(|(_, then)| then.as_mut())
                .chain(case.else_expr.as_deref_mut())
                .collect();
            let changed = agree(branches, schema, false)?;
            Ok(Transformed::new_transformed(Expr::Case(case), changed))
        }
        Expr::ScalarFunction(mut call) if CHOICES.contains(&call.func.name()) => {
            let changed = agree(call.args.iter_mut().collect(), schema, false)?;
            Ok(Transformed::new_transformed(Expr::ScalarFunction(call), changed))
        }
        // A `real` is compared with a numeric as double precision.
        Expr::InList(mut list) => {
            let parts = std::iter::once(list.expr.as_mut())
                .chain(list.list.iter_mut())
                .collect();
            let changed = agree(parts, schema, true)?;
            Ok(Transformed::new_transformed(Expr::InList(list), changed))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// A column of VALUES, whose cells were cast to one type as they were planned.
fn column(rows: &mut [Vec<Expr>], at: usize) -> Result<bool> {
    let schema = DFSchema::empty();
    // A float that the planner made numeric; a cast to numeric that was written is none.
    let hidden = |cell: &Expr| match cell {
        Expr::Cast(cast) if is_numeric(cast.field.data_type()) && *cast.field.data_type() != NUMERIC => {
            cast.expr.get_type(&schema).ok().filter(DataType::is_floating)
        }
        _ => None,
    };
    let cells = rows.iter().filter_map(|row| row.get(at));
    let numeric = DataType::Decimal128(1, 0);
    let Some(target) = common(cells.filter_map(hidden).chain([numeric])) else {
        return Ok(false);
    };
    let mut changed = false;
    for cell in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
        if cell.get_type(&schema)? == target {
            continue;
        }
        let float = hidden(cell).is_some();
        let inner = match std::mem::take(cell) {
            Expr::Cast(cast) if float => *cast.expr,
            other => other,
        };
        *cell = inner.cast_to(&target, &schema)?;
        changed = true;
    }
    Ok(changed)
}

fn unite(union: Union) -> Result<Union> {
    let width = union
        .inputs
        .first()
        .map_or(0, |input| input.schema().fields().len());
    let targets: Vec<Option<DataType>> = (0..width)
        .map(|at| {
            common(
                union
                    .inputs
                    .iter()
                    .filter_map(|input| input.schema().fields().get(at))
                    .map(|field| field.data_type().clone()),
            )
        })
        .collect();
    if targets.iter().all(Option::is_none) {
        return Ok(union);
    }
    let inputs = union
        .inputs
        .iter()
        .map(|input| {
            let columns = input
                .schema()
                .iter()
                .zip(&targets)
                .map(|((qualifier, field), target)| {
                    let column = Expr::Column(Column::from((qualifier, field)));
                    match target {
                        Some(target) if is_numeric(field.data_type()) => Ok(column
                            .cast_to(target, input.schema())?
                            .alias_qualified(qualifier.cloned(), field.name())),
                        _ => Ok(column),
                    }
                })
                .collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(
                LogicalPlanBuilder::from(Arc::clone(input))
                    .project(columns)?
                    .build()?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    Union::try_new_with_loose_types(inputs)
}
