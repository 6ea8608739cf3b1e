//! Queries that views keep as text: every name in them is qualified, so that they mean the same whatever the search path
//! is, and can be followed when a relation gets another name.

use std::ops::ControlFlow;
use std::sync::Arc;

use radlake_catalogs::{Epoch, Object, Relation, TableObject};
use radlake_sql::Version;
use radlake_sql::ast::{self, VisitMut};

use super::Writer;
use super::constraint::{self, Rule};
use super::target::{DEFAULT, GENERATED, folded, resolve};
use super::view::MATERIALIZED;
use crate::planner::holds_query;
use crate::{Error, Result};

/// What has another name now.
pub(super) enum Renamed {
    Relation {
        old: (String, String),
        new: (String, String),
    },
    Schema {
        old: String,
        new: String,
    },
}

/// The query that a view or materialized view keeps.
pub(super) fn text_of(relation: &Relation) -> Option<&str> {
    match relation {
        Relation::View(view) => Some(&view.sql),
        Relation::Table(table) => table.properties.get(MATERIALIZED).map(String::as_str),
        Relation::Sequence(_) => None,
    }
}

/// A query as text that is planned, now or whenever it is read.
pub(super) fn query_text(query: &ast::Query) -> Result<String> {
    radlake_sql::text::query(query).ok_or_else(unwritten)
}

/// An expression as text that is kept; `place` is PostgreSQL's name of what it is there. It is computed with the rights of whoever
/// writes to the table, so it must not read anything else.
pub(super) fn expression_text(expression: &ast::Expr, place: &str) -> Result<String> {
    no_query(expression, place)?;
    radlake_sql::text::expression(expression).ok_or_else(unwritten)
}

/// Refuses queries in an expression.
pub(super) fn no_query(expression: &ast::Expr, place: &str) -> Result<()> {
    match holds_query(expression) {
        true => Err(Error::unsupported(format!("cannot use subquery in {place}"))),
        false => Ok(()),
    }
}

fn unwritten() -> Error {
    Error::unsupported("a literal, name or type of this statement that cannot be kept as text")
}

/// Refuses to write to a table whose rules hold queries, as they could before that was refused when they were made.
pub(super) fn check_rules(table: &TableObject) -> Result<()> {
    let check = |text: &str, place: &str| {
        let lower = text.to_ascii_lowercase();
        match ["select", "values", "table"]
            .iter()
            .any(|word| lower.contains(word))
        {
            true => no_query(&super::insert::expression(text)?, place),
            false => Ok(()),
        }
    };
    for field in table.arrow_schema.fields() {
        for (key, place) in [(DEFAULT, DEFAULT_PLACE), (GENERATED, GENERATED_PLACE)] {
            if let Some(text) = field.metadata().get(key) {
                check(text, place)?;
            }
        }
    }
    for constraint in constraint::of(table)? {
        if let Rule::Check { expression } = &constraint.rule {
            check(expression, CHECK_PLACE)?;
        }
    }
    Ok(())
}

/// Where expressions stand, in PostgreSQL's words.
pub(super) const DEFAULT_PLACE: &str = "DEFAULT expression";
pub(super) const GENERATED_PLACE: &str = "column generation expression";
pub(super) const CHECK_PLACE: &str = "check constraint";
pub(super) const INDEX_PLACE: &str = "index expression";
pub(super) const TRANSFORM_PLACE: &str = "transform expression";

