//! The digits behind the point that `round(x, n)` of a numeric has where `n` is written: that many. DataFusion's function knows `n` only
//! while it is a literal, which it is not between the time types are made to agree, when it gets a cast to `int4`, and the time casts
//! of constants are carried out: a column had one type in the analysed plan, which tables were made by, and another where it ran.

use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;

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

fn one(expr: Expr, _: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(mut call) = expr else {
        return Ok(Transformed::no(expr));
    };
    let mut done = false;
    if call.func.name() == "round"
        && let [_, written] = call.args.as_mut_slice()
        && let Expr::Literal(ScalarValue::Int64(Some(digits)), _) = written
        && let Ok(digits) = i32::try_from(*digits)
    {
        *written = Expr::Literal(ScalarValue::Int32(Some(digits)), None);
        done = true;
    }
    Ok(Transformed::new_transformed(Expr::ScalarFunction(call), done))
}
