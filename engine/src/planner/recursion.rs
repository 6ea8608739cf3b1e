//! What the recursive part of WITH RECURSIVE may not hold, as in PostgreSQL: taken, it would never end, or mean something else.

use std::ops::ControlFlow;

use radlake_sql::ast::{self, Expr, Query, SetExpr, Visit, Visitor};

use crate::{Error, Result};

/// Aggregates by their names.
const AGGREGATES: [&str; 12] = [
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "max",
    "min",
    "stddev",
    "string_agg",
    "sum",
    "variance",
];

/// Checks the parts of a query that read themselves.
///
/// # Errors
/// [`Error::Unsupported`].
pub(super) fn check(query: &Query) -> Result<()> {
    let Some(with) = query.with.as_ref().filter(|with| with.recursive) else {
        return Ok(());
    };
    for part in &with.cte_tables {
        let SetExpr::SetOperation { right, .. } = part.query.body.as_ref() else {
            continue;
        };
        let mut reads = Reads {
            name: &part.alias.name.value,
            found: false,
        };
        let _ = right.visit(&mut reads);
        if !reads.found {
            continue;
        }
        if part.query.order_by.is_some() {
            return Err(Error::unsupported(
                "ORDER BY in a recursive query is not implemented",
            ));
        }
        if part.query.limit_clause.is_some() || part.query.fetch.is_some() {
            return Err(Error::unsupported(
                "LIMIT and OFFSET in a recursive query are not implemented",
            ));
        }
        if let SetExpr::Select(select) = right.as_ref() {
            let mut aggregates = Aggregates(false);
            for item in &select.projection {
                let _ = item.visit(&mut aggregates);
            }
            if aggregates.0 {
                return Err(Error::unsupported(
                    "aggregate functions are not allowed in a recursive query's recursive term",
                ));
            }
        }
    }
    Ok(())
}

struct Reads<'a> {
    name: &'a str,
    found: bool,
}

impl Visitor for Reads<'_> {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &ast::ObjectName) -> ControlFlow<()> {
        if let [part] = relation.0.as_slice()
            && part
                .as_ident()
                .is_some_and(|name| name.value.eq_ignore_ascii_case(self.name))
        {
            self.found = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

struct Aggregates(bool);

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            // A sub-query has aggregates of its own.
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
            Expr::Function(call)
                if call.over.is_none()
                    && AGGREGATES.contains(&call.name.to_string().to_lowercase().as_str()) =>
            {
                self.0 = true;
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
