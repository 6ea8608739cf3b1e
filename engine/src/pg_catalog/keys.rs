//! Constraints and indexes of tables, as the catalogs show them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::Schema;
use radlake_catalogs::{Epoch, Relation as EpochRelation, TableObject};

use super::model::Relation;
use super::names::quote;
use crate::write::constraint::{self, Rule};
use crate::write::index;

/// OIDs of constraints and indexes: `0x5000_0000 | hash of table and name`, so that they stay while these do.
const BASE: u32 = 0x5000_0000;

/// A row of `pg_constraint`.
#[derive(Debug)]
pub(crate) struct Constraint {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) namespace: u32,
    /// `p`, `u`, `c` or `f`.
    pub(crate) kind: &'static str,
    pub(crate) table: u32,
    /// 0 where there is none.
    pub(crate) index: u32,
    pub(crate) columns: Vec<i64>,
    /// 0 where there is none.
    pub(crate) referenced: u32,
    pub(crate) referenced_columns: Vec<i64>,
    /// As `pg_get_constraintdef` gives it.
    pub(crate) definition: String,
    pub(crate) comment: Option<String>,
}

/// A row of `pg_index`.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) oid: u32,
    pub(crate) table: u32,
    pub(crate) unique: bool,
    pub(crate) primary: bool,
    /// Numbers of columns, 0 for an expression.
    pub(crate) columns: Vec<i64>,
    /// The columns as text.
    pub(crate) texts: Vec<String>,
    /// As `pg_get_indexdef` gives it.
    pub(crate) definition: String,
}

/// The columns that a reference means: those that it names, or the other table's primary key.
fn meant(epoch: &Epoch, table: &TableObject, name: &str, named: &[String]) -> Vec<String> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let declared = referenced_table(epoch, table, name).and_then(|to| constraint::of(to).ok());
    let keys = declared
        .into_iter()
        .flatten()
        .find_map(|constraint| match constraint.rule {
            Rule::PrimaryKey { columns } => Some(columns),
            _ => None,
        });
    keys.unwrap_or_default()
}

/// What a table has of both, and the indexes as relations. A definition that cannot be read shows nothing.
pub(super) fn of(
    epoch: &Epoch,
    table: &TableObject,
    namespace: u32,
) -> (Vec<Constraint>, Vec<Index>, Vec<Relation>) {
    let (mut constraints, mut indexes, mut relations) = (Vec::new(), Vec::new(), Vec::new());
    let declared = constraint::of(table).unwrap_or_default();
    let listed = |columns: &[String]| {
        columns
            .iter()
            .map(|column| quote(column))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for constraint in declared {
        let (kind, columns, definition) = match &constraint.rule {
            Rule::PrimaryKey { columns } => {
                ("p", columns.clone(), format!("PRIMARY KEY ({})", listed(columns)))
            }
            Rule::Unique { columns } => ("u", columns.clone(), format!("UNIQUE ({})", listed(columns))),
            Rule::Check { expression } => ("c", named_in(table, expression), format!("CHECK ({expression})")),
            // No table has it.
            Rule::Domain { .. } => continue,
            Rule::ForeignKey {
                columns,
                table: name,
                referenced,
            } => {
                let referenced = meant(epoch, table, name, referenced);
                let to = match referenced.is_empty() {
                    true => String::new(),
                    false => format!("({})", listed(&referenced)),
                };
                (
                    "f",
                    columns.clone(),
                    format!("FOREIGN KEY ({}) REFERENCES {name}{to}", listed(columns)),
                )
            }
        };
        let keyed = matches!(kind, "p" | "u");
        let numbers = numbers(table, &columns);
        let index = match &constraint.rule {
            Rule::ForeignKey {
                table: name,
                referenced,
                ..
            } => pointed_at(epoch, table, name, referenced),
            _ if keyed => oid(table.oid, &constraint.name, 'i'),
            _ => 0,
        };
        let (referenced, referenced_columns) = match &constraint.rule {
            Rule::ForeignKey {
                table: name,
                referenced,
                ..
            } => referenced_table(epoch, table, name)
                .map(|to| (to.oid, self::numbers(to, &meant(epoch, table, name, referenced))))
                .unwrap_or_default(),
            _ => (0, Vec::new()),
        };
        if keyed {
            let made = made(table, &constraint.name, index, kind == "p", true, &columns);
            relations.push(relation(
                table,
                namespace,
                &constraint.name,
                index,
                &columns,
                None,
            ));
            indexes.push(made);
        }
        constraints.push(Constraint {
            oid: oid(table.oid, &constraint.name, 'c'),
            name: constraint.name,
            namespace,
            kind,
            table: table.oid,
            index,
            columns: numbers,
            referenced,
            referenced_columns,
            definition,
            comment: constraint.comment,
        });
    }
    for index in index::of(table).unwrap_or_default() {
        let oid = oid(table.oid, &index.name, 'i');
        indexes.push(made(table, &index.name, oid, false, index.unique, &index.columns));
        relations.push(relation(
            table,
            namespace,
            &index.name,
            oid,
            &index.columns,
            index.comment,
        ));
    }
    (constraints, indexes, relations)
}

/// The columns that an expression names, in the order of the table.
fn named_in(table: &TableObject, expression: &str) -> Vec<String> {
    let fields = table.arrow_schema.fields().iter();
    fields
        .map(|field| field.name())
        .filter(|name| radlake_catalogs::mentions(expression, name))
        .cloned()
        .collect()
}

/// The index of the key that a reference points at; 0 where there is none.
fn pointed_at(epoch: &Epoch, table: &TableObject, name: &str, named: &[String]) -> u32 {
    let Some(to) = referenced_table(epoch, table, name) else {
        return 0;
    };
    let wanted: BTreeSet<String> = meant(epoch, table, name, named).into_iter().collect();
    let keys = constraint::of(to).unwrap_or_default();
    let key = keys.iter().find(|constraint| match &constraint.rule {
        Rule::PrimaryKey { columns } | Rule::Unique { columns } => {
            columns.iter().cloned().collect::<BTreeSet<_>>() == wanted
        }
        _ => false,
    });
    key.map_or(0, |key| oid(to.oid, &key.name, 'i'))
}

fn referenced_table<'e>(epoch: &'e Epoch, table: &TableObject, name: &str) -> Option<&'e Arc<TableObject>> {
    let parts: Vec<&str> = name.split('.').map(|part| part.trim_matches('"')).collect();
    match parts.as_slice() {
        [name] => epoch.table(&table.schema, name),
        [schema, name] => epoch.table(schema, name),
        _ => None,
    }
}

