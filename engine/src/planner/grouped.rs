//! `GROUP BY` a primary key: the other columns of its table depend on it, and a query may name them as they are.
//!
//! Those that it names are grouped by, too. The query engine could be told of keys itself, but draws more from them than there is: of a
//! join it takes the other side's columns for dependent as well.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::TableSource;
use radlake_sql::ast::{
    Expr, GroupByExpr, Ident, OrderBy, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, Value, Visit, VisitMut, Visitor,
    VisitorMut,
};

use crate::policy::SecuredTable;
use crate::write::target::folded;

/// Tables by the names that a statement has for them.
type Sources = HashMap<TableReference, Arc<dyn TableSource>>;

/// Groups by what depends on keys that are grouped by.
pub(super) fn rewrite(statement: &mut Statement, sources: &Sources) {
    let _ = VisitMut::visit(statement, &mut Queries { sources });
}

struct Queries<'s> {
    sources: &'s Sources,
}

impl VisitorMut for Queries<'_> {
    type Break = ();

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let order = query.order_by.clone();
        self.body(&mut query.body, order.as_ref());
        ControlFlow::Continue(())
    }
}

/// A table of a FROM clause.
struct Table {
    name: String,
    columns: Vec<String>,
    key: Option<Vec<String>>,
}

impl Queries<'_> {
    fn body(&self, body: &mut SetExpr, order: Option<&OrderBy>) {
        match body {
            SetExpr::Select(select) => self.select(select, order),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left, None);
                self.body(right, None);
            }
            _ => {}
        }
    }

    fn select(&self, select: &mut Select, order: Option<&OrderBy>) {
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return;
        };
        let sets = |key: &Expr| matches!(key, Expr::GroupingSets(_) | Expr::Rollup(_) | Expr::Cube(_));
        if keys.is_empty() || !modifiers.is_empty() || keys.iter().any(sets) {
            return;
        }
        let factors = select.from.iter().flat_map(|from| {
            std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
        });
        let tables: Vec<Table> = factors.filter_map(|factor| self.table(factor)).collect();
        if tables.iter().all(|table| table.key.is_none()) {
            return;
        }
        let grouped: Vec<(usize, String)> = keys
            .iter()
            .filter_map(|key| column(meant(key, select, &tables), &tables))
            .collect();
        let mut used = Used {
            tables: &tables,
            depth: 0,
            found: Vec::new(),
        };
        let _ = Visit::visit(&select.projection, &mut used);
        let _ = Visit::visit(&select.having, &mut used);
        if let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = order
        {
            let _ = Visit::visit(keys, &mut used);
        }
        let mut found = used.found;
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => {
                    for (at, table) in tables.iter().enumerate() {
                        found.extend(table.columns.iter().map(|column| (at, column.clone())));
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(of), _) => {
                    let wanted = of.0.last().and_then(|part| part.as_ident()).map(folded);
                    for (at, table) in tables.iter().enumerate() {
                        if wanted.as_ref() == Some(&table.name) {
                            found.extend(table.columns.iter().map(|column| (at, column.clone())));
                        }
                    }
                }
                _ => {}
            }
        }
        let mut added = Vec::new();
        for (at, name) in found {
            let Some(table) = tables.get(at) else { continue };
            let depends = table.key.as_ref().is_some_and(|key| {
                key.iter()
                    .all(|column| grouped.iter().any(|(of, by)| *of == at && by == column))
            });
            let known = |of: &[(usize, String)]| of.iter().any(|(of, by)| *of == at && *by == name);
            if depends && !known(&grouped) && !known(&added) {
                added.push((at, name));
            }
        }
        let added = added.into_iter().filter_map(|(at, name)| {
            let table = Ident::with_quote('"', &tables.get(at)?.name);
            Some(Expr::CompoundIdentifier(vec![
                table,
                Ident::with_quote('"', name),
            ]))
        });
        let added: Vec<Expr> = added.collect();
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            keys.extend(added);
        }
    }

    fn table(&self, factor: &TableFactor) -> Option<Table> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return None;
        };
        let parts: Vec<String> = name
            .0
            .iter()
            .map(|part| part.as_ident().map(folded))
            .collect::<Option<_>>()?;
        let reference = match parts.as_slice() {
            [table] => TableReference::bare(table.as_str()),
            [schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
            [catalog, schema, table] => {
                TableReference::full(catalog.as_str(), schema.as_str(), table.as_str())
            }
            _ => return None,
        };
        let source = self.sources.get(&reference)?;
        let columns: Vec<String> = source
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let renamed = alias.as_ref().is_some_and(|alias| !alias.columns.is_empty());
        let key = match source_as_provider(source) {
            Ok(provider) if !renamed => provider
                .downcast_ref::<SecuredTable>()
                .and_then(SecuredTable::primary_key),
            _ => None,
        };
        let name = match alias {
            Some(alias) => folded(&alias.name),
            None => parts.last().cloned()?,
        };
        Some(Table { name, columns, key })
    }
}

/// What a key of GROUP BY means: a position and the name of an output are the output.
fn meant<'k>(key: &'k Expr, select: &'k Select, tables: &[Table]) -> &'k Expr {
    let output = |item: &'k SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    };
    let found = match key {
        Expr::Value(value) => match &value.value {
            Value::Number(number, _) => number
                .parse::<usize>()
                .ok()
                .and_then(|number| select.projection.get(number.checked_sub(1)?))
                .and_then(output),
            _ => None,
        },
        Expr::Identifier(name) if column(key, tables).is_none() => {
            let mut named = select.projection.iter().filter(|item| {
                matches!(item, SelectItem::ExprWithAlias { alias, .. } if folded(alias) == folded(name))
            });
            named.next().and_then(output)
        }
        _ => None,
    };
    found.unwrap_or(key)
}

/// The table and the column that an expression is; a name that two tables have is neither's.
fn column(expr: &Expr, tables: &[Table]) -> Option<(usize, String)> {
    match expr {
        Expr::Nested(inner) => column(inner, tables),
        Expr::Identifier(name) => {
            let name = folded(name);
            let mut having = tables
                .iter()
                .enumerate()
                .filter(|(_, table)| table.columns.contains(&name));
            match (having.next(), having.next()) {
                (Some((at, _)), None) => Some((at, name)),
                _ => None,
            }
        }
        Expr::CompoundIdentifier(names) => {
            let [.., table, name] = names.as_slice() else {
                return None;
            };
            let (table, name) = (folded(table), folded(name));
            let at = tables
                .iter()
                .position(|known| known.name == table && known.columns.contains(&name))?;
            Some((at, name))
        }
        _ => None,
    }
}

/// The columns of tables that expressions name; within sub-queries those that are named with their table alone.
struct Used<'t> {
    tables: &'t [Table],
    depth: usize,
    found: Vec<(usize, String)>,
}

impl Visitor for Used<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if (self.depth == 0 || matches!(expr, Expr::CompoundIdentifier(_)))
            && let Some(found) = column(expr, self.tables)
        {
            self.found.push(found);
        }
        ControlFlow::Continue(())
    }
}
