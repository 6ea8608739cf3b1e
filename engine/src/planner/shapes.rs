//! Shapes of queries that DataFusion plans otherwise than PostgreSQL: said in another way, or refused.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    JoinConstraint, JoinOperator, NamedWindowExpr, OrderBy, Query, Select, SelectItem, SetExpr, SetOperator,
    SetQuantifier, TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut, WindowSpec, WindowType,
};

use super::dialect::{call, null};
use super::excluding;
use super::joins::needs_columns;
use super::json::tables;
use super::wordings;
use crate::pg_catalog::select_one;
use crate::{Error, Result};

/// Functions that have another outcome each time.
const VOLATILE: &[&str] = &[
    "random",
    "gen_random_uuid",
    "uuid",
    "clock_timestamp",
    "timeofday",
];

/// A select.
///
/// # Errors
/// [`Error::Unsupported`] for a join whose common columns would be taken from one side only.
pub(super) fn select(select: &mut Select) -> Result<()> {
    let all_columns = select
        .projection
        .iter()
        .any(|item| matches!(item, SelectItem::Wildcard(_)));
    select.from.iter().try_for_each(|from| joins(from, all_columns))?;
    let windows = select.named_window.clone();
    let mut output = Output {
        depth: 0,
        named: windows.iter().map(|w| (w.0.value.clone(), w.1.clone())).collect(),
        within_unnest: 0,
    };
    match VisitMut::visit(&mut select.projection, &mut output) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// A query.
///
/// # Errors
/// [`Error::Unsupported`] for a part that is used twice and computed anew each time, with another outcome, and for an order by what
/// makes rows.
pub(super) fn query(query: &Query) -> Result<()> {
    if query.order_by.as_ref().is_some_and(makes_rows) {
        return Err(Error::unsupported(
            "a set-returning function in ORDER BY; put it into the SELECT list and order by its name",
        ));
    }
    let Some(with) = &query.with else { return Ok(()) };
    for part in &with.cte_tables {
        if calls_volatile(part.query.as_ref()) && uses(query, &part.alias.name.value) > 1 {
            return Err(Error::unsupported(format!(
                "\"{}\" is used more than once and calls a volatile function; put its rows into a table first",
                part.alias.name.value
            )));
        }
    }
    Ok(())
}

/// `VALUES ((SELECT …))` as a union of selects: values are computed before sub-queries are.
pub(super) fn values(query: &mut Query) {
    let SetExpr::Values(values) = query.body.as_ref() else {
        return;
    };
    if !values.rows.iter().any(|row| row.content.iter().any(holds_query)) {
        return;
    }
    let row = |cells: &[Expr]| {
        let named = cells
            .iter()
            .enumerate()
            .map(|(at, cell)| SelectItem::ExprWithAlias {
                expr: cell.clone(),
                alias: Ident::new(format!("column{}", at + 1)),
            });
        let mut body = *select_one(SelectItem::UnnamedExpr(null())).body;
        if let SetExpr::Select(select) = &mut body {
            select.projection = named.collect();
        }
        body
    };
    let selects = values.rows.iter().map(|r| row(&r.content));
    let union = selects.reduce(|left, right| SetExpr::SetOperation {
        op: SetOperator::Union,
        set_quantifier: SetQuantifier::All,
        left: Box::new(left),
        right: Box::new(right),
    });
    if let Some(union) = union {
        *query.body = union;
    }
}

/// True if there is a query anywhere in an expression.
pub(crate) fn holds_query(expr: &Expr) -> bool {
    struct Queries;
    impl Visitor for Queries {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    Visit::visit(expr, &mut Queries).is_break()
}

/// `count(t.*)` counts rows that are not NULL, which is another thing than `count(*)`.
///
/// # Errors
/// [`Error::Unsupported`].
pub(super) fn function(function: &Function) -> Result<()> {
    let FunctionArguments::List(list) = &function.args else {
        return Ok(());
    };
    if function.over.is_some() && list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        return Err(Error::unsupported(
            "DISTINCT is not implemented for window functions",
        ));
    }
    let whole = |argument: &FunctionArg| {
        matches!(
            argument,
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(_))
        )
    };
    match list.args.iter().any(whole) {
        true => Err(Error::unsupported(
            "a whole row as the argument of a function; name a column",
        )),
        false => Ok(()),
    }
}

