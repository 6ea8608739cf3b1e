//! Comparisons of numerics with different digits. Rules that run after types were made to agree give some of them other digits.

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::expressions;

/// Casts both sides to a type that holds all digits of either.
#[derive(Debug)]
pub(super) struct Decimals;

impl AnalyzerRule for Decimals {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        expressions::rewrite(plan, |expr, schema| match expr {
            Expr::BinaryExpr(binary) if expressions::is_comparison(binary.op) => compare(binary, schema),
            expr => Ok(Transformed::no(expr)),
        })
    }

    fn name(&self) -> &str {
        "decimals"
    }
}

fn compare(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (left, right) = (binary.left.get_type(schema)?, binary.right.get_type(schema)?);
    if !(left.is_decimal() && right.is_decimal()) {
        return Ok(Transformed::no(Expr::BinaryExpr(binary)));
    }
    let common = common(&left, &right).unwrap_or(left);
    let (one, other) = (
        settled(&binary.left, &common, schema)?,
        settled(&binary.right, &common, schema)?,
    );
    if one.is_none() && other.is_none() {
        return Ok(Transformed::no(Expr::BinaryExpr(binary)));
    }
    let BinaryExpr { left, op, right } = binary;
    Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(
        one.map_or(left, Box::new),
        op,
        other.map_or(right, Box::new),
    ))))
}

/// A side with the type, `None` if it is and stays of it. The type of `round(x, 2)` depends on whether its argument is known to be a
/// constant, and simplification finds out more of them.
fn settled(side: &Expr, common: &DataType, schema: &DFSchema) -> Result<Option<Expr>> {
    let same = side.get_type(schema)? == *common;
    Ok(match side {
        Expr::Column(_) | Expr::Literal(..) | Expr::Cast(_) if same => None,
        side if same => Some(Expr::Cast(Cast::new(Box::new(side.clone()), common.clone()))),
        side => Some(side.clone().cast_to(common, schema)?),
    })
}

/// The type that holds all values of two decimal types which differ.
fn common(left: &DataType, right: &DataType) -> Option<DataType> {
    let digits = |of: &DataType| match of {
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            Some((i16::from(*precision) - i16::from(*scale), *scale))
        }
        _ => None,
    };
    let (one, other) = (digits(left)?, digits(right)?);
    if left == right {
        return None;
    }
    let scale = one.1.max(other.1);
    let precision = u8::try_from(one.0.max(other.0) + i16::from(scale)).ok()?;
    Some(match precision {
        precision if precision <= DECIMAL128_MAX_PRECISION => DataType::Decimal128(precision, scale),
        precision => DataType::Decimal256(precision.min(DECIMAL256_MAX_PRECISION), scale),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digit_is_lost() {
        let of = DataType::Decimal128;
        assert_eq!(
            common(&of(38, 4), &of(38, 16)),
            Some(DataType::Decimal256(50, 16))
        );
        assert_eq!(common(&of(10, 2), &of(5, 4)), Some(of(12, 4)));
        assert_eq!(common(&of(10, 2), &of(10, 2)), None);
        assert_eq!(common(&of(10, 2), &DataType::Int64), None);
    }
}
