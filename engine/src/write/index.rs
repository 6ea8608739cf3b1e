//! CREATE INDEX, DROP INDEX and CLUSTER.
//!
//! Data is found by statistics, order and Bloom filters, which upkeep sees to; an index is a definition that scripts may
//! make and drop, and that CLUSTER takes the order from.

use std::collections::HashMap;

use arrow::datatypes::DataType;
use radlake_catalogs::TableObject;
use radlake_sql::ast;
use serde::{Deserialize, Serialize};

use super::constraint::{self, Constraint, Rule};
use super::target::{folded, resolve, written_name};
use super::texts::{INDEX_PLACE, expression_text};
use super::{Outcome, Writer};
use crate::{Error, Result};

/// Property of a table that holds its indexes.
const PROPERTY: &str = "indexes";
/// Property of a table that names the index that it was clustered by.
const CLUSTERED: &str = "clustered";

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// Columns, or expressions as text.
    pub(crate) columns: Vec<String>,
    #[serde(default)]
    pub(crate) unique: bool,
    #[serde(default)]
    pub(crate) comment: Option<String>,
}

/// The indexes of a table.
pub(crate) fn of(table: &TableObject) -> Result<Vec<Index>> {
    match table.properties.get(PROPERTY) {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| Error::internal(format!("indexes of {}: {error}", table.qualified_name()))),
    }
}

/// Gives a table its indexes.
pub(crate) fn put(table: &mut TableObject, indexes: &[Index]) -> Result<()> {
    if indexes.is_empty() {
        table.properties.remove(PROPERTY);
        return Ok(());
    }
    let text =
        serde_json::to_string(indexes).map_err(|error| Error::internal(format!("indexes: {error}")))?;
    table.properties.insert(PROPERTY.to_owned(), text);
    Ok(())
}

/// Names of constraints that PostgreSQL has an index for.
fn keys(constraints: &[Constraint]) -> impl Iterator<Item = &Constraint> {
    constraints
        .iter()
        .filter(|constraint| matches!(constraint.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }))
}

