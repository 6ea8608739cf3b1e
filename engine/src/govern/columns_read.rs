//! Which columns of its target a statement that writes reads, as far as its tree tells.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use radlake_catalogs::Relation;
use radlake_sql::ast;

use super::authorise::check;
use crate::Result;
use crate::policy::{Privilege, Subject};
use crate::write::target::folded;

/// Which columns of its target a statement reads, as far as names tell: rather one too many than one too few.
pub(super) struct ColumnsRead<'r> {
    relation: &'r Relation,
    /// What the target is called in the statement.
    alias: String,
    /// Within ON CONFLICT `excluded` has the target's columns, and asks for the same rights.
    excluded: bool,
    known: BTreeSet<String>,
    read: BTreeSet<String>,
    all: bool,
}

impl<'r> ColumnsRead<'r> {
    pub(super) fn new(relation: &'r Relation, alias: Option<&ast::Ident>) -> Self {
        let known = match relation {
            Relation::Table(table) => {
                let fields = table.arrow_schema.fields().iter();
                fields.map(|field| field.name().clone()).collect()
            }
            Relation::View(_) | Relation::Sequence(_) => BTreeSet::new(),
        };
        Self {
            relation,
            alias: alias.map_or_else(|| relation.name().to_owned(), folded),
            excluded: false,
            known,
            read: BTreeSet::new(),
            all: false,
        }
    }

    /// Has `excluded` mean the target's columns too.
    pub(super) fn with_excluded(&mut self) {
        self.excluded = true;
    }

    fn is_target(&self, name: &str) -> bool {
        name == self.alias || (self.excluded && name == "excluded")
    }

    /// All names in a part of the statement.
    pub(super) fn note<V: ast::Visit>(&mut self, part: &V) {
        let _ = ast::visit_expressions(part, |expression| {
            match expression {
                ast::Expr::Identifier(name) => self.column(name),
                ast::Expr::CompoundIdentifier(names) => self.compound(names),
                ast::Expr::QualifiedWildcard(..) | ast::Expr::Wildcard(_) => self.all = true,
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        });
    }

    pub(super) fn column(&mut self, name: &ast::Ident) {
        let name = folded(name);
        if self.known.contains(&name) {
            self.read.insert(name);
        } else if self.is_target(&name) {
            self.all = true;
        }
    }

    fn compound(&mut self, names: &[ast::Ident]) {
        let names: Vec<String> = names.iter().map(folded).collect();
        match names.iter().position(|name| self.is_target(name)) {
            // Behind the table's name stands the column's, and behind that a field's.
            Some(at) if at + 1 < names.len() => {
                self.read.extend(
                    names
                        .get(at + 1)
                        .filter(|name| self.known.contains(*name))
                        .cloned(),
                );
            }
            Some(_) => self.all = true,
            None => {}
        }
        if let Some(first) = names.first().filter(|name| self.known.contains(*name)) {
            self.read.insert(first.clone());
        }
    }

    /// RETURNING.
    pub(super) fn items(&mut self, items: Option<&[ast::SelectItem]>) {
        for item in items.unwrap_or_default() {
            match item {
                ast::SelectItem::Wildcard(_) | ast::SelectItem::QualifiedWildcard(..) => self.all = true,
                other => self.note(other),
            }
        }
    }

    /// Whether there are any.
    pub(super) fn check(self, subject: &Subject) -> Result<bool> {
        let read = match self.all {
            true => self.known,
            false => self.read,
        };
        let columns: Vec<String> = read.into_iter().collect();
        match (self.all, columns.is_empty()) {
            (true, true) => check(subject, self.relation, Privilege::Select, None)?,
            (false, true) => return Ok(false),
            (_, false) => check(subject, self.relation, Privilege::Select, Some(&columns))?,
        }
        Ok(true)
    }
}
