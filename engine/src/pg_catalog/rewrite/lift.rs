//! Scalar subqueries that look one row of a system relation up become left joins.
//!
//! `(SELECT c.collname FROM pg_collation c, pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <>
//! t.typcollation)` compares outer columns by more than equality, which an aggregated subquery cannot be decorrelated with. But
//! each of its relations is bound by its unique `oid` to an outer value, so there is one row at most and a join will do.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, Query, Select,
    SelectItem, SetExpr, TableAlias, TableFactor, TableWithJoins, Visit, VisitMut, Visitor, VisitorMut,
};
use std::collections::HashSet;
use std::ops::ControlFlow;

use super::ast::{bare, boolean, select_one};
use super::scope::Scope;
use super::subqueries;

/// Lifts the lookups of a select's output and condition. `number` numbers the joins within the statement.
pub(super) fn rewrite(select: &mut Select, number: &mut usize) {
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(e, _) if e.is_empty())
        || select.having.is_some();
    let wildcard = select
        .projection
        .iter()
        .any(|i| matches!(i, SelectItem::Wildcard(_)));
    if select.from.is_empty() || grouped || wildcard || subqueries::aggregates(select) {
        return;
    }
    let mut lifter = Lifter {
        number,
        joins: Vec::new(),
        depth: 0,
    };
    let _ = VisitMut::visit(&mut select.projection, &mut lifter);
    let _ = VisitMut::visit(&mut select.selection, &mut lifter);
    let joins = lifter.joins;
    if joins.is_empty() {
        return;
    }
    // ON must see all of the FROM: `a, b` becomes `a CROSS JOIN b`.
    let mut from = std::mem::take(&mut select.from).into_iter();
    let Some(mut first) = from.next() else { return };
    for table in from {
        let cross = JoinOperator::CrossJoin(JoinConstraint::None);
        first.joins.push(Join {
            relation: table.relation,
            global: false,
            join_operator: cross,
        });
        first.joins.extend(table.joins);
    }
    first.joins.extend(joins);
    select.from = vec![first];
}

struct Lifter<'n> {
    number: &'n mut usize,
    joins: Vec<Join>,
    depth: usize,
}

impl VisitorMut for Lifter<'_> {
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
            && let Expr::Subquery(query) = expr
            && let Some((joins, value)) = lift(query, *self.number)
        {
            *self.number += joins.len();
            self.joins.extend(joins);
            *expr = value;
        }
        ControlFlow::Continue(())
    }
}

/// The joins, one per relation, and the expression that replaces the subquery.
fn lift(query: &Query, number: usize) -> Option<(Vec<Join>, Expr)> {
    if query.limit_clause.is_some() || query.fetch.is_some() || query.with.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_ref() else {
        return None;
    };
    let [SelectItem::UnnamedExpr(output) | SelectItem::ExprWithAlias { expr: output, .. }] =
        select.projection.as_slice()
    else {
        return None;
    };
    let selection = select.selection.as_ref()?;
    let only_commas = select.from.iter().all(|t| t.joins.is_empty());
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(e, _) if e.is_empty())
        || select.having.is_some();
    if !only_commas || grouped || select.distinct.is_some() || subqueries::aggregates(select) {
        return None;
    }
    let scope = Scope::of(&select.from);
    if !scope.is_complete() || has_subquery(output) || has_subquery(selection) {
        return None;
    }
    let mut conditions = Vec::new();
    conjuncts(selection, &mut conditions);
    let lookups = lookups(&scope, &conditions)?;
    let mut renamer = Renamer {
        scope: &scope,
        number,
        lookups: &lookups,
        columns: vec![Vec::new(); lookups.len()],
    };
    let mut renamed = |expr: &Expr| {
        let mut expr = expr.clone();
        let _ = VisitMut::visit(&mut expr, &mut renamer);
        expr
    };
    let value = renamed(output);
    let keys: Vec<Expr> = lookups
        .iter()
        .filter_map(|lookup| {
            let key = renamed(conditions.get(lookup.condition)?);
            let second = lookup.second.and_then(|second| conditions.get(second));
            Some(match second {
                Some(second) => and(Some(key), renamed(second)),
                None => key,
            })
        })
        .collect();
    let taken: HashSet<usize> = lookups
        .iter()
        .flat_map(|l| [Some(l.condition), l.second])
        .flatten()
        .collect();
    let rest: Vec<Expr> = conditions
        .iter()
        .enumerate()
        .filter(|(i, _)| !taken.contains(i))
        .map(|(_, c)| renamed(c))
        .collect();
    let columns = renamer.columns;
    let mut joins = Vec::with_capacity(lookups.len());
    let mut condition: Option<Expr> = None;
    for ((i, on), columns) in keys.into_iter().enumerate().zip(columns) {
        let lookup = lookups.get(i)?;
        let factor = select
            .from
            .get(scope.names().position(|name| name == lookup.relation)?)?;
        joins.push(join(&factor.relation, alias(number + i), &columns, on));
        let found = Expr::CompoundIdentifier(vec![Ident::new(alias(number + i)), Ident::new(FOUND)]);
        condition = Some(and(condition, found));
    }
    for more in rest {
        condition = Some(and(condition, more));
    }
    // Without a row the value is NULL, whatever the expression makes of NULLs.
    let value = Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen {
            condition: condition?,
            result: value,
        }],
        else_result: None,
    };
    Some((joins, value))
}

/// Column of a joined relation that says that there is a row.
const FOUND: &str = "found";

