//! `a IS DISTINCT FROM b OR c` as PostgreSQL reads it: `(a IS DISTINCT FROM b) OR c`.
//!
//! The parser takes everything that follows for the right operand. Parentheses of the text are nodes of the tree, so an
//! AND or OR without them below an operator that binds tighter can only be there by mistake, and is moved up.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator, Expr, Statement, UnaryOperator, Value, VisitMut, VisitorMut};

/// Repairs a statement; `text` is searched first, as most have no such operator.
pub(crate) fn repair(statement: &mut Statement, text: &str) {
    if text.to_ascii_lowercase().contains("distinct") {
        let _ = VisitMut::visit(statement, &mut Repair);
    }
}

struct Repair;

impl VisitorMut for Repair {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        lift(expr);
        ControlFlow::Continue(())
    }
}

/// Moves an AND or OR from the right operand of `expr` above it.
fn lift(expr: &mut Expr) {
    let Some(right) = right_operand(expr) else { return };
    let Expr::BinaryOp { left, .. } = right else {
        return;
    };
    // `expr` takes the left part only; what it becomes is the left part of the operator that it swallowed.
    let inner = std::mem::replace(left.as_mut(), null());
    let mut swallowed = std::mem::replace(right, inner);
    lift(expr);
    if let Expr::BinaryOp { left, .. } = &mut swallowed {
        **left = std::mem::replace(expr, null());
    }
    *expr = swallowed;
}

/// The last operand, if it is an operator that binds less tightly.
fn right_operand(expr: &mut Expr) -> Option<&mut Expr> {
    let (right, weakest) = match expr {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) => (right, AND),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => (expr, AND),
        // OR below AND; an AND below an AND means the same either way.
        Expr::BinaryOp {
            op: BinaryOperator::And,
            right,
            ..
        } => (right, OR),
        _ => return None,
    };
    let operand = right.as_mut();
    matches!(operand, Expr::BinaryOp { op, .. } if strength(op) <= weakest).then_some(operand)
}

const OR: u8 = 1;
const AND: u8 = 2;

fn strength(op: &BinaryOperator) -> u8 {
    match op {
        BinaryOperator::Or => OR,
        BinaryOperator::And => AND,
        _ => u8::MAX,
    }
}

fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

#[cfg(test)]
mod tests {
    use sqlparser::ast::{SelectItem, SetExpr};

    use super::*;

    /// The first output column with all parentheses.
    fn read(text: &str) -> String {
        fn show(expr: &Expr) -> String {
            match expr {
                Expr::BinaryOp { left, op, right } => format!("({} {op} {})", show(left), show(right)),
                Expr::UnaryOp { op, expr } => format!("({op} {})", show(expr)),
                Expr::IsDistinctFrom(a, b) => format!("({} <> {})", show(a), show(b)),
                Expr::IsNotDistinctFrom(a, b) => format!("({} == {})", show(a), show(b)),
                Expr::Nested(inner) => show(inner),
                other => other.to_string(),
            }
        }
        let statements = crate::parse(&format!("SELECT {text}")).unwrap();
        let Statement::Query(query) = statements[0].ast() else {
            panic!()
        };
        let SetExpr::Select(select) = query.body.as_ref() else {
            panic!()
        };
        let SelectItem::UnnamedExpr(expr) = &select.projection[0] else {
            panic!()
        };
        show(expr)
    }

    #[test]
    fn and_and_or_bind_less_than_is_distinct_from() {
        assert_eq!(read("a IS DISTINCT FROM b"), "(a <> b)");
        assert_eq!(read("a IS DISTINCT FROM b OR c"), "((a <> b) OR c)");
        assert_eq!(read("a IS DISTINCT FROM b AND c OR d"), "(((a <> b) AND c) OR d)");
        assert_eq!(
            read("a IS NOT DISTINCT FROM b OR c AND d"),
            "((a == b) OR (c AND d))"
        );
        assert_eq!(read("x AND a IS DISTINCT FROM b OR c"), "((x AND (a <> b)) OR c)");
        assert_eq!(read("x OR a IS DISTINCT FROM b AND c"), "(x OR ((a <> b) AND c))");
        assert_eq!(read("NOT a IS DISTINCT FROM b AND c"), "((NOT (a <> b)) AND c)");
        assert_eq!(
            read("a IS DISTINCT FROM b AND c IS DISTINCT FROM d OR e"),
            "(((a <> b) AND (c <> d)) OR e)"
        );
        assert_eq!(read("a IS DISTINCT FROM (b OR c)"), "(a <> (b OR c))");
        assert_eq!(read("a IS DISTINCT FROM b + 1 OR c"), "((a <> (b + 1)) OR c)");
    }
}
