//! Joins whose common columns only the tables' schemas tell: `NATURAL` outer joins, FULL and RIGHT JOIN USING beside others, and joins
//! in parentheses with a name.
//!
//! `using.rs` writes out the merged columns of the others before anything of the tables is known. Here the whole chain is said with ON, and
//! what the merged columns are is written wherever a query names them: the side that has it in every row, or `coalesce` of the two.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::logical_expr::TableSource;
use radlake_sql::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, OrderBy, OrderByKind, Query,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, TableAlias, TableFactor,
    TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
};

use super::dialect::{call, null};
use crate::pg_catalog::{numbered_name, output_name, select_one};
use crate::write::target::folded;
use crate::{Error, Result};

/// Tables by the names that a statement has for them.
type Sources = HashMap<TableReference, Arc<dyn TableSource>>;

/// Rewrites the joins of a statement that need the tables' columns.
///
/// # Errors
/// [`Error::Unsupported`] if the columns of one of them are not known; [`Error::UndefinedColumn`], [`Error::Syntax`].
pub(super) fn rewrite(statement: &mut Statement, sources: &Sources) -> Result<()> {
    if !is_needed(statement) {
        return Ok(());
    }
    let mut joins = Joins {
        sources,
        parts: Vec::new(),
    };
    match VisitMut::visit(statement, &mut joins) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// Whether one of the joins of a FROM item needs the columns of tables.
pub(super) fn needs_columns(from: &TableWithJoins) -> bool {
    let kinds = || from.joins.iter().map(|join| kind(&join.join_operator));
    let natural = kinds().any(|(constraint, side)| {
        matches!(constraint, Some(JoinConstraint::Natural)) && !matches!(side, Side::Either)
    });
    let merges = kinds().any(|(constraint, side)| {
        matches!(constraint, Some(JoinConstraint::Using(_))) && matches!(side, Side::Right | Side::Both)
    });
    let factors = std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation));
    let mut nested = factors.filter_map(|factor| match factor {
        TableFactor::NestedJoin {
            table_with_joins,
            alias,
        } => Some((table_with_joins.as_ref(), alias.is_some())),
        _ => None,
    });
    natural
        || merges && from.joins.len() > 1
        || nested.any(|(nested, named)| {
            let constrained = |join: &JoinOperator| {
                matches!(
                    kind(join).0,
                    Some(JoinConstraint::Natural | JoinConstraint::Using(_))
                )
            };
            needs_columns(nested) || named && nested.joins.iter().any(|join| constrained(&join.join_operator))
        })
}

fn is_needed(statement: &Statement) -> bool {
    struct Needed;
    impl Visitor for Needed {
        type Break = ();
        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            fn any(body: &SetExpr) -> bool {
                match body {
                    SetExpr::Select(select) => select.from.iter().any(needs_columns),
                    SetExpr::SetOperation { left, right, .. } => any(left) || any(right),
                    _ => false,
                }
            }
            match any(&query.body) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(statement, &mut Needed).is_break()
}

/// Which side of a join has a merged column in every row.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Either,
    Both,
}