impl Writer<'_> {
    pub(super) fn create_index(&mut self, create: &ast::CreateIndex) -> Result<Outcome> {
        let done = Outcome::tag("CREATE INDEX");
        let mut table = self.resolve_any(&create.table_name)?;
        let mut columns = Vec::with_capacity(create.columns.len());
        for column in &create.columns {
            columns.push(match &column.column.expr {
                ast::Expr::Identifier(ident) => {
                    let name = folded(ident);
                    if table.arrow_schema.field_with_name(&name).is_err() {
                        return Err(Error::UndefinedColumn {
                            name: format!("\"{name}\""),
                            hint: None,
                            position: None,
                        });
                    }
                    name
                }
                other => expression_text(other, INDEX_PLACE)?,
            });
        }
        let epoch = self.epoch()?;
        let taken = |name: &str| -> Result<bool> {
            if epoch.get_relation(&table.schema, name).is_some() {
                return Ok(true);
            }
            for other in epoch.tables().filter(|other| other.schema == table.schema) {
                let constraints = constraint::of(other)?;
                if of(other)?.iter().any(|index| index.name == name)
                    || keys(&constraints).any(|key| key.name == name)
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let name = match create.name.as_ref().and_then(|name| name.0.last()) {
            Some(name) => {
                let name = name.as_ident().map(folded).unwrap_or_default();
                if taken(&name)? {
                    if create.if_not_exists {
                        self.session
                            .notice("42P07", format!("relation \"{name}\" already exists, skipping"));
                        return Ok(done);
                    }
                    return Err(Error::DuplicateTable(name));
                }
                name
            }
            None => {
                let plain = create.columns.iter().map(|column| match &column.column.expr {
                    ast::Expr::Identifier(ident) => folded(ident),
                    _ => "expr".to_owned(),
                });
                let wanted = format!("{}_{}_idx", table.name, plain.collect::<Vec<_>>().join("_"));
                let mut name = wanted.clone();
                let mut number = 0;
                while taken(&name)? {
                    number += 1;
                    name = format!("{wanted}{number}");
                }
                name
            }
        };
        self.session.notice(
            "00000",
            match create.unique {
                true => format!("index \"{name}\" is a definition only: uniqueness is not enforced"),
                false => {
                    format!("index \"{name}\" is a definition only: upkeep makes what queries are fast by")
                }
            },
        );
        // Of an order nothing is kept, but a text that is looked up has a filter: a UID most of all.
        if let Some(first) = columns.first()
            && table
                .arrow_schema
                .field_with_name(first)
                .is_ok_and(|field| *field.data_type() == DataType::Utf8)
        {
            constraint::looked_up(&mut table, std::slice::from_ref(first));
        }
        let mut indexes = of(&table)?;
        indexes.push(Index {
            name,
            columns,
            unique: create.unique,
            comment: None,
        });
        put(&mut table, &indexes)?;
        self.work.put_object(table)?;
        Ok(done)
    }

    /// A table or a materialized view.
    fn resolve_any(&self, name: &ast::ObjectName) -> Result<TableObject> {
        let (path, database) = (self.session.search_path(), self.session.database());
        let table = super::target::table(&*self.epoch()?, &path, &database, name)?;
        if table.schema == "imaging" || table.schema == "system" {
            return Err(Error::InsufficientPrivilege(format!(
                "permission denied: \"{}\" belongs to the lake itself",
                table.name
            )));
        }
        Ok(table.as_ref().clone())
    }

    /// The table of an index, and the index's name.
    pub(crate) fn index_named(&self, name: &ast::ObjectName) -> Result<(u32, String)> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, last) = resolve(&epoch, &path, &self.session.database(), name)?;
        let within: Vec<String> = match (&schema, name.0.len()) {
            (Some(schema), 2..) => vec![schema.clone()],
            _ => path,
        };
        for schema in &within {
            for table in epoch.tables().filter(|table| table.schema == *schema) {
                let constraints = constraint::of(table)?;
                if of(table)?.iter().any(|index| index.name == last)
                    || keys(&constraints).any(|key| key.name == last)
                {
                    return Ok((table.oid, last));
                }
            }
        }
        match schema.and_then(|schema| epoch.get_relation(&schema, &last).cloned()) {
            Some(_) => Err(Error::WrongObject(format!("\"{last}\" is not an index"))),
            None => Err(Error::UndefinedObject {
                kind: "index",
                name: last,
            }),
        }
    }

    /// The table of an index that DROP INDEX names, and the index's name.
    pub(super) fn index_to_drop(
        &self,
        name: &ast::ObjectName,
        if_exists: bool,
    ) -> Result<Option<(u32, String)>> {
        match self.index_named(name) {
            Err(Error::UndefinedObject { name, .. }) if if_exists => {
                self.session
                    .notice("00000", format!("index \"{name}\" does not exist, skipping"));
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    pub(super) fn drop_index(&mut self, oid: u32, name: &str) -> Result<()> {
        let mut table = self.work.table(oid)?;
        let mut indexes = of(&table)?;
        let before = indexes.len();
        indexes.retain(|index| index.name != name);
        if indexes.len() == before {
            return Err(Error::Dependents {
                message: format!(
                    "cannot drop index {name} because constraint {name} on table {} requires it",
                    table.name
                ),
                detail: format!("constraint {name} on table {} requires index {name}", table.name),
            });
        }
        put(&mut table, &indexes)?;
        self.work.put_object(table)?;
        Ok(())
    }

    /// CLUSTER, as the parser was given it: the rows are written anew in the order of an index.
    pub(super) async fn cluster(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let epoch = self.epoch()?;
        let Some(name) = arguments.first() else {
            let before: Vec<(u32, String)> = epoch
                .tables()
                .filter_map(|table| Some((table.oid, table.properties.get(CLUSTERED)?.clone())))
                .collect();
            for (oid, index) in before {
                let table = self.work.table(oid)?;
                self.cluster_by(table, &index).await?;
            }
            return Ok(Outcome::tag("CLUSTER"));
        };
        let table = self.resolve_any(&written_name(name)?)?;
        let index = match arguments.get(1) {
            Some(ast::Expr::Identifier(index)) => folded(index),
            Some(other) => return Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
            None => table
                .properties
                .get(CLUSTERED)
                .cloned()
                .ok_or_else(|| Error::NoClusteredIndex(table.name.clone()))?,
        };
        self.cluster_by(table, &index).await?;
        Ok(Outcome::tag("CLUSTER"))
    }

    async fn cluster_by(&mut self, mut table: TableObject, index: &str) -> Result<()> {
        let constraints = constraint::of(&table)?;
        let columns = of(&table)?
            .into_iter()
            .find(|known| known.name == index)
            .map(|known| known.columns)
            .or_else(|| {
                let key = keys(&constraints).find(|key| key.name == index)?;
                Some(key.key()?.to_vec())
            });
        let Some(columns) = columns else {
            return Err(Error::MissingIndex {
                name: index.to_owned(),
                table: table.name,
            });
        };
        if let Some(expression) = columns
            .iter()
            .find(|column| table.arrow_schema.field_with_name(column).is_err())
        {
            return Err(Error::unsupported(format!(
                "cannot cluster by the expression {expression}"
            )));
        }
        table.cluster_key = columns;
        table.properties.insert(CLUSTERED.to_owned(), index.to_owned());
        self.rewrite(table, &HashMap::new()).await
    }
}
