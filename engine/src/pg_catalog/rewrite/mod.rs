//! PostgreSQL's ways of writing a query in terms of what DataFusion plans, on the syntax tree, before planning.
//!
//! Nothing here knows a client's query by its text: each file is one construct of PostgreSQL's grammar.

mod ast;
mod balance;
mod casts;
mod empty;
mod functions;
mod keyed;
mod lift;
mod literals;
mod naming;
mod operators;
mod predicates;
mod recursive;
mod relations;
mod scope;
mod subqueries;
mod subscripts;
mod system_columns;

use datafusion::sql::sqlparser::ast::{Expr, Select, Statement, VisitMut, VisitorMut};
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::relations::Keys;

pub(crate) use ast::select_one;
pub(crate) use naming::numbered_name;
pub use naming::{output_name, output_type};

/// Rewrites a statement for DataFusion's planner.
///
/// Output columns get PostgreSQL's names. What a column's name cannot be to the planner (the same as another's) or its Arrow type
/// cannot tell (a cast to `json`) is kept behind the name: [`output_name`] and [`output_type`] read the two.
pub(crate) fn rewrite(statement: &mut Statement, keys: Keys) {
    balance::balance(statement);
    relations::qualify(statement);
    if let Statement::Query(query) = statement {
        casts::show_names(query);
    }
    rewrite_parts(statement, true, keys);
}

/// Rewrites the query of a view, whose columns other queries name.
pub fn rewrite_view(statement: &mut Statement) {
    balance::balance(statement);
    relations::qualify(statement);
    rewrite_parts(statement, false, Keys::Shown);
}

fn rewrite_parts(statement: &mut Statement, typed: bool, keys: Keys) {
    // Names come from what the client wrote, so before anything is replaced.
    naming::name_columns(statement, typed);
    empty::prune(statement, keys);
    subscripts::rewrite(statement);
    let _ = VisitMut::visit(statement, &mut Lookups::default());
    let _ = VisitMut::visit(statement, &mut Rewriter::default());
}

/// What needs to know a select's own relations.
#[derive(Default)]
struct Lookups {
    lifted: usize,
}

impl VisitorMut for Lookups {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        relations::qualify_wildcards(select);
        system_columns::rewrite(select);
        literals::rewrite(select);
        keyed::rewrite(select, &mut self.lifted);
        lift::rewrite(select, &mut self.lifted);
        predicates::rewrite(select);
        ControlFlow::Continue(())
    }
}

/// `ANY (SELECT …)` is a set, not a scalar subquery: the addresses of such operands while their parents are being visited.
#[derive(Default)]
struct Rewriter {
    sets: HashSet<usize>,
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        operators::like_sets(expr);
        if let Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } = expr
            && matches!(right.as_ref(), Expr::Subquery(_))
        {
            self.sets.insert(address(right));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        operators::rewrite(expr);
        functions::rewrite(expr);
        casts::rewrite(expr);
        if !self.sets.remove(&address(expr)) {
            subqueries::rewrite(expr);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        functions::rewrite_array_defaults(select);
        functions::rewrite_from(&mut select.from);
        ControlFlow::Continue(())
    }
}
