//! What a statement writes to: a table of ours, and what its columns ask of new rows.

use std::sync::Arc;

use arrow::datatypes::Field;
use radlake_catalogs::{Epoch, Relation, TableObject};
use radlake_sql::ast;

use crate::pg_catalog::types::{builtin_name, format_builtin};
use crate::pg_catalog::{PgKind, PgType, pg_type_of};
use crate::{Error, Result};

/// Keys of a column's metadata.
pub(crate) const DEFAULT: &str = "radlake.default";
/// Expression of a column that is always computed.
pub(crate) const GENERATED: &str = "radlake.generated";
/// Longest text that fits, in characters.
pub(crate) const LENGTH: &str = "radlake.length";
/// `always` or `by default`: a column that counts. The table's property `identity.<column>` holds the next number.
pub(crate) const IDENTITY: &str = "radlake.identity";

/// A column of the target.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) default: Option<String>,
    pub(super) generated: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) length: Option<usize>,
    pub(super) not_null: bool,
    /// The type as SQL names it, where it has a name: what an assignment casts to.
    pub(super) sql_type: Option<String>,
    pub(super) pg_type: PgType,
}

impl Column {
    pub(super) fn of(field: &Field) -> Self {
        let said = |key: &str| field.metadata().get(key).cloned();
        let pg = pg_type_of(field);
        Self {
            name: field.name().clone(),
            default: said(DEFAULT),
            generated: said(GENERATED),
            identity: said(IDENTITY),
            length: said(LENGTH).and_then(|length| length.parse().ok()),
            not_null: !field.is_nullable(),
            sql_type: sql_type(&pg),
            pg_type: pg,
        }
    }

    /// Whether the column is of the type jsonb; `None` if it is of neither json nor jsonb.
    pub(super) fn is_jsonb(&self) -> Option<bool> {
        match self.pg_type.oid {
            114 => Some(false),
            3802 => Some(true),
            _ => None,
        }
    }

    /// `expression` in the column's type.
    pub(super) fn cast(&self, expression: &str) -> String {
        match &self.sql_type {
            Some(sql_type) => format!("CAST({expression} AS {sql_type})"),
            None => expression.to_owned(),
        }
    }
}

/// A type as a cast names it. Lengths are left out: they are checked, not cut to.
fn sql_type(pg: &PgType) -> Option<String> {
    match &pg.kind {
        PgKind::Array(element) => sql_type(element).map(|element| format!("{element}[]")),
        _ if pg.oid == 1700 => format_builtin(pg.oid, pg.typmod),
        _ => builtin_name(pg.oid).map(str::to_owned),
    }
}

/// The columns of a table that hold what was written, not what is computed from it; quoted.
pub(crate) fn stored(table: &TableObject) -> Vec<String> {
    let fields = table.arrow_schema.fields().iter();
    fields
        .filter(|field| !field.metadata().contains_key(GENERATED))
        .map(|field| quoted(field.name()))
        .collect()
}

/// The table that a statement writes to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) object: TableObject,
    pub(super) columns: Vec<Column>,
    /// The name that expressions know it by.
    pub(super) alias: String,
}

impl Target {
    pub(super) fn new(object: TableObject, alias: Option<&ast::Ident>) -> Self {
        let columns = object
            .arrow_schema
            .fields()
            .iter()
            .map(|field| Column::of(field))
            .collect();
        let alias = alias.map_or_else(|| object.name.clone(), folded);
        Self {
            object,
            columns,
            alias,
        }
    }

    pub(super) fn column(&self, name: &ast::Ident) -> Result<usize> {
        let wanted = folded(name);
        let found = self.columns.iter().position(|column| column.name == wanted);
        found.ok_or_else(|| Error::UndefinedColumn {
            name: format!("\"{wanted}\" of relation \"{}\"", self.object.name),
            hint: None,
            position: None,
        })
    }
}

/// An identifier as PostgreSQL reads it.
pub(crate) fn folded(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() {
        ident.value.clone()
    } else {
        ident.value.to_lowercase()
    }
}

/// An identifier as SQL text.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name that an argument of a procedure spells.
pub(crate) fn written_name(argument: &ast::Expr) -> Result<ast::ObjectName> {
    let parts = match argument {
        ast::Expr::Identifier(name) => vec![name.clone()],
        ast::Expr::CompoundIdentifier(parts) => parts.clone(),
        other => return Err(Error::syntax(format!("{other} is no name of a relation"))),
    };
    let parts = parts.into_iter().map(ast::ObjectNamePart::Identifier);
    Ok(ast::ObjectName(parts.collect()))
}

/// Schema and name that a written name means; without a schema, the first of `path` that has it.
pub(crate) fn resolve(
    epoch: &Epoch,
    path: &[String],
    database: &str,
    name: &ast::ObjectName,
) -> Result<(Option<String>, String)> {
    let parts: Vec<String> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(folded))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::unsupported(format!("{name} is no name of a relation")))?;
    match parts.as_slice() {
        [only] => {
            let schema = path
                .iter()
                .find(|schema| epoch.get_relation(schema, only).is_some());
            Ok((schema.cloned(), only.clone()))
        }
        [schema, last] => Ok((Some(schema.clone()), last.clone())),
        [db, schema, last] if db == database => Ok((Some(schema.clone()), last.clone())),
        _ => Err(Error::unsupported(format!(
            "cross-database references are not implemented: \"{name}\""
        ))),
    }
}

/// The table of that name; views and system relations are told apart.
pub(super) fn table(
    epoch: &Epoch,
    path: &[String],
    database: &str,
    name: &ast::ObjectName,
) -> Result<Arc<TableObject>> {
    let (schema, last) = resolve(epoch, path, database, name)?;
    let found = schema
        .as_deref()
        .and_then(|schema| epoch.get_relation(schema, &last));
    match found {
        Some(Relation::Table(table)) => Ok(Arc::clone(table)),
        Some(Relation::View(_)) => Err(Error::WrongObject(format!("\"{last}\" is not a table"))),
        None if matches!(schema.as_deref(), Some("pg_catalog" | "information_schema")) => Err(
            Error::InsufficientPrivilege(format!("permission denied: \"{last}\" is a system catalog")),
        ),
        None => {
            if let Some(schema) = schema.filter(|_| name.0.len() > 1)
                && epoch.schema(&schema).is_none()
            {
                return Err(Error::UndefinedSchema(schema));
            }
            Err(Error::UndefinedTable {
                name: name.to_string(),
                hint: None,
                position: None,
            })
        }
    }
}