fn numbers(table: &TableObject, columns: &[String]) -> Vec<i64> {
    let place = |column: &String| {
        let place = table.arrow_schema.index_of(column).ok();
        place.and_then(|place| i64::try_from(place + 1).ok()).unwrap_or(0)
    };
    columns.iter().map(place).collect()
}

fn made(table: &TableObject, name: &str, oid: u32, primary: bool, unique: bool, columns: &[String]) -> Index {
    let is_column = |text: &str| table.arrow_schema.field_with_name(text).is_ok();
    let texts: Vec<String> = columns
        .iter()
        .map(|text| {
            if is_column(text) {
                quote(text)
            } else {
                format!("({text})")
            }
        })
        .collect();
    Index {
        oid,
        table: table.oid,
        unique,
        primary,
        columns: numbers(table, columns),
        definition: format!(
            "CREATE {}INDEX {} ON {}.{} USING btree ({})",
            if unique { "UNIQUE " } else { "" },
            quote(name),
            quote(&table.schema),
            quote(&table.name),
            texts.join(", ")
        ),
        texts,
    }
}

fn relation(
    table: &TableObject,
    namespace: u32,
    name: &str,
    oid: u32,
    columns: &[String],
    comment: Option<String>,
) -> Relation {
    let fields = columns
        .iter()
        .filter_map(|column| table.arrow_schema.field_with_name(column).ok().cloned())
        .map(|field| {
            field
                .with_nullable(true)
                .with_metadata(std::collections::HashMap::new())
        });
    Relation {
        oid,
        namespace,
        name: name.to_owned(),
        kind: "i",
        owner: table.owner,
        comment,
        schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        rows: -1,
        bytes: 0,
        sql: None,
        row_type: 0,
        grants: Vec::new(),
        row_security: radlake_catalogs::RowSecurity::default(),
    }
}

fn oid(table: u32, name: &str, kind: char) -> u32 {
    let text = format!("{table} {kind} {name}");
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    BASE | (hash & 0x0fff_ffff)
}

/// The tables of an epoch, with the schema's OID of each.
pub(super) fn tables<'e>(
    epoch: &'e Epoch,
    namespace: impl Fn(&str) -> Option<u32> + 'e,
) -> impl Iterator<Item = (&'e Arc<TableObject>, u32)> + 'e {
    epoch.all_relations().filter_map(move |relation| match relation {
        EpochRelation::Table(table) => Some((table, namespace(&table.schema)?)),
        EpochRelation::View(_) | EpochRelation::Sequence(_) => None,
    })
}