fn kind(operator: &JoinOperator) -> (Option<&JoinConstraint>, Side) {
    use JoinOperator as J;
    match operator {
        J::Join(c) | J::Inner(c) => (Some(c), Side::Either),
        J::Left(c) | J::LeftOuter(c) => (Some(c), Side::Left),
        J::Right(c) | J::RightOuter(c) => (Some(c), Side::Right),
        J::FullOuter(c) => (Some(c), Side::Both),
        _ => (None, Side::Either),
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    use JoinOperator as J;
    match operator {
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

/// A column that a query sees without the name of a table.
#[derive(Clone)]
struct Column {
    name: String,
    value: Expr,
    merged: bool,
}

struct Joins<'s> {
    sources: &'s Sources,
    /// The parts of WITH that are in sight, with their columns as far as they are known.
    parts: Vec<HashMap<String, Option<Vec<String>>>>,
}

impl VisitorMut for Joins<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.parts.push(HashMap::new());
        for part in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns = self.renamed(self.of_query(&part.query), Some(&part.alias));
            if let Some(last) = self.parts.last_mut() {
                last.insert(folded(&part.alias.name), columns);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let done = self.query(query);
        self.parts.pop();
        match done {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Joins<'_> {
    fn query(&self, query: &mut Query) -> Result<()> {
        let columns = self.body(&mut query.body)?;
        let Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            ..
        }) = &mut query.order_by
        else {
            return Ok(());
        };
        // A name of an output is the output.
        let shown: Vec<String> = match query.body.as_ref() {
            SetExpr::Select(select) => select
                .projection
                .iter()
                .filter_map(output)
                .map(|name| output_name(&name).to_owned())
                .collect(),
            _ => return Ok(()),
        };
        let columns = columns
            .into_iter()
            .filter(|column| column.merged && !shown.contains(&column.name))
            .collect();
        let _ = VisitMut::visit(keys, &mut Named { columns, depth: 0 });
        Ok(())
    }

    /// The columns that a select sees, if its joins needed any.
    fn body(&self, body: &mut SetExpr) -> Result<Vec<Column>> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)?;
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn select(&self, select: &mut Select) -> Result<Vec<Column>> {
        if !select.from.iter().any(needs_columns) {
            return Ok(Vec::new());
        }
        let mut columns = Vec::new();
        for from in &mut select.from {
            columns.extend(self.chain(from)?);
        }
        let mut items = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(options) if plain(&options) => {
                    items.extend(columns.iter().map(shown));
                }
                SelectItem::Wildcard(_) => return Err(unknown()),
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => items.push(match find(&columns, &name) {
                    Some(column) if column.merged => SelectItem::ExprWithAlias {
                        expr: column.value.clone(),
                        alias: name,
                    },
                    _ => SelectItem::UnnamedExpr(Expr::Identifier(name)),
                }),
                other => items.push(other),
            }
        }
        select.projection = items;
        let merged: Vec<Column> = columns.iter().filter(|column| column.merged).cloned().collect();
        let mut named = Named {
            columns: merged,
            depth: 0,
        };
        let _ = VisitMut::visit(&mut select.projection, &mut named);
        let _ = VisitMut::visit(&mut select.selection, &mut named);
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            let _ = VisitMut::visit(keys, &mut named);
        }
        let _ = VisitMut::visit(&mut select.having, &mut named);
        let _ = VisitMut::visit(&mut select.named_window, &mut named);
        Ok(columns)
    }

    /// Says a chain of joins with ON. Its columns, in the order in which `*` shows them.
    fn chain(&self, from: &mut TableWithJoins) -> Result<Vec<Column>> {
        let mut columns = self.factor(&mut from.relation)?;
        for join in &mut from.joins {
            let right = self.factor(&mut join.relation)?;
            let side = kind(&join.join_operator).1;
            let Some(constraint) = constraint_mut(&mut join.join_operator) else {
                columns.extend(right);
                continue;
            };
            let common: Vec<String> = match &*constraint {
                JoinConstraint::Natural => columns
                    .iter()
                    .filter(|column| right.iter().any(|other| other.name == column.name))
                    .map(|column| column.name.clone())
                    .collect(),
                JoinConstraint::Using(names) => names
                    .iter()
                    .filter_map(|name| name.0.last()?.as_ident().map(folded))
                    .collect(),
                JoinConstraint::On(_) => {
                    let merged = columns.iter().filter(|column| column.merged).cloned().collect();
                    let mut named = Named {
                        columns: merged,
                        depth: 0,
                    };
                    if let JoinConstraint::On(condition) = constraint {
                        let _ = VisitMut::visit(condition, &mut named);
                    }
                    columns.extend(right);
                    continue;
                }
                JoinConstraint::None => {
                    columns.extend(right);
                    continue;
                }
            };
            let mut merged = Vec::with_capacity(common.len());
            let mut conditions = Vec::with_capacity(common.len());
            for name in &common {
                let (left, right) = (only(&columns, name)?, only(&right, name)?);
                let value = match side {
                    Side::Left | Side::Either => left.clone(),
                    Side::Right => right.clone(),
                    Side::Both => call("coalesce", vec![left.clone(), right.clone()]),
                };
                conditions.push(Expr::BinaryOp {
                    left: Box::new(left),
                    op: BinaryOperator::Eq,
                    right: Box::new(right),
                });
                merged.push(Column {
                    name: name.clone(),
                    value,
                    merged: true,
                });
            }
            let all = conditions.into_iter().reduce(|left, right| Expr::BinaryOp {
                left: Box::new(left),
                op: BinaryOperator::And,
                right: Box::new(right),
            });
            *constraint = JoinConstraint::On(all.unwrap_or_else(|| Expr::Value(Value::Boolean(true).into())));
            let own = |column: &Column| !common.contains(&column.name);
            let rest = columns.into_iter().chain(right).filter(own);
            columns = merged.into_iter().chain(rest).collect();
        }
        Ok(columns)
    }

    /// The columns of what stands in FROM; a join with a name becomes a query of that name.
    fn factor(&self, factor: &mut TableFactor) -> Result<Vec<Column>> {
        if let TableFactor::NestedJoin {
            table_with_joins,
            alias,
        } = factor
        {
            let mut chain = std::mem::replace(
                table_with_joins.as_mut(),
                TableWithJoins {
                    relation: nothing(),
                    joins: Vec::new(),
                },
            );
            let mut columns = self.chain(&mut chain)?;
            let Some(alias) = alias.take() else {
                **table_with_joins = chain;
                return Ok(columns);
            };
            // Columns of one name can be shown, but not named.
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            for (at, column) in columns.iter_mut().enumerate() {
                if names.iter().filter(|name| **name == column.name).count() > 1 {
                    column.name = numbered_name(&column.name, at);
                }
            }
            let mut query = select_one(SelectItem::UnnamedExpr(null()));
            if let SetExpr::Select(select) = query.body.as_mut() {
                select.projection = columns.iter().map(shown).collect();
                select.from = vec![chain];
            }
            *factor = TableFactor::Derived {
                lateral: false,
                subquery: Box::new(query),
                alias: Some(alias),
                sample: None,
            };
        }
        let names = self.names(factor).ok_or_else(|| absent(factor))?;
        let table = table_name(factor).ok_or_else(unknown)?;
        Ok(names
            .into_iter()
            .map(|name| Column {
                value: Expr::CompoundIdentifier(vec![table.clone(), quoted(&name)]),
                name,
                merged: false,
            })
            .collect())
    }

    /// The names of the columns of a table or sub-query, if they are known.
    fn names(&self, factor: &TableFactor) -> Option<Vec<String>> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let parts: Vec<String> = name
                    .0
                    .iter()
                    .map(|part| part.as_ident().map(folded))
                    .collect::<Option<_>>()?;
                let known = match parts.as_slice() {
                    [part] => self.parts.iter().rev().find_map(|parts| parts.get(part)),
                    _ => None,
                };
                let columns = match known {
                    Some(columns) => columns.clone(),
                    None => {
                        let reference = match parts.as_slice() {
                            [table] => TableReference::bare(table.as_str()),
                            [schema, table] => TableReference::partial(schema.as_str(), table.as_str()),
                            [catalog, schema, table] => {
                                TableReference::full(catalog.as_str(), schema.as_str(), table.as_str())
                            }
                            _ => return None,
                        };
                        let schema = self.sources.get(&reference)?.schema();
                        Some(schema.fields().iter().map(|field| field.name().clone()).collect())
                    }
                };
                self.renamed(columns, alias.as_ref())
            }
            TableFactor::Derived { subquery, alias, .. } => {
                self.renamed(self.of_query(subquery), alias.as_ref())
            }
            _ => None,
        }
    }

    fn renamed(&self, columns: Option<Vec<String>>, alias: Option<&TableAlias>) -> Option<Vec<String>> {
        let mut columns = columns?;
        let names = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        for (column, name) in columns.iter_mut().zip(names) {
            *column = folded(&name.name);
        }
        Some(columns)
    }

    /// The names of what a query puts out.
    fn of_query(&self, query: &Query) -> Option<Vec<String>> {
        fn first(body: &SetExpr) -> Option<&SetExpr> {
            match body {
                SetExpr::SetOperation { left, .. } => first(left),
                other => Some(other),
            }
        }
        match first(&query.body)? {
            SetExpr::Query(query) => self.of_query(query),
            SetExpr::Values(values) => {
                let width = values.rows.first()?.content.len();
                Some((1..=width).map(|at| format!("column{at}")).collect())
            }
            SetExpr::Select(select) => {
                let mut names = Vec::with_capacity(select.projection.len());
                for item in &select.projection {
                    match item {
                        SelectItem::Wildcard(options) if plain(options) => {
                            for from in &select.from {
                                // Of joins that merge columns, these come first.
                                let merges = from.joins.iter().any(|join| {
                                    matches!(
                                        kind(&join.join_operator).0,
                                        Some(JoinConstraint::Natural | JoinConstraint::Using(_))
                                    )
                                });
                                if merges {
                                    return None;
                                }
                                names.extend(self.names(&from.relation)?);
                                for join in &from.joins {
                                    names.extend(self.names(&join.relation)?);
                                }
                            }
                        }
                        SelectItem::QualifiedWildcard(
                            SelectItemQualifiedWildcardKind::ObjectName(of),
                            options,
                        ) if plain(options) => {
                            let wanted = of.0.last()?.as_ident().map(folded)?;
                            let factors = select.from.iter().flat_map(|from| {
                                std::iter::once(&from.relation)
                                    .chain(from.joins.iter().map(|join| &join.relation))
                            });
                            let mut named = factors.filter(|factor| {
                                table_name(factor).is_some_and(|name| folded(&name) == wanted)
                            });
                            names.extend(self.names(named.next()?)?);
                        }
                        other => names.push(output(other)?),
                    }
                }
                Some(names)
            }
            _ => None,
        }
    }
}

