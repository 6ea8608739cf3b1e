//! `table_constraints`, `key_column_usage`, `referential_constraints`, `constraint_column_usage`, `constraint_table_usage` and
//! `check_constraints`. As in PostgreSQL, a column that is NOT NULL has a check of its own there.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use super::viewer::Viewer;
use crate::pg_catalog::declared::{Declared, NOT_NULL_KEY};
use crate::pg_catalog::keys::Constraint;
use crate::pg_catalog::model::Relation;
use crate::pg_catalog::rows::Rows;

/// A constraint with its table.
struct Of<'m> {
    table: &'m Relation,
    name: String,
    /// `p`, `u`, `c` or `f`.
    kind: &'static str,
    /// What a check asks.
    clause: Option<String>,
    constraint: Option<&'m Constraint>,
}

/// A column of a constraint.
struct Used<'m> {
    name: &'m str,
    owner: &'m Relation,
    table: &'m Relation,
    column: String,
    position: i64,
    /// Of the column that it refers to, in the other table's key.
    referenced: Option<i64>,
}

fn constraints<'m>(viewer: &Viewer<'m>) -> Vec<Of<'m>> {
    let model = viewer.model;
    let declared = model.constraints.iter().filter_map(|constraint| {
        let table = model.relation(constraint.table)?;
        let check = constraint.definition.strip_prefix("CHECK ");
        viewer.sees(table).then(|| Of {
            table,
            name: constraint.name.clone(),
            kind: constraint.kind,
            clause: check.filter(|_| constraint.kind == "c").map(str::to_owned),
            constraint: Some(constraint),
        })
    });
    let tables = model.relations.iter().filter(|r| r.kind == "r" && viewer.sees(r));
    let not_null = tables.flat_map(|table| {
        let fields = table.schema.fields().iter().zip(1_i64..);
        let fields =
            fields.filter(|(field, _)| !field.is_nullable() || field.metadata().contains_key(NOT_NULL_KEY));
        fields.map(move |(field, number)| Of {
            table,
            name: format!("{}_{}_{number}_not_null", table.namespace, table.oid),
            kind: "c",
            clause: Some(format!("{} IS NOT NULL", field.name())),
            constraint: None,
        })
    });
    declared.chain(not_null).collect()
}

fn column(table: &Relation, number: i64) -> Option<String> {
    let index = usize::try_from(number.checked_sub(1)?).ok()?;
    let field = table.schema.fields().get(index)?;
    Some(field.name().clone())
}

/// The columns of keys and references, of the table itself.
fn keys<'m>(viewer: &Viewer<'m>) -> Vec<Used<'m>> {
    let model = viewer.model;
    let mut used = Vec::new();
    for constraint in model.constraints.iter().filter(|c| c.kind != "c") {
        let Some(table) = model
            .relation(constraint.table)
            .filter(|table| viewer.sees(table))
        else {
            continue;
        };
        let key = key_of(viewer, constraint);
        for (at, number) in constraint.columns.iter().enumerate() {
            let Some(column) = column(table, *number) else {
                continue;
            };
            let to = constraint.referenced_columns.get(at);
            let position = |to: &i64| key.and_then(|key| key.columns.iter().position(|number| number == to));
            used.push(Used {
                name: &constraint.name,
                owner: table,
                table,
                column,
                position: i64::try_from(at + 1).unwrap_or(i64::MAX),
                referenced: to
                    .and_then(position)
                    .and_then(|position| i64::try_from(position + 1).ok()),
            });
        }
    }
    used
}

/// The key that a reference means.
fn key_of<'m>(viewer: &Viewer<'m>, reference: &Constraint) -> Option<&'m Constraint> {
    let mut wanted = reference.referenced_columns.clone();
    wanted.sort_unstable();
    viewer.model.constraints.iter().find(|key| {
        let mut columns = key.columns.clone();
        columns.sort_unstable();
        matches!(key.kind, "p" | "u") && key.table == reference.referenced && columns == wanted
    })
}