fn alias(number: usize) -> String {
    format!("lookup_{number}")
}

fn and(condition: Option<Expr>, more: Expr) -> Expr {
    let more = Expr::Nested(Box::new(more));
    match condition {
        Some(condition) => Expr::BinaryOp {
            left: Box::new(condition),
            op: BinaryOperator::And,
            right: Box::new(more),
        },
        None => more,
    }
}

/// `LEFT JOIN (SELECT own columns …, true AS found FROM relation) AS lookup ON …`.
fn join(relation: &TableFactor, alias: String, columns: &[Expr], on: Expr) -> Join {
    let named = columns
        .iter()
        .enumerate()
        .map(|(i, c)| SelectItem::ExprWithAlias {
            expr: c.clone(),
            alias: Ident::new(format!("k{i}")),
        });
    let found = SelectItem::ExprWithAlias {
        expr: boolean(true),
        alias: Ident::new(FOUND),
    };
    let mut subquery = select_one(found);
    if let SetExpr::Select(select) = subquery.body.as_mut() {
        select.projection.extend(named);
        select.from = vec![TableWithJoins {
            relation: relation.clone(),
            joins: Vec::new(),
        }];
    }
    let alias = TableAlias {
        explicit: true,
        name: Ident::new(alias),
        columns: Vec::new(),
        at: None,
    };
    let relation = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(subquery),
        alias: Some(alias),
        sample: None,
    };
    Join {
        relation,
        global: false,
        join_operator: JoinOperator::LeftOuter(JoinConstraint::On(on)),
    }
}

fn has_subquery(expr: &Expr) -> bool {
    struct Find;
    impl Visitor for Find {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Find).is_break()
}

/// A relation of the subquery and the condition that sets its `oid`, or the two that set its key.
struct Lookup<'s> {
    relation: &'s str,
    condition: usize,
    second: Option<usize>,
}

/// `pg_attrdef` is unique by two columns.
const TWO_KEYS: (&str, &str, &str) = ("pg_attrdef", "adrelid", "adnum");

/// The relations in an order in which each has its `oid` set equal to an outer value or one of a relation before it; None if
/// some has not.
fn lookups<'s>(scope: &'s Scope, conditions: &[&Expr]) -> Option<Vec<Lookup<'s>>> {
    let mut bound: Vec<Lookup<'s>> = Vec::new();
    loop {
        let before = bound.len();
        for (condition, expr) in conditions.iter().enumerate() {
            let Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } = expr
            else {
                continue;
            };
            for (key, other) in [(bare(left), bare(right)), (bare(right), bare(left))] {
                let Some((relation, column)) = scope.column(key) else {
                    continue;
                };
                let is_bound = |name: &str| bound.iter().any(|lookup| lookup.relation == name);
                let is_given = |other: &Expr| {
                    is_column(other) && scope.column(other).is_none_or(|(other, _)| is_bound(other))
                };
                let two =
                    scope.relation(relation).is_some_and(|r| r.name == TWO_KEYS.0) && column == TWO_KEYS.1;
                let second = two
                    .then(|| second_key(scope, conditions, relation, &is_given))
                    .flatten();
                let unique = (column == "oid" || second.is_some()) && !is_bound(relation);
                if unique && is_given(other) {
                    bound.push(Lookup {
                        relation,
                        condition,
                        second,
                    });
                }
            }
        }
        if bound.len() == before {
            break;
        }
    }
    (!bound.is_empty() && scope.names().count() == bound.len()).then_some(bound)
}

/// The condition that sets the second column of a key of two.
fn second_key(
    scope: &Scope,
    conditions: &[&Expr],
    relation: &str,
    is_given: &dyn Fn(&Expr) -> bool,
) -> Option<usize> {
    conditions.iter().position(|expr| {
        let Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } = expr
        else {
            return false;
        };
        [(bare(left), bare(right)), (bare(right), bare(left))]
            .into_iter()
            .any(|(key, other)| {
                let sets = scope
                    .column(key)
                    .is_some_and(|(of, column)| of == relation && column == TWO_KEYS.2);
                sets && is_given(other)
            })
    })
}

fn is_column(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_)
    )
}

/// The conditions that AND joins.
pub(super) fn conjuncts<'e>(expr: &'e Expr, conditions: &mut Vec<&'e Expr>) {
    match bare(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            conjuncts(left, conditions);
            conjuncts(right, conditions);
        }
        other => conditions.push(other),
    }
}

/// Replaces the subquery's own columns by columns of the joined relations.
struct Renamer<'s> {
    scope: &'s Scope,
    number: usize,
    lookups: &'s [Lookup<'s>],
    /// Per lookup, the columns used of it.
    columns: Vec<Vec<Expr>>,
}

impl VisitorMut for Renamer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Some((relation, _)) = self.scope.column(expr) else {
            return ControlFlow::Continue(());
        };
        let Some(lookup) = self.lookups.iter().position(|l| l.relation == relation) else {
            return ControlFlow::Continue(());
        };
        let Some(columns) = self.columns.get_mut(lookup) else {
            return ControlFlow::Continue(());
        };
        let index = columns.iter().position(|c| c == expr).unwrap_or_else(|| {
            columns.push(expr.clone());
            columns.len() - 1
        });
        *expr = Expr::CompoundIdentifier(vec![
            Ident::new(alias(self.number + lookup)),
            Ident::new(format!("k{index}")),
        ]);
        ControlFlow::Continue(())
    }
}