/// The common columns of joins, which are the one or the other side's: what DataFusion takes from the wrong one is refused.
fn joins(from: &TableWithJoins, all_columns: bool) -> Result<()> {
    // The others are seen to when the columns of tables are known.
    if needs_columns(from) {
        return Ok(());
    }
    let operators = || from.joins.iter().map(|join| &join.join_operator);
    let using: Vec<String> = operators()
        .filter_map(|join| match constraint(join) {
            Some(JoinConstraint::Using(names)) => Some(
                names
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            _ => None,
        })
        .collect();
    // Of several that name the same columns the order is the first one's.
    let one = using.iter().all(|names| Some(names) == using.first());
    if !one && all_columns {
        return Err(Error::unsupported(
            "SELECT * over several JOIN USING of different columns; name the columns",
        ));
    }
    Ok(())
}

fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator as J;
    match join {
        J::Join(c)
        | J::Inner(c)
        | J::Left(c)
        | J::LeftOuter(c)
        | J::Right(c)
        | J::RightOuter(c)
        | J::FullOuter(c) => Some(c),
        _ => None,
    }
}

/// What a select puts out, without the sub-queries in it.
struct Output {
    depth: usize,
    named: Vec<(String, NamedWindowExpr)>,
    within_unnest: usize,
}

impl Output {
    /// `OVER (w ROWS …)`: the window of that name, with a frame of its own.
    fn expand(&self, spec: &mut WindowSpec) {
        let mut name = spec.window_name.clone();
        // A named window may itself be another's name; there are as many steps as windows.
        for _ in 0..=self.named.len() {
            let Some(wanted) = name.take() else { break };
            let found = self
                .named
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(&wanted.value));
            match found.map(|(_, window)| window) {
                Some(NamedWindowExpr::WindowSpec(base)) => {
                    // What a frame leaves out is among the partitions, and no partition of its own.
                    if spec.partition_by.iter().all(excluding::is_mark) {
                        spec.partition_by.splice(0..0, base.partition_by.iter().cloned());
                    }
                    if spec.order_by.is_empty() {
                        spec.order_by.clone_from(&base.order_by);
                    }
                    name.clone_from(&base.window_name);
                    spec.window_name = None;
                }
                Some(NamedWindowExpr::NamedWindow(other)) => name = Some(other.clone()),
                None => {}
            }
        }
    }
}

impl VisitorMut for Output {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if let (0, Expr::Function(function)) = (self.depth, &*expr)
            && is_called(function, "unnest")
        {
            self.within_unnest += 1;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        if let Expr::Function(function) = expr {
            if is_called(function, "unnest") {
                self.within_unnest -= 1;
            }
            if let Some(WindowType::WindowSpec(spec)) = &mut function.over {
                self.expand(spec);
            }
            match tables::in_output(function) {
                Ok(Some(rows)) => {
                    *expr = rows;
                    return ControlFlow::Continue(());
                }
                Ok(None) => {}
                Err(error) => return ControlFlow::Break(error),
            }
            // As a value it is a list; its rows are asked for.
            if self.within_unnest == 0 && gives_rows(function) {
                let series = std::mem::replace(expr, null());
                *expr = call("unnest", vec![series]);
            }
        }
        ControlFlow::Continue(())
    }
}

/// A function that gives a list here, and rows in PostgreSQL.
fn gives_rows(function: &Function) -> bool {
    let named = |name: &&str| is_called(function, name);
    is_called(function, "generate_series")
        || wordings::SET_RETURNING.iter().any(named)
        || tables::gives_rows(function)
}

fn is_called(function: &Function, name: &str) -> bool {
    function.name.0.len() == 1 && function.name.to_string().eq_ignore_ascii_case(name)
}

/// Whether keys of an order call a function that makes rows.
fn makes_rows(order: &OrderBy) -> bool {
    struct Calls(usize);
    impl Visitor for Calls {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function)
                    if self.0 == 0 && (gives_rows(function) || is_called(function, "unnest")) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(order, &mut Calls(0)).is_break()
}

/// Whether a part of a query calls a function that has another outcome each time.
pub(super) fn calls_volatile(part: &impl Visit) -> bool {
    struct Calls;
    impl Visitor for Calls {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function) if VOLATILE.iter().any(|name| is_called(function, name)) => {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(part, &mut Calls).is_break()
}

/// How often a query names a relation.
fn uses(query: &Query, name: &str) -> usize {
    struct Uses<'a>(&'a str, usize);
    impl Visitor for Uses<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table { name, .. } = factor
                && name.0.len() == 1
                && name.0[0]
                    .as_ident()
                    .is_some_and(|ident| ident.value.eq_ignore_ascii_case(self.0))
            {
                self.1 += 1;
            }
            ControlFlow::Continue(())
        }
    }
    let mut uses = Uses(name, 0);
    let _ = Visit::visit(query, &mut uses);
    uses.1
}
