//! `EXISTS (SELECT …)` and `x IN (SELECT …)` as values of a select's output, which DataFusion plans in conditions only.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, LimitClause,
    Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, UnaryOperator, Value, Visit,
    VisitMut, Visitor, VisitorMut,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::ast::{call, folded, function, last, select_one};
use crate::pg_catalog::functions::in_array::IN_ARRAY;

/// Rewrites the predicates of a select's output.
pub(super) fn rewrite(select: &mut Select) {
    let _ = VisitMut::visit(&mut select.projection, &mut Output { depth: 0 });
}

struct Output {
    depth: usize,
}

impl VisitorMut for Output {
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
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Exists { subquery, negated } => {
                let counted = Expr::Subquery(Box::new(count(subquery)));
                let op = if *negated {
                    BinaryOperator::Eq
                } else {
                    BinaryOperator::Gt
                };
                let zero = Expr::Value(Value::Number("0".to_owned(), false).with_empty_span());
                *expr = Expr::Nested(Box::new(Expr::BinaryOp {
                    left: Box::new(counted),
                    op,
                    right: Box::new(zero),
                }));
            }
            // Rows are compared field by field.
            Expr::InSubquery {
                expr: value,
                subquery,
                negated,
            } if matches!(value.as_ref(), Expr::Tuple(_)) => {
                let (left, right) = (value.clone(), Box::new(Expr::Subquery(subquery.clone())));
                *expr = match *negated {
                    true => Expr::AllOp {
                        left,
                        compare_op: BinaryOperator::NotEq,
                        right,
                    },
                    false => Expr::AnyOp {
                        left,
                        compare_op: BinaryOperator::Eq,
                        right,
                        is_some: false,
                    },
                };
            }
            Expr::InSubquery {
                expr: value,
                subquery,
                negated,
            } => {
                let mut array = function("array", Vec::new());
                array.args = FunctionArguments::Subquery(subquery.clone());
                let found = call(IN_ARRAY, vec![value.as_ref().clone(), Expr::Function(array)]);
                *expr = if *negated {
                    Expr::UnaryOp {
                        op: UnaryOperator::Not,
                        expr: Box::new(found),
                    }
                } else {
                    found
                };
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The number of a query's rows; of one that names no outer column, 1 is enough.
fn count(query: &Query) -> Query {
    if let (SetExpr::Select(select), None, None) = (query.body.as_ref(), &query.limit_clause, &query.with)
        && !is_independent(query)
        && is_ungrouped(select)
    {
        let mut counted = query.clone();
        counted.order_by = None;
        if let SetExpr::Select(select) = counted.body.as_mut() {
            select.projection = vec![SelectItem::UnnamedExpr(count_star())];
            select.distinct = None;
        }
        return counted;
    }
    let mut inner = query.clone();
    if inner.limit_clause.is_none() && is_independent(query) {
        let one = Expr::Value(Value::Number("1".to_owned(), false).with_empty_span());
        inner.limit_clause = Some(LimitClause::LimitOffset {
            limit: Some(one),
            offset: None,
            limit_by: Vec::new(),
        });
    }
    let alias = TableAlias {
        explicit: true,
        name: Ident::new("q"),
        columns: Vec::new(),
        at: None,
    };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(inner),
        alias: Some(alias),
        sample: None,
    };
    let mut outer = select_one(SelectItem::UnnamedExpr(count_star()));
    if let SetExpr::Select(select) = outer.body.as_mut() {
        select.from = vec![TableWithJoins {
            relation,
            joins: Vec::new(),
        }];
    }
    outer
}

fn count_star() -> Expr {
    let mut f = function("count", Vec::new());
    if let FunctionArguments::List(list) = &mut f.args {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
    }
    Expr::Function(f)
}

fn is_ungrouped(select: &Select) -> bool {
    matches!(&select.group_by, GroupByExpr::Expressions(e, _) if e.is_empty())
        && select.having.is_none()
        && !super::subqueries::aggregates(select)
}

/// Whether every qualified column of a query belongs to a relation of its own.
fn is_independent(query: &Query) -> bool {
    #[derive(Default)]
    struct Names {
        own: HashSet<String>,
        used: HashSet<String>,
    }
    impl Visitor for Names {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            let (name, alias) = match factor {
                TableFactor::Table { name, alias, .. } => (last(name), alias),
                TableFactor::Derived { alias, .. }
                | TableFactor::Function { alias, .. }
                | TableFactor::UNNEST { alias, .. } => (None, alias),
                _ => return ControlFlow::Continue(()),
            };
            self.own.extend(alias.as_ref().map(|a| folded(&a.name)).or(name));
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::CompoundIdentifier(idents) = expr
                && let [.., qualifier, _] = idents.as_slice()
            {
                self.used.insert(folded(qualifier));
            }
            ControlFlow::Continue(())
        }
    }
    let mut names = Names::default();
    let _ = Visit::visit(query, &mut names);
    names.used.is_subset(&names.own)
}
