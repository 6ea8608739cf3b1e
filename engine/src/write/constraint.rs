//! Constraints of a table, as its catalog entry keeps them.

use arrow::datatypes::DataType;
use radlake_catalogs::{Epoch, TableObject};
use radlake_sql::ast;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Property of a table that holds its constraints.
const PROPERTY: &str = "constraints";

/// A constraint under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Constraint {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) rule: Rule,
    /// COMMENT ON CONSTRAINT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) comment: Option<String>,
}

/// What it asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Rule {
    /// Enforced.
    PrimaryKey { columns: Vec<String> },
    /// Shown, not enforced.
    Unique { columns: Vec<String> },
    /// Enforced.
    Check { expression: String },
    /// Enforced: what the domain of a column asks. It is the domain's, and kept with no table.
    #[serde(skip)]
    Domain {
        schema: String,
        domain: String,
        expression: String,
    },
    /// Shown, not enforced.
    ForeignKey {
        columns: Vec<String>,
        table: String,
        referenced: Vec<String>,
    },
}

impl Constraint {
    /// The columns of a key.
    pub(crate) fn key(&self) -> Option<&[String]> {
        match &self.rule {
            Rule::PrimaryKey { columns } | Rule::Unique { columns } => Some(columns),
            _ => None,
        }
    }
}

/// The constraints of a table.
pub(crate) fn of(table: &TableObject) -> Result<Vec<Constraint>> {
    match table.properties.get(PROPERTY) {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text)
            .map_err(|error| Error::internal(format!("constraints of {}: {error}", table.qualified_name()))),
    }
}

/// The constraints of a table, and before them what the domains of its columns ask: all that new rows must keep to.
pub(super) fn enforced(table: &TableObject, epoch: &Epoch) -> Result<Vec<Constraint>> {
    let mut found = Vec::new();
    for field in table.arrow_schema.fields() {
        if let Some(domain) = super::own_types::OfDomain::of(field) {
            found.extend(domain.constraints(field.name(), epoch)?);
        }
    }
    found.extend(of(table)?);
    Ok(found)
}

/// Gives a table its constraints.
pub(crate) fn put(table: &mut TableObject, constraints: &[Constraint]) -> Result<()> {
    if constraints.is_empty() {
        table.properties.remove(PROPERTY);
        return Ok(());
    }
    let text = serde_json::to_string(constraints)
        .map_err(|error| Error::internal(format!("constraints: {error}")))?;
    table.properties.insert(PROPERTY.to_owned(), text);
    Ok(())
}

/// The columns of the key that a constraint's name means.
pub(crate) fn key_named(table: &TableObject, name: &ast::ObjectName) -> Result<Option<Vec<String>>> {
    let wanted = name
        .0
        .last()
        .and_then(|part| part.as_ident())
        .map(super::target::folded);
    let constraints = of(table)?;
    let found = constraints
        .iter()
        .find(|constraint| Some(&constraint.name) == wanted.as_ref());
    Ok(found.and_then(Constraint::key).map(<[String]>::to_vec))
}

/// The columns of the primary key, if there is one.
pub(crate) fn primary_key(constraints: &[Constraint]) -> Option<&Constraint> {
    constraints
        .iter()
        .find(|constraint| matches!(constraint.rule, Rule::PrimaryKey { .. }))
}

/// Gives files that are written from now on a Bloom filter of each column of a key that values are looked up by.
pub(super) fn looked_up(table: &mut TableObject, key: &[String]) {
    for column in key {
        let field = table.arrow_schema.field_with_name(column);
        let hashed = field.is_ok_and(|field| {
            matches!(
                field.data_type(),
                DataType::Utf8 | DataType::Int32 | DataType::Int64
            )
        });
        if hashed && !table.bloom_columns.contains(column) {
            table.bloom_columns.push(column.clone());
        }
    }
}

/// References are not enforced, but what they would do to rows is not left out without a word.
///
/// # Errors
/// [`Error::Unsupported`].
pub(super) fn check_actions(key: &ast::ForeignKeyConstraint) -> Result<()> {
    use ast::ReferentialAction as A;
    let changes = |action: &Option<A>| matches!(action, Some(A::Cascade | A::SetNull | A::SetDefault));
    if changes(&key.on_delete) || changes(&key.on_update) {
        return Err(Error::unsupported(
            "a foreign key that changes rows (CASCADE, SET NULL, SET DEFAULT); leave the action out and change them by statements of your own",
        ));
    }
    Ok(())
}
