//! Long chains of AND, OR and `||` as balanced trees.
//!
//! The parser makes `a OR b OR c …` as deep as it is long, and whatever clones, compares or drops the tree recurses once per
//! level. These operators are associative, so a tree of logarithmic depth means the same.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Statement, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// Shorter chains stay as they are.
const MIN_CHAIN: usize = 16;

/// Balances the chains of a statement. The visitor's own recursion grows its stack where it must.
pub(super) fn balance(statement: &mut Statement) {
    let _ = VisitMut::visit(statement, &mut Balancer);
}

struct Balancer;

impl VisitorMut for Balancer {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Some(operator) = associative(expr) else {
            return ControlFlow::Continue(());
        };
        if chain_length(expr, &operator) >= MIN_CHAIN {
            let whole = std::mem::replace(expr, super::ast::null());
            *expr = balanced(operands(whole, &operator), &operator);
        }
        ControlFlow::Continue(())
    }
}

fn associative(expr: &Expr) -> Option<BinaryOperator> {
    match expr {
        Expr::BinaryOp {
            op: op @ (BinaryOperator::And | BinaryOperator::Or | BinaryOperator::StringConcat),
            ..
        } => Some(op.clone()),
        _ => None,
    }
}

fn chain_length(expr: &Expr, operator: &BinaryOperator) -> usize {
    let mut length = 1;
    let mut current = expr;
    while let Expr::BinaryOp { left, op, .. } = current
        && op == operator
    {
        length += 1;
        current = left;
    }
    length
}

/// The operands from left to right, taken apart without recursion.
fn operands(expr: Expr, operator: &BinaryOperator) -> Vec<Expr> {
    let mut operands = Vec::new();
    let mut current = expr;
    loop {
        match current {
            Expr::BinaryOp { left, op, right } if op == *operator => {
                operands.push(*right);
                current = *left;
            }
            first => {
                operands.push(first);
                operands.reverse();
                return operands;
            }
        }
    }
}

/// Joins neighbours until one is left.
fn balanced(mut operands: Vec<Expr>, operator: &BinaryOperator) -> Expr {
    while operands.len() > 1 {
        let mut joined = Vec::with_capacity(operands.len().div_ceil(2));
        let mut pairs = operands.into_iter();
        while let Some(left) = pairs.next() {
            joined.push(match pairs.next() {
                Some(right) => Expr::BinaryOp {
                    left: Box::new(left),
                    op: operator.clone(),
                    right: Box::new(right),
                },
                None => left,
            });
        }
        operands = joined;
    }
    operands.pop().unwrap_or_else(super::ast::null)
}
