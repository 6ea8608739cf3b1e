//! Statements: queries and writes.

use std::fmt;

use super::expr::{Expr, list};
use super::query::{From, Item, Query};

#[derive(Debug, Clone)]
pub enum Statement {
    Query(Query),
    Write(Write),
}

/// A statement that writes to one table.
#[derive(Debug, Clone)]
pub struct Write {
    pub table: String,
    pub verb: Verb,
    pub returning: Vec<Item>,
}

#[derive(Debug, Clone)]
pub enum Verb {
    Insert { columns: Vec<String>, query: Query },
    Update { set: Vec<(String, Expr)>, edit: Edit },
    Delete { edit: Edit },
}

/// What UPDATE and DELETE share.
#[derive(Debug, Clone)]
pub struct Edit {
    /// A further table, with the condition by which each row meets one of its rows at most: else any of several would be right.
    pub other: Option<(From, Expr)>,
    pub filter: Option<Expr>,
}

impl Statement {
    pub fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Self::Query(query) => query.visit(f),
            Self::Write(write) => {
                match &mut write.verb {
                    Verb::Insert { query, .. } => query.visit(f),
                    Verb::Update { set, edit } => {
                        set.iter_mut().for_each(|(_, e)| e.visit(f));
                        edit.visit(f);
                    }
                    Verb::Delete { edit } => edit.visit(f),
                }
                for item in &mut write.returning {
                    if let Item::Expr { expr, .. } = item {
                        expr.visit(f);
                    }
                }
            }
        }
    }
}

impl Edit {
    fn visit(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        if let Some((from, on)) = &mut self.other {
            from.visit(f);
            on.visit(f);
        }
        self.filter.iter_mut().for_each(|e| e.visit(f));
    }

    fn conditions(&self) -> String {
        let on = self.other.as_ref().map(|(_, on)| on);
        let all: Vec<String> = on
            .into_iter()
            .chain(&self.filter)
            .map(ToString::to_string)
            .collect();
        if all.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", all.join(" AND "))
        }
    }

    fn other(&self, word: &str) -> String {
        match &self.other {
            Some((from, _)) => format!(" {word} {from}"),
            None => String::new(),
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => query.fmt(f),
            Self::Write(write) => write.fmt(f),
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        match &self.verb {
            Verb::Insert { columns, query } => {
                write!(f, "INSERT INTO {table} ({}) {query}", columns.join(", "))?
            }
            Verb::Update { set, edit } => {
                let set: Vec<String> = set.iter().map(|(name, e)| format!("{name} = {e}")).collect();
                let (other, conditions) = (edit.other("FROM"), edit.conditions());
                write!(f, "UPDATE {table} SET {}{other}{conditions}", set.join(", "))?;
            }
            Verb::Delete { edit } => {
                write!(
                    f,
                    "DELETE FROM {table}{}{}",
                    edit.other("USING"),
                    edit.conditions()
                )?;
            }
        }
        if !self.returning.is_empty() {
            write!(f, " RETURNING {}", list(&self.returning))?;
        }
        Ok(())
    }
}