/// The name of an output, if it has one.
fn output(item: &SelectItem) -> Option<String> {
    let name = match item {
        SelectItem::ExprWithAlias { alias, .. } => folded(alias),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => folded(name),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => names.last().map(folded)?,
        _ => return None,
    };
    Some(name)
}

fn plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_rename.is_none()
        && options.opt_replace.is_none()
        && options.opt_ilike.is_none()
}

fn shown(column: &Column) -> SelectItem {
    SelectItem::ExprWithAlias {
        expr: column.value.clone(),
        alias: quoted(&column.name),
    }
}

fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn find<'c>(columns: &'c [Column], name: &Ident) -> Option<&'c Column> {
    let name = folded(name);
    columns.iter().find(|column| column.name == name)
}

/// The column of one side that a join is by.
fn only(columns: &[Column], name: &str) -> Result<Expr> {
    let mut found = columns.iter().filter(|column| column.name == name);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column.value.clone()),
        (Some(_), Some(_)) => Err(Error::AmbiguousColumn {
            name: name.to_owned(),
            position: None,
        }),
        (None, _) => Err(Error::UndefinedColumn {
            name: format!("\"{name}\" specified in USING clause"),
            hint: None,
            position: None,
        }),
    }
}

/// The name by which a query knows a FROM item.
fn table_name(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table {
            name,
            alias: None,
            args: None,
            ..
        } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn nothing() -> TableFactor {
    TableFactor::TableFunction {
        expr: null(),
        alias: None,
    }
}

/// What has no columns that are known: a table that is not there, or something else.
fn absent(factor: &TableFactor) -> Error {
    match factor {
        TableFactor::Table { name, args: None, .. } => Error::UndefinedTable {
            name: name.to_string(),
            hint: None,
            position: None,
        },
        _ => unknown(),
    }
}

fn unknown() -> Error {
    Error::unsupported(
        "a NATURAL outer join, or FULL or RIGHT JOIN USING beside another join, of what is no table or plain sub-query; join by ON and coalesce the common columns",
    )
}

/// Writes merged columns out. Within a sub-query a name may be one of its own tables'.
struct Named {
    columns: Vec<Column>,
    depth: usize,
}

impl VisitorMut for Named {
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
            && let Expr::Identifier(name) = expr
            && let Some(column) = find(&self.columns, name)
        {
            *expr = column.value.clone();
        }
        ControlFlow::Continue(())
    }
}
