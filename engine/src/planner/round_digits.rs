//! The digits behind the point that `round(x, n)` of a numeric has where `n` is written: that many. DataFusion's function knows `n` only
//! while it is a literal, which it is not between the time types are made to agree, when it gets a cast to `int4`, and the time casts
//! of constants are carried out: a column had one type in the analysed plan, which tables were made by, and another where it ran.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use radlake_udfs::types::numeric::SCALE;

use super::expressions;

/// More digits behind the point than any that is asked for to be seen.
const LONGEST: i8 = 24;

/// The rule, which is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct RoundDigits;

impl AnalyzerRule for RoundDigits {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        expressions::rewrite(plan, one)
    }

    fn name(&self) -> &str {
        "round_digits"
    }
}

fn one(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = expr else {
        return Ok(Transformed::no(expr));
    };
    let mut done = false;
    let mut long = None;
    if call.func.name() == "round"
        && let [_, written] = call.args.as_mut_slice()
        && let Expr::Literal(ScalarValue::Int64(Some(digits)), _) = written
        && let Ok(digits) = i32::try_from(*digits)
    {
        *written = Expr::Literal(ScalarValue::Int32(Some(digits)), None);
        done = true;
        long = i8::try_from(digits)
            .ok()
            .filter(|digits| (SCALE..LONGEST).contains(digits));
    }
    let rounded = Expr::ScalarFunction(call);
    match long {
        // That many digits are asked for: it is no numeric without a scale.
        Some(digits) if matches!(rounded.get_type(schema), Ok(DataType::Decimal128(..))) => rounded
            .cast_to(
                &DataType::Decimal128(DECIMAL128_MAX_PRECISION - 1, digits),
                schema,
            )
            .map(Transformed::yes),
        _ => Ok(Transformed::new_transformed(rounded, done)),
    }
}