pub(super) fn table_constraints(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    Rows::new(declared, &constraints(viewer))
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.table.namespace))
        .column("constraint_name", |c| c.name.as_str())
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |c| model.schema_name(c.table.namespace))
        .column("table_name", |c| c.table.name.as_str())
        .column("constraint_type", |c| match c.kind {
            "p" => "PRIMARY KEY",
            "u" => "UNIQUE",
            "f" => "FOREIGN KEY",
            _ => "CHECK",
        })
        .column("is_deferrable", |_| "NO")
        .column("initially_deferred", |_| "NO")
        .column("enforced", |_| "YES")
        .column("nulls_distinct", |c| (c.kind == "u").then_some("YES"))
        .finish()
}

pub(super) fn check_constraints(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    let mut checks = constraints(viewer);
    checks.retain(|check| check.kind == "c" && viewer.is(check.table.owner));
    Rows::new(declared, &checks)
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.table.namespace))
        .column("constraint_name", |c| c.name.as_str())
        .column("check_clause", |c| c.clause.as_deref())
        .finish()
}

pub(super) fn key_column_usage(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    let mut used = keys(viewer);
    used.retain(|used| viewer.columns(used.table).contains(&used.column));
    Rows::new(declared, &used)
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.owner.namespace))
        .column("constraint_name", |c| c.name)
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |c| model.schema_name(c.table.namespace))
        .column("table_name", |c| c.table.name.as_str())
        .column("column_name", |c| c.column.as_str())
        .column("ordinal_position", |c| c.position)
        .column("position_in_unique_constraint", |c| c.referenced)
        .finish()
}

pub(super) fn referential_constraints(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    let mut references = constraints(viewer);
    references.retain(|reference| reference.kind == "f");
    let key = |of: &Of<'_>| of.constraint.and_then(|constraint| key_of(viewer, constraint));
    Rows::new(declared, &references)
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.table.namespace))
        .column("constraint_name", |c| c.name.as_str())
        .column("unique_constraint_catalog", |c| {
            key(c).map(|_| model.database.clone())
        })
        .column("unique_constraint_schema", |c| {
            key(c).map(|key| model.schema_name(key.namespace).to_owned())
        })
        .column("unique_constraint_name", |c| key(c).map(|key| key.name.clone()))
        .column("match_option", |_| "NONE")
        .column("update_rule", |_| "NO ACTION")
        .column("delete_rule", |_| "NO ACTION")
        .finish()
}

/// The columns that a constraint is about: of a reference, those of the other table. Of tables that the role owns.
fn used<'m>(viewer: &Viewer<'m>) -> Vec<Used<'m>> {
    let model = viewer.model;
    let mut used = Vec::new();
    for constraint in &model.constraints {
        let (table, numbers) = match constraint.kind {
            "f" => (constraint.referenced, &constraint.referenced_columns),
            _ => (constraint.table, &constraint.columns),
        };
        let (Some(owner), Some(table)) = (model.relation(constraint.table), model.relation(table)) else {
            continue;
        };
        if !viewer.is(table.owner) {
            continue;
        }
        used.extend(numbers.iter().filter_map(|number| {
            Some(Used {
                name: &constraint.name,
                owner,
                table,
                column: column(table, *number)?,
                position: 0,
                referenced: None,
            })
        }));
    }
    used
}

pub(super) fn constraint_column_usage(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    Rows::new(declared, &used(viewer))
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |c| model.schema_name(c.table.namespace))
        .column("table_name", |c| c.table.name.as_str())
        .column("column_name", |c| c.column.as_str())
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.owner.namespace))
        .column("constraint_name", |c| c.name)
        .finish()
}

pub(super) fn constraint_table_usage(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    let mut used = used(viewer);
    used.dedup_by(|one, other| one.name == other.name && one.owner.oid == other.owner.oid);
    Rows::new(declared, &used)
        .column("table_catalog", |_| model.database.as_str())
        .column("table_schema", |c| model.schema_name(c.table.namespace))
        .column("table_name", |c| c.table.name.as_str())
        .column("constraint_catalog", |_| model.database.as_str())
        .column("constraint_schema", |c| model.schema_name(c.owner.namespace))
        .column("constraint_name", |c| c.name)
        .finish()
}
