//! A sub-query as a value is NULL where it has no rows, also if its column is never NULL. DataFusion 55.2 takes the column's word for it:
//! `(SELECT 1 WHERE 1 = 0) IS NULL` was false.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Subquery, Volatility,
};

/// The node with sub-queries that may be NULL.
pub(super) fn may_be_null(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    plan.map_expressions(|expr| expr.transform_up(one))
}

fn one(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarSubquery(subquery) = expr else {
        return Ok(Transformed::no(expr));
    };
    let plan = &subquery.subquery;
    let never = plan
        .schema()
        .fields()
        .first()
        .is_some_and(|field| !field.is_nullable());
    // A correlated one becomes a join, which has NULLs of its own.
    if !never || !subquery.outer_ref_columns.is_empty() || has_one_row(plan) {
        return Ok(Transformed::no(Expr::ScalarSubquery(subquery)));
    }
    let column = Expr::Column(Column::from(plan.schema().qualified_field(0)));
    let name = plan.schema().field(0).name().clone();
    let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::from(MayBeNull::default())), vec![column]);
    let plan = LogicalPlanBuilder::from(Arc::clone(plan))
        .project([Expr::ScalarFunction(call).alias(name)])?
        .build()?;
    Ok(Transformed::yes(Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        ..subquery
    })))
}

/// Whether a plan has a row whatever there is.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_one_row(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        _ => false,
    }
}

/// Its argument, of which nobody knows that it is never NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MayBeNull {
    signature: Signature,
}

impl Default for MayBeNull {
    fn default() -> Self {
        Self {
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for MayBeNull {
    fn name(&self) -> &str {
        "may_be_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [only] => Ok(only.clone()),
            _ => exec_err!("may_be_null takes one argument"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match args.arg_fields {
            [only] => Ok(Arc::new(only.as_ref().clone().with_nullable(true))),
            _ => exec_err!("may_be_null takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.into_iter().next() {
            Some(only) => Ok(only),
            None => exec_err!("may_be_null takes one argument"),
        }
    }
}
