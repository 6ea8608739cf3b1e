//! `JOIN … USING (x)` merges two columns into one, which belongs to neither table.
//!
//! DataFusion keeps both, forgets the merge where WHERE holds a subquery, and lets `*` show the side whose table comes first in
//! the alphabet, NULLs of an outer join and all. So the merged column is written out before planning: the side that has it in
//! every row, or `coalesce` of the two in a full join.

use std::ops::ControlFlow;

use radlake_sql::ast::{
    ExcludeSelectItem, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName, OrderBy,
    OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor,
    TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::dialect::call;
use super::joins::needs_columns;
use crate::write::target::folded;

/// A column that a join merged, and what it is.
#[derive(Debug, Clone)]
struct Merged {
    column: Ident,
    value: Expr,
}

/// Writes out the merged columns of a select.
pub(super) fn qualify(select: &mut Select) {
    if select.from.iter().any(needs_columns) {
        return;
    }
    let merged = merged_of(select);
    if merged.is_empty() {
        return;
    }
    if let Some(items) = expanded(select) {
        select.projection = items;
    }
    for item in &mut select.projection {
        // What is replaced keeps its name.
        if let SelectItem::UnnamedExpr(Expr::Identifier(column)) = item
            && let Some(found) = find(&merged, column)
        {
            *item = SelectItem::ExprWithAlias {
                expr: found.value.clone(),
                alias: column.clone(),
            };
        }
    }
    let mut qualifier = Qualifier { merged, depth: 0 };
    let _ = VisitMut::visit(&mut select.projection, &mut qualifier);
    let _ = VisitMut::visit(&mut select.selection, &mut qualifier);
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        let _ = VisitMut::visit(keys, &mut qualifier);
    }
    let _ = VisitMut::visit(&mut select.having, &mut qualifier);
}

/// Writes out the merged columns that a query is sorted by and does not show; a name of an output is the output.
pub(super) fn qualify_order(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return;
    };
    if select.from.iter().any(needs_columns) {
        return;
    }
    let shown: Vec<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(folded),
            _ => None,
        })
        .collect();
    let mut merged = merged_of(select);
    merged.retain(|merged| !shown.contains(&folded(&merged.column)));
    if let (
        false,
        Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }),
    ) = (merged.is_empty(), &mut query.order_by)
    {
        let _ = VisitMut::visit(keys, &mut Qualifier { merged, depth: 0 });
    }
}

fn merged_of(select: &Select) -> Vec<Merged> {
    select.from.iter().flat_map(merged).collect()
}

/// The columns that the joins of a FROM item merge.
fn merged(table: &TableWithJoins) -> Vec<Merged> {
    let mut found: Vec<Merged> = Vec::new();
    for (index, join) in table.joins.iter().enumerate() {
        let Some((JoinConstraint::Using(columns), kind)) = constraint(&join.join_operator) else {
            continue;
        };
        for column in columns.iter().filter_map(|name| name.0.last()?.as_ident()) {
            let known = found
                .iter()
                .position(|merged| folded(&merged.column) == folded(column));
            let left = match known {
                Some(known) => Some(found.remove(known).value),
                // Of several tables on the left, only their schemas tell which one has it.
                None if index == 0 => of(&table.relation, column),
                None => None,
            };
            let right = of(&join.relation, column);
            let value = match kind {
                Side::Left => left,
                Side::Right => right,
                Side::Either => left.or(right),
                Side::Both => match (left, right) {
                    (Some(left), Some(right)) => Some(call("coalesce", vec![left, right])),
                    _ => None,
                },
            };
            found.extend(value.map(|value| Merged {
                column: column.clone(),
                value,
            }));
        }
    }
    found
}

/// Which side of a join has a merged column in every row.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Either,
    Both,
}

