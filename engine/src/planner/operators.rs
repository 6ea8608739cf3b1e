//! Operators of intervals and arrays that DataFusion does not plan, and those of bits, whose literals are `int4` where they fit.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::postgres::{intervals, lists};
use super::{arrays, integers};

/// Plans them; anything else is left to others.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let expr = arrays_of_texts(expr, schema)?;
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        let planned = |function: super::postgres::Named, arguments| {
            Ok(PlannerResult::Planned(function.call(arguments)))
        };
        let is_interval = |of: &DataType| matches!(of, DataType::Interval(_));
        let is_number = |of: &DataType| of.is_numeric() || of.is_null();
        let lists = matches!((&left, &right), (DataType::List(_), DataType::List(_)));
        match expr.op {
            BinaryOperator::Multiply if is_interval(&left) && is_number(&right) => {
                planned(intervals::MULTIPLY, vec![expr.left, expr.right])
            }
            BinaryOperator::Multiply if is_number(&left) && is_interval(&right) => {
                planned(intervals::MULTIPLY, vec![expr.right, expr.left])
            }
            BinaryOperator::Divide if is_interval(&left) && is_number(&right) => {
                planned(intervals::DIVIDE, vec![expr.left, expr.right])
            }
            // Days, of the type integer.
            BinaryOperator::Minus if left == DataType::Date32 && right == DataType::Date32 => {
                let days = Expr::BinaryExpr(BinaryExpr::new(
                    Box::new(expr.left),
                    Operator::Minus,
                    Box::new(expr.right),
                ));
                Ok(PlannerResult::Planned(days.cast_to(&DataType::Int32, schema)?))
            }
            BinaryOperator::PGOverlap if lists => planned(lists::OVERLAP, vec![expr.left, expr.right]),
            BinaryOperator::AtArrow if lists => planned(lists::CONTAINS, vec![expr.left, expr.right]),
            BinaryOperator::ArrowAt if lists => planned(lists::CONTAINS, vec![expr.right, expr.left]),
            BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq
                if lists && left == right =>
            {
                let op = match expr.op {
                    BinaryOperator::Lt => Operator::Lt,
                    BinaryOperator::LtEq => Operator::LtEq,
                    BinaryOperator::Gt => Operator::Gt,
                    _ => Operator::GtEq,
                };
                let sign = lists::COMPARE.call(vec![expr.left, expr.right]);
                Ok(PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(
                    Box::new(sign),
                    op,
                    Box::new(lit(0_i32)),
                ))))
            }
            BinaryOperator::BitwiseAnd
            | BinaryOperator::BitwiseOr
            | BinaryOperator::PGBitwiseXor
            | BinaryOperator::PGBitwiseShiftLeft
            | BinaryOperator::PGBitwiseShiftRight => {
                let RawBinaryExpr { op, left, right } = integers::of_one_width(expr, schema);
                Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
            }
            _ => Ok(PlannerResult::Original(expr)),
        }
    }
}

/// A literal beside an array is one too: `a @> '{1}'`.
fn arrays_of_texts(expr: RawBinaryExpr, schema: &DFSchema) -> Result<RawBinaryExpr> {
    if !matches!(
        expr.op,
        BinaryOperator::PGOverlap | BinaryOperator::AtArrow | BinaryOperator::ArrowAt
    ) {
        return Ok(expr);
    }
    let RawBinaryExpr { op, left, right } = expr;
    let list = |side: &Expr| {
        side.get_type(schema)
            .ok()
            .filter(|of| matches!(of, DataType::List(_)))
    };
    let is_literal = |side: &Expr| matches!(side, Expr::Literal(value, _) if value.data_type().is_string() || value.data_type().is_null());
    let read = |text: Expr, to: &DataType| match text.get_type(schema) {
        Ok(of) if of.is_null() => text.cast_to(to, schema),
        _ => arrays::function().call(vec![text]).cast_to(to, schema),
    };
    let (left, right) = match (list(&left), list(&right)) {
        (Some(to), None) if is_literal(&right) => (left, read(right, &to)?),
        (None, Some(to)) if is_literal(&left) => (read(left, &to)?, right),
        _ => (left, right),
    };
    Ok(RawBinaryExpr { op, left, right })
}