impl Writer<'_> {
    /// A query with the schema before each name.
    pub(super) fn qualified(&self, query: &ast::Query) -> Result<ast::Query> {
        let mut query = query.clone();
        self.qualify_own(&mut query, true)?;
        self.qualified_relations(query)
    }

    /// The same for a function's query, which may call functions that read.
    pub(super) fn qualified_freely(&self, query: &ast::Query) -> Result<ast::Query> {
        let mut query = query.clone();
        self.qualify_own(&mut query, false)?;
        self.qualified_relations(query)
    }

    fn qualified_relations(&self, mut query: ast::Query) -> Result<ast::Query> {
        let mut names = Qualifier {
            epoch: self.epoch()?,
            path: self.session.search_path(),
            database: self.session.database(),
            scopes: Vec::new(),
        };
        match query.visit(&mut names) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(query),
        }
    }

    /// An expression with the schema before each name of a relation, as text that is read as the same expression.
    pub(crate) fn qualified_expression(&self, expression: &ast::Expr) -> Result<String> {
        let mut query = self
            .splices
            .tree(&format!("SELECT {}", self.splices.expr(expression)))?;
        query = self.qualified(&query)?;
        if super::temporary::reads_temporary(&query) {
            return Err(Error::unsupported(
                "temporary tables and views in an expression that is kept: it would outlive them",
            ));
        }
        let text = match query.body.as_ref() {
            ast::SetExpr::Select(select) => match select.projection.as_slice() {
                [ast::SelectItem::UnnamedExpr(expression)] => expression.to_string(),
                _ => return Err(Error::internal("an expression became another")),
            },
            _ => return Err(Error::internal("an expression became a query")),
        };
        // The text of a tree is not always that tree's.
        match self.splices.tree(&format!("SELECT {text}"))? == query {
            true => Ok(text),
            false => Err(Error::unsupported(
                "an expression with this spelling of a literal or name is not supported here",
            )),
        }
    }

    /// Has the policies of a table, which may know it by its name, follow its new one.
    pub(super) fn rename_in_policies(&mut self, oid: u32, old: &str, new: &str) -> Result<()> {
        struct Own<'n> {
            old: &'n str,
            new: &'n str,
            shadowed: bool,
            found: bool,
        }
        impl ast::VisitorMut for Own<'_> {
            type Break = ();

            fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
                let name = match factor {
                    ast::TableFactor::Table {
                        alias: Some(alias), ..
                    }
                    | ast::TableFactor::Derived {
                        alias: Some(alias), ..
                    } => folded(&alias.name),
                    _ => return ControlFlow::Continue(()),
                };
                self.shadowed |= name == self.old || name == self.new;
                ControlFlow::Continue(())
            }

            fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
                if let ast::Expr::CompoundIdentifier(parts) = expr
                    && let Some(first) = parts.first_mut()
                    && folded(first) == self.old
                {
                    *first = ast::Ident::with_quote('"', self.new);
                    self.found = true;
                }
                ControlFlow::Continue(())
            }
        }
        let epoch = self.epoch()?;
        let Some(table) = epoch.table_by_oid(oid).filter(|_| old != new) else {
            return Ok(());
        };
        let mut table = table.as_ref().clone();
        for policy in &mut table.row_security.policies {
            for text in [&mut policy.using, &mut policy.check].into_iter().flatten() {
                let mut own = Own {
                    old,
                    new,
                    shadowed: false,
                    found: false,
                };
                let mut expression = super::insert::expression(text)?;
                let _ = expression.visit(&mut own);
                if own.found && own.shadowed {
                    return Err(Error::unsupported(format!(
                        "table \"{old}\" cannot be renamed while policy \"{}\" knows another table by its old or new name",
                        policy.name
                    )));
                }
                if own.found {
                    *text = expression.to_string();
                }
            }
        }
        if self.epoch()?.table_by_oid(oid).map(AsRef::as_ref) != Some(&table) {
            self.work.put_object(table)?;
        }
        Ok(())
    }

    /// Has the texts of all views follow a new name.
    pub(super) fn rename_in_texts(&mut self, renamed: &Renamed) -> Result<()> {
        let epoch = self.epoch()?;
        let mut changed: Vec<Object> = Vec::new();
        for relation in epoch.all_relations() {
            if let Relation::Table(table) = relation
                && let Some(table) = renamed_in_policies(table, renamed)?
            {
                changed.push(table.into());
                continue;
            }
            let Some(text) = text_of(relation) else {
                continue;
            };
            let Some(ast::Statement::Query(mut query)) = radlake_sql::parse(text)?
                .pop()
                .map(|statement| statement.ast().clone())
            else {
                continue;
            };
            let mut renamer = Renamer {
                renamed,
                found: false,
            };
            let _ = query.visit(&mut renamer);
            if !renamer.found {
                continue;
            }
            match relation {
                Relation::View(view) => {
                    let mut view = view.as_ref().clone();
                    view.sql = query_text(&query)?;
                    changed.push(view.into());
                }
                Relation::Sequence(_) => {}
                Relation::Table(table) => {
                    let mut table = table.as_ref().clone();
                    table
                        .properties
                        .insert(MATERIALIZED.to_owned(), query_text(&query)?);
                    changed.push(table.into());
                }
            }
        }
        for object in changed {
            self.work.put_object(object)?;
        }
        Ok(())
    }
}

/// A table whose policies name what has another name now.
fn renamed_in_policies(table: &TableObject, renamed: &Renamed) -> Result<Option<TableObject>> {
    let mut table = table.clone();
    let mut found = false;
    for policy in &mut table.row_security.policies {
        for text in [&mut policy.using, &mut policy.check].into_iter().flatten() {
            let statement = radlake_sql::parse(&format!("SELECT {text}"))?.pop();
            let Some(ast::Statement::Query(mut query)) = statement.map(|statement| statement.ast().clone())
            else {
                continue;
            };
            let mut renamer = Renamer {
                renamed,
                found: false,
            };
            let _ = query.visit(&mut renamer);
            if renamer.found
                && let ast::SetExpr::Select(select) = query.body.as_ref()
                && let [ast::SelectItem::UnnamedExpr(expression)] = select.projection.as_slice()
            {
                *text = expression.to_string();
                found = true;
            }
        }
    }
    Ok(found.then_some(table))
}

