//! `generate_subscripts` and `_pg_expandarray` in a select's output; the subscripts of vectors (`indkey[0]`), which begin at 0; and those of
//! names (`typname[0]`), which are characters.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, ObjectName, Statement, Subscript, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

use super::ast::{bare, call, folded, last, null};
use super::scope::system_relation;
use crate::pg_catalog::declared::PG_CATALOG;
use crate::pg_catalog::functions::expand_array::NUMBERED;

/// Columns of the types `int2vector` and `oidvector`.
const VECTORS: [&str; 6] = [
    "indkey",
    "indoption",
    "indclass",
    "indcollation",
    "proargtypes",
    "tgattr",
];

/// Columns of the type `name` that are asked for their letters.
const NAMES: [&str; 7] = [
    "typname", "relname", "attname", "nspname", "proname", "conname", "rolname",
];

/// Rewrites them.
pub(super) fn rewrite(statement: &mut Statement) {
    let mut rewriter = Subscripts::default();
    let _ = Visit::visit(statement, &mut rewriter);
    let _ = VisitMut::visit(statement, &mut rewriter);
}

/// Of which relations a statement reads any: columns of other tables may have these names too.
#[derive(Default)]
struct Subscripts {
    vectors: bool,
    names: bool,
}

impl Visitor for Subscripts {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if let Some(relation) = system_relation(name) {
            self.names |= relation.namespace == PG_CATALOG;
            self.vectors |= ["pg_index", "pg_proc", "pg_trigger"].contains(&relation.name);
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Subscripts {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::CompoundFieldAccess { root, access_chain } => {
                let (column, index) = match access_chain.as_mut_slice() {
                    [AccessExpr::Subscript(Subscript::Index { index })] => (root.as_ref().clone(), index),
                    // `i.indkey[0]`
                    [
                        AccessExpr::Dot(Expr::Identifier(column)),
                        AccessExpr::Subscript(Subscript::Index { index }),
                    ] => {
                        let Expr::Identifier(table) = root.as_ref() else {
                            return ControlFlow::Continue(());
                        };
                        (
                            Expr::CompoundIdentifier(vec![table.clone(), column.clone()]),
                            index,
                        )
                    }
                    _ => return ControlFlow::Continue(()),
                };
                if self.vectors && is_of(&column, &VECTORS) {
                    *index = plus(index.clone(), 1);
                } else if self.names && is_of(&column, &NAMES) {
                    *expr = call("substr", vec![column, plus(index.clone(), 1), number(1)]);
                }
            }
            Expr::Function(function)
                if last(&function.name).is_some_and(|name| name == "_pg_expandarray") =>
            {
                function.name = ObjectName::from(vec![Ident::new(NUMBERED)]);
                let list = std::mem::replace(expr, null());
                *expr = call("unnest", vec![list]);
            }
            Expr::Function(function)
                if last(&function.name).is_some_and(|name| name == "generate_subscripts") =>
            {
                let FunctionArguments::List(list) = &function.args else {
                    return ControlFlow::Continue(());
                };
                let [
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(array)),
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(dimension)),
                ] = list.args.as_slice()
                else {
                    return ControlFlow::Continue(());
                };
                let first = if self.vectors && is_of(array, &VECTORS) {
                    0
                } else {
                    1
                };
                let length = call("array_upper", vec![array.clone(), dimension.clone()]);
                let range = call("range", vec![number(first), plus(length, first)]);
                let integers = Expr::Cast {
                    kind: CastKind::DoubleColon,
                    expr: Box::new(range),
                    data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(
                        Box::new(DataType::Integer(None)),
                        None,
                    )),
                    array: false,
                    format: None,
                };
                *expr = call("unnest", vec![integers]);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_of(expr: &Expr, columns: &[&str]) -> bool {
    let column = match bare(expr) {
        Expr::Identifier(ident) => ident,
        Expr::CompoundIdentifier(idents) => match idents.last() {
            Some(ident) => ident,
            None => return false,
        },
        _ => return false,
    };
    columns.contains(&folded(column).as_str())
}

fn number(number: i64) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).with_empty_span())
}

fn plus(expr: Expr, more: i64) -> Expr {
    Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(expr),
        op: BinaryOperator::Plus,
        right: Box::new(number(more)),
    }))
}
