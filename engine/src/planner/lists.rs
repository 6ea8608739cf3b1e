//! IN of a list that holds more than constants: each element is compared by itself.
//!
//! DataFusion's own evaluation of such a list gives wrong rows where an element is a CASE.

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;

/// The rule. It is to run before types are made to agree.
#[derive(Debug)]
pub(super) struct Lists;

impl AnalyzerRule for Lists {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        match expressions::holds(&plan, |_| false, is_mixed)? {
            true => expressions::rewrite(plan, |expr, _| one(expr)),
            false => Ok(plan),
        }
    }

    fn name(&self) -> &str {
        "lists"
    }
}

fn is_mixed(expr: &Expr) -> bool {
    matches!(expr, Expr::InList(list) if list.list.iter().any(|element| !is_plain(element)) && !list.expr.is_volatile())
}

/// What is compared as it should be: a constant or a column, or a cast of one.
fn is_plain(element: &Expr) -> bool {
    match element {
        Expr::Literal(..) | Expr::Placeholder(_) | Expr::Column(_) => true,
        Expr::Cast(cast) => is_plain(&cast.expr),
        Expr::Negative(inner) => is_plain(inner),
        _ => false,
    }
}

fn one(expr: Expr) -> Result<Transformed<Expr>> {
    if !is_mixed(&expr) {
        return Ok(Transformed::no(expr));
    }
    let Expr::InList(InList { expr, list, negated }) = expr else {
        return Ok(Transformed::no(expr));
    };
    let compared = list.into_iter().map(|element| match negated {
        true => expr.as_ref().clone().not_eq(element),
        false => expr.as_ref().clone().eq(element),
    });
    let joined = compared.reduce(|one, other| match negated {
        true => one.and(other),
        false => one.or(other),
    });
    Ok(match joined {
        Some(joined) => Transformed::yes(joined),
        None => Transformed::no(Expr::Literal(
            datafusion::common::ScalarValue::Boolean(Some(negated)),
            None,
        )),
    })
}
