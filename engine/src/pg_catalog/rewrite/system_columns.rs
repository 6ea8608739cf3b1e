//! `tableoid` and `xmin` of system relations: columns that `*` does not show.

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Ident, ObjectName, Query, Select, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

use super::ast::folded;
use super::scope::Scope;

/// Whether an expression may be such a column: what it is replaced by has not its name.
pub(super) fn is_one(expr: &Expr) -> bool {
    let last = match expr {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(idents) => idents.last(),
        _ => None,
    };
    last.is_some_and(|last| ["tableoid", "xmin"].contains(&folded(last).as_str()))
}

/// Replaces the system columns of a select's own relations by what they hold.
pub(super) fn rewrite(select: &mut Select) {
    let scope = Scope::of(&select.from);
    if scope.names().next().is_none() {
        return;
    }
    let mut replacer = Replacer { scope, depth: 0 };
    let _ = select.projection.visit(&mut replacer);
    let _ = select.selection.visit(&mut replacer);
    let _ = select.from.visit(&mut replacer);
}

struct Replacer {
    scope: Scope,
    depth: usize,
}

impl VisitorMut for Replacer {
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
        let (qualifier, column) = match expr {
            Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [.., qualifier, column] => (Some(folded(qualifier)), folded(column)),
                _ => return ControlFlow::Continue(()),
            },
            // A bare name inside a subquery may be the subquery's own.
            Expr::Identifier(column) if self.depth == 0 => (None, folded(column)),
            _ => return ControlFlow::Continue(()),
        };
        let mut names = self.scope.names();
        let relation = match (&qualifier, names.next(), names.next()) {
            (Some(qualifier), _, _) => self.scope.relation(qualifier),
            (None, Some(only), None) if self.scope.is_complete() => self.scope.relation(only),
            _ => None,
        };
        drop(names);
        let Some(relation) = relation else {
            return ControlFlow::Continue(());
        };
        let number = |value: String| Expr::Value(Value::Number(value, false).with_empty_span());
        *expr = match column.as_str() {
            "tableoid" => Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(number(relation.oid.to_string())),
                data_type: DataType::Custom(ObjectName::from(vec![Ident::new("oid")]), Vec::new()),
                array: false,
                format: None,
            },
            // Catalog rows are written by no transaction of a client's: the bootstrap's number.
            "xmin" => number("1".to_owned()),
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Continue(())
    }
}
