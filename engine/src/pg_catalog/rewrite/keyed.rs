//! `ARRAY(SELECT … FROM … WHERE key = ANY (outer.list))`: the values of those rows whose keys an outer row lists.
//!
//! DataFusion turns a correlated subquery into a join by equality only. Where the list is all that the subquery takes from outside,
//! its keys and values are gathered once, in its order, and [`VALUES_OF`] picks those of each outer row.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, Ident, OrderByExpr, Query, Select, SelectItem, SetExpr,
    TableAlias, TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
};
use std::ops::ControlFlow;

use super::ast::{bare, call, last, select_one};
use super::functions::is_register;
use super::scope::Scope;
use super::subqueries::{order, ordered, output, plain};
use crate::pg_catalog::functions::values_of::VALUES_OF;

/// The one column of the relation that the gathered keys and values become.
const PAIRS: &str = "pairs";

/// Rewrites the arrays of a select's output and condition. `number` numbers the relations within the statement.
pub(super) fn rewrite(select: &mut Select, number: &mut usize) {
    let wildcard = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_));
    if select.from.is_empty() || select.projection.iter().any(wildcard) {
        return;
    }
    let mut gatherer = Gatherer {
        number,
        gathered: Vec::new(),
        depth: 0,
    };
    let _ = VisitMut::visit(&mut select.projection, &mut gatherer);
    let _ = VisitMut::visit(&mut select.selection, &mut gatherer);
    select.from.extend(gatherer.gathered);
}

struct Gatherer<'n> {
    number: &'n mut usize,
    gathered: Vec<TableWithJoins>,
    depth: usize,
}

impl VisitorMut for Gatherer<'_> {
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
            && let Expr::Function(f) = &*expr
            && last(&f.name).is_some_and(|name| name == "array")
            && let FunctionArguments::Subquery(query) = &f.args
            && let Some((list, pairs)) = gather(query)
        {
            let name = format!("keyed_{}", self.number);
            *self.number += 1;
            self.gathered.push(relation(pairs, &name));
            let pairs = Expr::CompoundIdentifier(vec![Ident::new(name), Ident::new(PAIRS)]);
            *expr = call(VALUES_OF, vec![list, pairs]);
        }
        ControlFlow::Continue(())
    }
}

/// The outer list, and the query that gathers keys and values as `pairs`, always in one row.
fn gather(query: &Query) -> Option<(Expr, Query)> {
    if query.limit_clause.is_some() || query.fetch.is_some() || query.with.is_some() {
        return None;
    }
    let select = plain(query)?;
    let scope = Scope::of(&select.from);
    if !scope.is_complete() {
        return None;
    }
    let mut conditions = Vec::new();
    super::lift::conjuncts(select.selection.as_ref()?, &mut conditions);
    let (at, key, list) = conditions
        .iter()
        .enumerate()
        .find_map(|(at, condition)| keyed(&scope, condition).map(|(key, list)| (at, key, list)))?;
    let rest: Vec<&Expr> = conditions
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
        .map(|(_, condition)| *condition)
        .collect();
    let value = output(select)?;
    let keys: Vec<OrderByExpr> = order(query, value);
    let ordered_by = keys.iter().map(|key| &key.expr);
    let needed: Vec<&Expr> = rest
        .iter()
        .copied()
        .chain(ordered_by)
        .chain([value, key])
        .collect();
    let joined = select.from.visit(&mut Outer { scope: &scope }).is_break();
    if joined || needed.into_iter().any(|expr| !is_own(&scope, expr)) {
        return None;
    }
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).with_empty_span());
    let pair = call(
        "named_struct",
        vec![text("key"), key.clone(), text("value"), value.clone()],
    );
    let mut pairs = select_one(SelectItem::ExprWithAlias {
        expr: ordered("array_agg", pair, keys),
        alias: Ident::new(PAIRS),
    });
    if let SetExpr::Select(gathering) = pairs.body.as_mut() {
        gathering.from.clone_from(&select.from);
        gathering.selection = rest.into_iter().cloned().reduce(|left, right| Expr::BinaryOp {
            left: Box::new(Expr::Nested(Box::new(left))),
            op: BinaryOperator::And,
            right: Box::new(Expr::Nested(Box::new(right))),
        });
    }
    Some((list.clone(), pairs))
}

/// Key and list of `own column = ANY (outer column)`.
fn keyed<'e>(scope: &Scope, condition: &'e Expr) -> Option<(&'e Expr, &'e Expr)> {
    let Expr::AnyOp {
        left,
        compare_op: BinaryOperator::Eq,
        right,
        ..
    } = condition
    else {
        return None;
    };
    let (key, list) = (bare(left), bare(right));
    let is_column = matches!(list, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    let outer = is_column && scope.column(list).is_none();
    (outer && scope.column(key).is_some()).then_some((key, list))
}

/// Whether an expression needs nothing but the relations of its scope.
fn is_own(scope: &Scope, expr: &Expr) -> bool {
    expr.visit(&mut Outer { scope }).is_continue()
}

/// Stops at a column from outside and at a subquery, which may hold one.
struct Outer<'s> {
    scope: &'s Scope,
}

impl Visitor for Outer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let own = match expr {
            Expr::Identifier(ident) if is_register(ident) => true,
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.scope.column(expr).is_some(),
            _ => true,
        };
        if own {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

fn relation(pairs: Query, name: &str) -> TableWithJoins {
    let alias = TableAlias {
        explicit: true,
        name: Ident::new(name),
        columns: Vec::new(),
        at: None,
    };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(pairs),
        alias: Some(alias),
        sample: None,
    };
    TableWithJoins {
        relation,
        joins: Vec::new(),
    }
}
