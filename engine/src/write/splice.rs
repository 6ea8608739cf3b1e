//! Queries that statements are turned into: text of ours, into which the client's trees are put as they are.
//!
//! A client's expression is never written as text and read again: the text of a tree is not always that tree's, and what was
//! authorised must be what runs. Text of ours names a part by a placeholder; once it is parsed, the part takes its place.
//! Placeholders, and the relations that exist for one statement only, bear a name that nobody can guess.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use radlake_sql::Statement;
use radlake_sql::ast::{self, VisitMut};

use super::target::quoted;
use crate::{Error, Result};

/// A part of a client's statement.
#[derive(Debug, Clone)]
enum Part {
    Expr(Box<ast::Expr>),
    Query(Box<ast::Query>),
    Tables(Box<ast::TableWithJoins>),
}

/// The parts of one statement.
#[derive(Debug)]
pub(crate) struct Splices {
    /// Schema of the statement's own relations, and the beginning of placeholders.
    nonce: String,
    parts: Mutex<Vec<Part>>,
}

impl Default for Splices {
    fn default() -> Self {
        Self {
            nonce: format!("radlake {}", uuid::Uuid::new_v4().simple()),
            parts: Mutex::default(),
        }
    }
}

impl Splices {
    /// Schema of the relations that exist for this statement only.
    pub(crate) fn schema(&self) -> &str {
        &self.nonce
    }

    /// A relation that exists for this statement only, as text.
    pub(crate) fn local(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.nonce), quoted(name))
    }

    /// A name that no client's text can have.
    pub(crate) fn private(&self, name: &str) -> String {
        format!("{}.{name}", self.nonce)
    }

    fn keep(&self, part: Part) -> usize {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(part);
        parts.len() - 1
    }

    fn part(&self, at: &str) -> Option<Part> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.get(at.parse::<usize>().ok()?).cloned()
    }

    /// Text that stands for an expression.
    pub(crate) fn expr(&self, expr: &ast::Expr) -> String {
        let at = self.keep(Part::Expr(Box::new(expr.clone())));
        quoted(&format!("{}.{at}", self.nonce))
    }

    /// Text that stands for a query in FROM; an alias may follow.
    pub(crate) fn query(&self, query: ast::Query) -> String {
        let at = self.keep(Part::Query(Box::new(query)));
        self.local(&format!("part.{at}"))
    }

    /// Text that stands for an entry of FROM, with its joins.
    pub(crate) fn tables(&self, tables: &ast::TableWithJoins) -> String {
        let at = self.keep(Part::Tables(Box::new(tables.clone())));
        self.local(&format!("part.{at}"))
    }

    /// Parses one query of ours and puts the parts in their places.
    pub(crate) fn statement(&self, sql: &str) -> Result<Statement> {
        let mut statements = radlake_sql::parse(sql)?;
        let (Some(statement), true) = (statements.pop(), statements.is_empty()) else {
            return Err(Error::syntax("syntax error: one expression is expected"));
        };
        let mut tree = statement.ast().clone();
        match tree.visit(&mut Placing { splices: self }) {
            ControlFlow::Continue(()) => Ok(statement.within(tree)),
            ControlFlow::Break(()) => Err(Error::internal("a part of a write is gone")),
        }
    }

    /// The tree of one query of ours, with the parts in their places.
    pub(crate) fn tree(&self, sql: &str) -> Result<ast::Query> {
        match self.statement(sql)?.ast().clone() {
            ast::Statement::Query(query) => Ok(*query),
            _ => Err(Error::internal("a write was turned into no query")),
        }
    }

    /// Parses one expression of ours and puts the parts in their places.
    pub(crate) fn expression(&self, text: &str) -> Result<ast::Expr> {
        if let ast::SetExpr::Select(mut select) = *self.tree(&format!("SELECT {text}"))?.body
            && let Some(ast::SelectItem::UnnamedExpr(expression)) = select.projection.pop()
        {
            return Ok(expression);
        }
        Err(Error::syntax(format!("not an expression: {text}")))
    }
}

struct Placing<'a> {
    splices: &'a Splices,
}

impl ast::VisitorMut for Placing<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        let ast::Expr::Identifier(name) = expr else {
            return ControlFlow::Continue(());
        };
        let at = name.value.strip_prefix(&self.splices.nonce);
        let Some(at) = at.and_then(|at| at.strip_prefix('.')) else {
            return ControlFlow::Continue(());
        };
        match self.splices.part(at) {
            Some(Part::Expr(part)) => *expr = *part,
            Some(_) => return ControlFlow::Break(()),
            // A private column.
            None => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
        let ast::TableFactor::Table { name, alias, .. } = factor else {
            return ControlFlow::Continue(());
        };
        let at = match name.0.as_slice() {
            [schema, last]
                if schema
                    .as_ident()
                    .is_some_and(|schema| schema.value == self.splices.nonce) =>
            {
                last.as_ident().and_then(|last| last.value.strip_prefix("part."))
            }
            _ => None,
        };
        let Some(at) = at else {
            return ControlFlow::Continue(());
        };
        *factor = match self.splices.part(at) {
            Some(Part::Query(subquery)) => ast::TableFactor::Derived {
                lateral: false,
                subquery,
                alias: alias.take(),
                sample: None,
            },
            Some(Part::Tables(tables)) if tables.joins.is_empty() => tables.relation,
            Some(Part::Tables(tables)) => ast::TableFactor::NestedJoin {
                table_with_joins: tables,
                alias: None,
            },
            _ => return ControlFlow::Break(()),
        };
        ControlFlow::Continue(())
    }
}
