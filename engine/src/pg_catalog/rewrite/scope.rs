//! Which system relations a FROM names, and so what its columns are.

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, TableFactor, TableWithJoins};

use super::ast::folded;
use crate::pg_catalog::declared::{self, Declared, INFORMATION_SCHEMA, PG_CATALOG};
use crate::pg_catalog::types::PG_TYPE_KEY;

/// The system relations of a FROM by the names their columns can be qualified with.
#[derive(Default)]
pub(super) struct Scope {
    relations: Vec<(String, &'static Declared)>,
    /// Whether the FROM holds nothing but system relations.
    complete: bool,
}

impl Scope {
    pub(super) fn of(from: &[TableWithJoins]) -> Self {
        let mut scope = Self {
            relations: Vec::new(),
            complete: true,
        };
        for table in from {
            scope.add_joined(table);
        }
        scope
    }

    fn add_joined(&mut self, table: &TableWithJoins) {
        self.add(&table.relation);
        table.joins.iter().for_each(|join| self.add(&join.relation));
    }

    fn add(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => match system_relation(name) {
                Some(relation) => {
                    let known_as = alias
                        .as_ref()
                        .map_or_else(|| relation.name.to_owned(), |a| folded(&a.name));
                    self.relations.push((known_as, relation));
                }
                None => self.complete = false,
            },
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.add_joined(table_with_joins),
            _ => self.complete = false,
        }
    }

    /// Whether all of the FROM is known.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// The names of the relations.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.relations.iter().map(|(name, _)| name.as_str())
    }

    /// The relation a qualifier names.
    pub(super) fn relation(&self, qualifier: &str) -> Option<&'static Declared> {
        self.relations
            .iter()
            .find(|(name, _)| name == qualifier)
            .map(|(_, r)| *r)
    }

    /// The PostgreSQL type of a column.
    pub(super) fn column_type(&self, qualifier: Option<&str>, name: &str) -> Option<&str> {
        let relations = self
            .relations
            .iter()
            .filter(|(known_as, _)| qualifier.is_none_or(|q| q == known_as));
        relations
            .filter_map(|(_, r)| r.schema.field_with_name(name).ok())
            .find_map(|f| f.metadata().get(PG_TYPE_KEY))
            .map(String::as_str)
    }

    /// The relation and column an expression names, if it is a column of this FROM.
    pub(super) fn column(&self, expr: &Expr) -> Option<(&str, String)> {
        match expr {
            Expr::Identifier(ident) => {
                let name = folded(ident);
                let found = self
                    .relations
                    .iter()
                    .find(|(_, r)| r.schema.field_with_name(&name).is_ok());
                found.map(|(known_as, _)| (known_as.as_str(), name))
            }
            Expr::CompoundIdentifier(idents) => match idents.as_slice() {
                [.., qualifier, name] => {
                    let (qualifier, name) = (folded(qualifier), folded(name));
                    self.relations
                        .iter()
                        .find(|(known_as, _)| *known_as == qualifier)
                        .map(|(known_as, _)| (known_as.as_str(), name))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// The system relation that a qualified name means.
pub(super) fn system_relation(name: &ObjectName) -> Option<&'static Declared> {
    let [schema, relation] = name.0.as_slice() else {
        return None;
    };
    let namespace = match folded(schema.as_ident()?).as_str() {
        "pg_catalog" => PG_CATALOG,
        "information_schema" => INFORMATION_SCHEMA,
        _ => return None,
    };
    declared::relation(namespace, &folded(relation.as_ident()?))
}