struct Qualifier {
    epoch: Arc<Epoch>,
    path: Vec<String>,
    database: String,
    /// The queries around what is visited, the outermost first.
    scopes: Vec<Scope>,
}

/// The names that WITH gives within a query.
struct Scope {
    names: Vec<String>,
    /// So many of its parts have been visited: those that follow, and the query, see these; all see all if it is RECURSIVE.
    seen: usize,
    recursive: bool,
}

impl Qualifier {
    fn is_own(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| {
            let seen = if scope.recursive {
                scope.names.len()
            } else {
                scope.seen
            };
            scope.names.iter().take(seen).any(|known| known == name)
        })
    }

    /// The schema before a name that is read as of an earlier epoch.
    fn qualify_version(&self, name: &mut ast::ObjectName) -> Result<()> {
        let last = name.0.last().and_then(|part| part.as_ident()).cloned();
        let Some(last) = last else {
            return Ok(());
        };
        let bare = ast::ObjectName(vec![ast::ObjectNamePart::Identifier(last.clone())]);
        let (schema, _) = resolve(&self.epoch, &self.path, &self.database, &bare)?;
        let Some(schema) = schema else {
            return Err(Error::unsupported(format!(
                "a view over \"{last}\" as of an earlier epoch, which is not there today: name its schema"
            )));
        };
        if let Some(part) = name.0.get_mut(1) {
            *part = ast::ObjectNamePart::Identifier(ast::Ident::with_quote('"', schema));
        }
        Ok(())
    }
}

impl ast::VisitorMut for Qualifier {
    type Break = Error;

    // The parts of WITH are visited in their order, before the query's body.
    fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<Error> {
        let with = query.with.as_ref();
        let names = with.iter().flat_map(|with| &with.cte_tables);
        self.scopes.push(Scope {
            names: names.map(|cte| folded(&cte.alias.name)).collect(),
            seen: 0,
            recursive: with.is_some_and(|with| with.recursive),
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<Error> {
        self.scopes.pop();
        if let Some(around) = self.scopes.last_mut() {
            around.seen = around.names.len().min(around.seen + 1);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<Error> {
        let ast::TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        if let [database, schema, _] = name.0.as_slice()
            && let Some((database, schema)) = database.as_ident().zip(schema.as_ident())
            && Version::of(&database.value).is_some()
        {
            return match schema.value.is_empty().then(|| self.qualify_version(name)) {
                Some(Err(error)) => ControlFlow::Break(error),
                _ => ControlFlow::Continue(()),
            };
        }
        let Ok((Some(schema), last)) = resolve(&self.epoch, &self.path, &self.database, name) else {
            return ControlFlow::Continue(());
        };
        if name.0.len() == 1 && self.is_own(&last) || self.epoch.get_relation(&schema, &last).is_none() {
            return ControlFlow::Continue(());
        }
        rename(name, alias, &schema, &last);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<Error> {
        // `schema.table.column`: the table has a name of its own now.
        if let ast::Expr::CompoundIdentifier(parts) = expr
            && let [schema, table, _] = parts.as_slice()
            && self.epoch.get_relation(&folded(schema), &folded(table)).is_some()
        {
            parts.remove(0);
        }
        ControlFlow::Continue(())
    }
}

struct Renamer<'a> {
    renamed: &'a Renamed,
    found: bool,
}

impl ast::VisitorMut for Renamer<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
        let ast::TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|part| part.as_ident().map(folded))
            .collect();
        let [schema, last] = parts.as_slice() else {
            return ControlFlow::Continue(());
        };
        let new = match self.renamed {
            Renamed::Relation { old, new } if old.0 == *schema && old.1 == *last => new.clone(),
            Renamed::Schema { old, new } if old == schema => (new.clone(), last.clone()),
            _ => return ControlFlow::Continue(()),
        };
        rename(name, alias, &new.0, &new.1);
        self.found = true;
        ControlFlow::Continue(())
    }
}

/// Names a table in full; columns go on to know it by the name that it had.
fn rename(name: &mut ast::ObjectName, alias: &mut Option<ast::TableAlias>, schema: &str, table: &str) {
    let ident = |text: &str| ast::Ident::with_quote('"', text);
    if alias.is_none() {
        let known = name.0.last().and_then(|part| part.as_ident()).map(folded);
        *alias = Some(ast::TableAlias {
            explicit: true,
            name: ident(&known.unwrap_or_else(|| table.to_owned())),
            columns: Vec::new(),
            at: None,
        });
    }
    *name = ast::ObjectName(vec![
        ast::ObjectNamePart::Identifier(ident(schema)),
        ast::ObjectNamePart::Identifier(ident(table)),
    ]);
}