fn constraint(operator: &JoinOperator) -> Option<(&JoinConstraint, Side)> {
    Some(match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (constraint, Side::Either),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (constraint, Side::Left),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (constraint, Side::Right),
        JoinOperator::FullOuter(constraint) => (constraint, Side::Both),
        _ => return None,
    })
}

/// What a lone `*` stands for: PostgreSQL shows merged columns first, then the others of each table. `None` if it stands for
/// something else, or only the tables' schemas tell.
fn expanded(select: &Select) -> Option<Vec<SelectItem>> {
    let at = select
        .projection
        .iter()
        .position(|item| matches!(item, SelectItem::Wildcard(options) if plain(options)))?;
    let mut items = Vec::new();
    for table in &select.from {
        items.extend(expanded_table(table)?);
    }
    let mut projection = select.projection.clone();
    let _ = projection.splice(at..=at, items).count();
    Some(projection)
}

fn plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_rename.is_none()
        && options.opt_replace.is_none()
        && options.opt_ilike.is_none()
}

fn expanded_table(table: &TableWithJoins) -> Option<Vec<SelectItem>> {
    let mut columns: Vec<Ident> = Vec::new();
    // Per table, the columns that are merged.
    let mut tables = vec![(&table.relation, Vec::<Ident>::new())];
    for join in &table.joins {
        let using = match constraint(&join.join_operator) {
            Some((JoinConstraint::Using(columns), _)) => columns.as_slice(),
            Some((JoinConstraint::Natural, _)) => return None,
            _ => &[],
        };
        let mut merged = Vec::new();
        for column in using {
            let column = column.0.last()?.as_ident()?;
            let known = columns.iter().position(|known| folded(known) == folded(column));
            match (known, tables.as_mut_slice()) {
                (Some(known), _) => drop(columns.remove(known)),
                (None, [(_, only)]) => only.push(column.clone()),
                (None, _) => return None,
            }
            merged.push(column.clone());
        }
        tables.push((&join.relation, merged.clone()));
        let _ = columns.splice(0..0, merged).count();
    }
    let found = merged(table);
    let mut items: Vec<SelectItem> = Vec::new();
    for column in columns {
        items.push(SelectItem::ExprWithAlias {
            expr: find(&found, &column)?.value.clone(),
            alias: column,
        });
    }
    for (factor, merged) in tables {
        let names = merged
            .into_iter()
            .map(|column| ObjectName::from(vec![Ident::with_quote('"', folded(&column))]));
        let names: Vec<ObjectName> = names.collect();
        let options = WildcardAdditionalOptions {
            opt_exclude: (!names.is_empty()).then_some(ExcludeSelectItem::Multiple(names)),
            ..WildcardAdditionalOptions::default()
        };
        items.push(SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(full_name(factor)?),
            options,
        ));
    }
    Some(items)
}

fn find<'a>(merged: &'a [Merged], column: &Ident) -> Option<&'a Merged> {
    merged
        .iter()
        .find(|merged| folded(&merged.column) == folded(column))
}

fn of(factor: &TableFactor, column: &Ident) -> Option<Expr> {
    let name = full_name(factor)?;
    let table = name.0.last()?.as_ident()?.clone();
    Some(Expr::CompoundIdentifier(vec![table, column.clone()]))
}

/// The name by which a query knows a FROM item.
fn full_name(factor: &TableFactor) -> Option<ObjectName> {
    match factor {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(ObjectName::from(vec![alias.name.clone()])),
        TableFactor::Table {
            name,
            alias: None,
            args: None,
            ..
        } => Some(name.clone()),
        _ => None,
    }
}

struct Qualifier {
    merged: Vec<Merged>,
    depth: usize,
}

impl VisitorMut for Qualifier {
    type Break = ();

    // Within a subquery the name may be one of its own tables'.
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
            && let Expr::Identifier(column) = expr
            && let Some(merged) = find(&self.merged, column)
        {
            *expr = merged.value.clone();
        }
        ControlFlow::Continue(())
    }
}
