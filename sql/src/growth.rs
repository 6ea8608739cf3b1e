//! How large a statement gets once the names of its WITH clauses are replaced by what they stand for.
//!
//! The planner copies a named query wherever it is named, so `t1 AS (SELECT * FROM t0), t2 AS (SELECT * FROM t1) …` is as deep
//! as it is long, and naming each twice doubles the work with every line. Both are bounded here, on the syntax tree.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Statement, Visit, Visitor};

use crate::SyntaxError;

/// Relations that are read, counting a named query's as often as it is named.
const MAX_RELATIONS: usize = 1_000;

/// Queries within queries, whether by brackets or by name.
const MAX_DEPTH: usize = 200;

/// Subqueries within subqueries as values or conditions. The optimiser turns each into a join and looks into the inner ones
/// again, so that every level doubles its work.
const MAX_VALUES: usize = 12;

/// Checks a statement.
pub(crate) fn check(statement: &Statement) -> Result<(), SyntaxError> {
    match statement.visit(&mut Growth::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(reason) => Err(SyntaxError::TooComplex { reason }),
    }
}

/// What a query is once expanded.
#[derive(Debug, Default, Clone, Copy)]
struct Extent {
    relations: usize,
    depth: usize,
}

impl Extent {
    fn add(&mut self, part: Self) {
        self.relations = self.relations.saturating_add(part.relations);
        self.depth = self.depth.max(part.depth.saturating_add(1));
    }

    fn check(self) -> ControlFlow<String> {
        if self.relations > MAX_RELATIONS {
            return ControlFlow::Break(format!(
                "the statement reads more than {MAX_RELATIONS} relations, those of WITH counted wherever they are named"
            ));
        }
        if self.depth > MAX_DEPTH {
            return ControlFlow::Break(format!(
                "queries are nested more than {MAX_DEPTH} deep, by brackets or through WITH"
            ));
        }
        ControlFlow::Continue(())
    }
}

/// A query that is being visited.
#[derive(Debug, Default)]
struct Level {
    extent: Extent,
    /// The queries of its WITH by address, which is how the visitor's calls tell them from subqueries.
    named: HashMap<usize, String>,
    /// Those that have been visited.
    known: HashMap<String, Extent>,
}

#[derive(Debug, Default)]
struct Growth {
    open: Vec<Level>,
    /// Subqueries of expressions that are being visited.
    values: usize,
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. }
    )
}

impl Visitor for Growth {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        self.values += usize::from(is_subquery(expr));
        if self.values > MAX_VALUES {
            return ControlFlow::Break(format!(
                "more than {MAX_VALUES} subqueries within one another's expressions; put parts into WITH queries or joins"
            ));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        self.values -= usize::from(is_subquery(expr));
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
        self.open.push(Level {
            named: ctes
                .map(|cte| (address(&cte.query), folded(&cte.alias.name)))
                .collect(),
            ..Level::default()
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let Some(mut done) = self.open.pop() else {
            return ControlFlow::Continue(());
        };
        // A query without a FROM is a row of its own.
        done.extent.relations = done.extent.relations.max(1);
        done.extent.check()?;
        let Some(outer) = self.open.last_mut() else {
            return ControlFlow::Continue(());
        };
        match outer.named.get(&address(query)) {
            // Planned once even if nothing names it.
            Some(name) => {
                let _ = outer.known.insert(name.clone(), done.extent);
            }
            None => outer.extent.add(done.extent),
        }
        outer.extent.check()
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let name = match relation.0.as_slice() {
            [only] => only.as_ident().map(folded),
            _ => None,
        };
        let known = name.and_then(|name| self.open.iter().rev().find_map(|level| level.known.get(&name)));
        let extent = known.copied().unwrap_or(Extent {
            relations: 1,
            depth: 0,
        });
        match self.open.last_mut() {
            Some(level) => {
                level.extent.add(extent);
                level.extent.check()
            }
            None => ControlFlow::Continue(()),
        }
    }
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{SyntaxError, parse};

    fn refused(text: &str) -> bool {
        matches!(parse(text), Err(SyntaxError::TooComplex { .. }))
    }

    fn chain(length: usize, body: impl Fn(usize) -> String) -> String {
        let ctes: Vec<String> = (1..=length)
            .map(|i| format!("t{i} AS ({})", body(i - 1)))
            .collect();
        format!(
            "WITH t0 AS (SELECT 1 AS x), {} SELECT * FROM t{length}",
            ctes.join(", ")
        )
    }

    #[test]
    fn chains_through_with_are_as_deep_as_they_are_long() {
        assert!(refused(&chain(1_500, |i| format!("SELECT * FROM t{i}"))));
        assert!(refused(&chain(1_500, |i| format!(
            "SELECT * FROM (SELECT * FROM t{i}) x"
        ))));
        assert!(refused(&chain(1_500, |i| format!(
            "SELECT 1 WHERE 1 IN (SELECT x FROM T{i})"
        ))));
        assert!(refused(&format!(
            "EXPLAIN {}",
            chain(1_500, |i| format!("SELECT * FROM t{i}"))
        )));
        assert!(!refused(&chain(100, |i| format!("SELECT * FROM t{i}"))));
    }

    #[test]
    fn what_is_named_twice_is_counted_twice() {
        assert!(refused(&chain(40, |i| format!(
            "SELECT * FROM t{i} UNION ALL SELECT * FROM t{i}"
        ))));
        assert!(refused(&chain(40, |i| format!(
            "SELECT a.x FROM t{i} a, \"t{i}\" b"
        ))));
        assert!(refused(&chain(40, |i| format!(
            "SELECT x, (SELECT count(*) FROM t{i}) FROM t{i}"
        ))));
        assert!(!refused(&chain(8, |i| format!("SELECT a.x FROM t{i} a, t{i} b"))));
    }

    #[test]
    fn subqueries_of_expressions_nest_a_little() {
        let nested = |open: &str, depth: usize| {
            format!("SELECT 1 WHERE {}true{}", open.repeat(depth), ")".repeat(depth))
        };
        for open in ["(SELECT ", "EXISTS (SELECT 1 WHERE ", "1 IN (SELECT 1 WHERE "] {
            assert!(!refused(&nested(open, 10)), "{open}");
            assert!(refused(&nested(open, 13)), "{open}");
        }
        let side_by_side = vec!["(SELECT 1)"; 100].join(", ");
        assert!(!refused(&format!("SELECT {side_by_side}")));
    }

    #[test]
    fn inner_names_hide_outer_ones_and_end_with_their_query() {
        let deep = chain(150, |i| format!("SELECT * FROM t{i}"));
        assert!(!refused(&deep));
        assert!(!refused(&format!("SELECT * FROM ({deep}) a, t150, t149")));
        assert!(!refused(
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t"
        ));
    }
}
