//! `polroles = '{0}'`: a text beside a column of a system relation that is an array is an array of the same type.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Ident, ObjectName, ObjectNamePart, Query,
    Select, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

use super::ast::{bare, folded};
use super::scope::Scope;

/// Gives the texts of a select's own comparisons the type of the column beside them.
pub(super) fn rewrite(select: &mut Select) {
    let scope = Scope::of(&select.from);
    let mut literals = Literals { scope, depth: 0 };
    let _ = VisitMut::visit(&mut select.projection, &mut literals);
    let _ = VisitMut::visit(&mut select.selection, &mut literals);
    let _ = VisitMut::visit(&mut select.from, &mut literals);
}

struct Literals {
    scope: Scope,
    depth: usize,
}

impl VisitorMut for Literals {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::BinaryOp { left, op, right } = expr
            && compares(op)
        {
            if let Some(element) = self.element(left) {
                give(right, &element);
            } else if let Some(element) = self.element(right) {
                give(left, &element);
            }
        }
        ControlFlow::Continue(())
    }
}

impl Literals {
    /// The type of an array column's elements, by its name in `pg_type`.
    fn element(&self, expr: &Expr) -> Option<String> {
        let (qualifier, name) = match bare(expr) {
            Expr::Identifier(name) => (None, folded(name)),
            Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [.., qualifier, name] => (Some(folded(qualifier)), folded(name)),
                _ => return None,
            },
            _ => return None,
        };
        let array = self.scope.column_type(qualifier.as_deref(), &name)?;
        Some(array.strip_prefix('_')?.to_owned())
    }
}

fn compares(op: &BinaryOperator) -> bool {
    let plain = matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
            | BinaryOperator::AtArrow
            | BinaryOperator::ArrowAt
            | BinaryOperator::PGOverlap
    );
    plain
        || matches!(op, BinaryOperator::PGCustomBinaryOperator(path)
            if path.last().is_some_and(|symbol| ["=", "<>", "!="].contains(&symbol.as_str())))
}

fn give(literal: &mut Expr, element: &str) {
    if !matches!(bare(literal), Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_))) {
        return;
    }
    let part = |name: &str| ObjectNamePart::Identifier(Ident::with_quote('"', name));
    let element = DataType::Custom(ObjectName(vec![part("pg_catalog"), part(element)]), Vec::new());
    let text = std::mem::replace(literal, super::ast::null());
    *literal = Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(text),
        data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), None)),
        array: false,
        format: None,
    };
}
