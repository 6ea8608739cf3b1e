//! Correlated recursive lookups, such as drivers make to find the base type under domains of domains.
//!
//! `(WITH RECURSIVE r AS (SELECT … WHERE t2.oid = t.oid UNION ALL …) SELECT … FROM r …)` starts from an outer value, which
//! DataFusion cannot plan inside a recursion. Started from every row instead, with the starting key carried along, the
//! recursion needs no outer value, and the outer select picks its key.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Query, Select, SelectItem, SetExpr, TableAliasColumnDef, TableFactor,
};

use super::ast::{bare, folded, last};
use super::scope::Scope;

/// Name of the column that carries the starting key.
const KEY: &str = "lookup_key";

/// Rewrites a scalar subquery of that form; leaves every other query as it is.
pub(super) fn rewrite(query: &mut Query) {
    if query.with.as_ref().is_none_or(|with| !with.recursive) {
        return;
    }
    let mut rewritten = query.clone();
    if decorrelate(&mut rewritten).is_some() {
        *query = rewritten;
    }
}

fn decorrelate(query: &mut Query) -> Option<()> {
    let with = query.with.as_mut().filter(|w| w.recursive)?;
    let [cte] = with.cte_tables.as_mut_slice() else {
        return None;
    };
    let name = folded(&cte.alias.name);
    let SetExpr::SetOperation { left, right, .. } = cte.query.body.as_mut() else {
        return None;
    };
    let (SetExpr::Select(seed), SetExpr::Select(step)) = (left.as_mut(), right.as_mut()) else {
        return None;
    };
    let (inner, outer) = take_start(seed)?;
    seed.projection.push(SelectItem::ExprWithAlias {
        expr: inner,
        alias: Ident::new(KEY),
    });
    let key = |of: Ident| Expr::CompoundIdentifier(vec![of, Ident::new(KEY)]);
    let step_alias = alias_in(step, &name)?;
    step.projection.push(SelectItem::UnnamedExpr(key(step_alias)));
    if !cte.alias.columns.is_empty() {
        cte.alias.columns.push(TableAliasColumnDef {
            name: Ident::new(KEY),
            data_type: None,
        });
    }
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let alias = alias_in(select, &name)?;
    let picked = Expr::BinaryOp {
        left: Box::new(key(alias)),
        op: BinaryOperator::Eq,
        right: Box::new(outer),
    };
    select.selection = Some(and(select.selection.take(), picked));
    Some(())
}

fn and(condition: Option<Expr>, more: Expr) -> Expr {
    match condition {
        Some(condition) => Expr::BinaryOp {
            left: Box::new(condition),
            op: BinaryOperator::And,
            right: Box::new(more),
        },
        None => more,
    }
}

/// Takes the seed's one `own column = outer column` out of its condition.
fn take_start(seed: &mut Select) -> Option<(Expr, Expr)> {
    let scope = Scope::of(&seed.from);
    if !scope.is_complete() {
        return None;
    }
    let mut rest = None;
    let mut start = None;
    for conjunct in conjuncts(seed.selection.as_ref()?) {
        match start_of(&scope, conjunct) {
            Some(pair) if start.is_none() => start = Some(pair),
            Some(_) => return None,
            None => rest = Some(and(rest, conjunct.clone())),
        }
    }
    let start = start?;
    seed.selection = rest;
    Some(start)
}

fn start_of(scope: &Scope, conjunct: &Expr) -> Option<(Expr, Expr)> {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Eq,
        right,
    } = bare(conjunct)
    else {
        return None;
    };
    let is_outer = |e: &Expr| matches!(e, Expr::CompoundIdentifier(_)) && scope.column(e).is_none();
    match (scope.column(left), scope.column(right)) {
        (Some(_), None) if is_outer(right) => Some((left.as_ref().clone(), right.as_ref().clone())),
        (None, Some(_)) if is_outer(left) => Some((right.as_ref().clone(), left.as_ref().clone())),
        _ => None,
    }
}

fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match bare(expr) {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => conjuncts(left).into_iter().chain(conjuncts(right)).collect(),
        other => vec![other],
    }
}

/// By what name a select's FROM knows the recursive query.
fn alias_in(select: &Select, cte: &str) -> Option<Ident> {
    let factors = select
        .from
        .iter()
        .flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)));
    factors
        .filter_map(|factor| match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } if name.0.len() == 1 && last(name).as_deref() == Some(cte) => {
                Some(alias.as_ref().map_or_else(|| Ident::new(cte), |a| a.name.clone()))
            }
            _ => None,
        })
        .next()
}
