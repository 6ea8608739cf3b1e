//! `pg_depend`: what hangs on what. Clients ask it which column a sequence goes with, which index a constraint has, and which views read
//! a relation.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_sql::ast;

use super::{pg_attrdef, pg_rewrite};
use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};
use crate::write::target::folded;

/// OIDs in `pg_class` of the catalogs that objects are in, by which dependencies name their kind.
const PG_CLASS: u32 = 1259;
const PG_ATTRDEF: u32 = 2604;
const PG_CONSTRAINT: u32 = 2606;
const PG_REWRITE: u32 = 2618;

/// A row.
struct Depends {
    kind: u32,
    object: u32,
    on_kind: u32,
    on: u32,
    column: i64,
    /// `n` holds it, `a` takes it along, `i` is a part of it.
    how: &'static str,
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let mut found = Vec::new();
    sequences(model, &mut found);
    defaults(model, &mut found);
    constraints(model, &mut found);
    views(model, &mut found);
    Rows::new(declared, &found)
        .column("classid", |d| d.kind)
        .column("objid", |d| d.object)
        .column("objsubid", |_| 0)
        .column("refclassid", |d| d.on_kind)
        .column("refobjid", |d| d.on)
        .column("refobjsubid", |d| d.column)
        .column("deptype", |d| d.how)
        .finish()
}

/// Sequences go with their columns.
fn sequences(model: &Model, found: &mut Vec<Depends>) {
    for sequence in model.sequences.values() {
        let owned = sequence.owned_by.as_ref();
        let Some((owned, table)) = owned.and_then(|owned| Some((owned, model.relation(owned.table)?))) else {
            continue;
        };
        let Ok(at) = table.schema.index_of(&owned.column) else {
            continue;
        };
        found.push(Depends {
            kind: PG_CLASS,
            object: sequence.oid,
            on_kind: PG_CLASS,
            on: table.oid,
            column: i64::try_from(at + 1).unwrap_or_default(),
            how: if owned.identity { "i" } else { "a" },
        });
    }
}

/// Defaults go with their columns, and hold the sequences that they count by.
fn defaults(model: &Model, found: &mut Vec<Depends>) {
    for relation in model
        .relations
        .iter()
        .filter(|relation| relation.kind == "r" && !relation.is_system())
    {
        for (field, number) in relation.schema.fields().iter().zip(1_u32..) {
            if pg_attrdef::expression(field, model).is_none() {
                continue;
            }
            let object = pg_attrdef::oid(relation.oid, number);
            found.push(Depends {
                kind: PG_ATTRDEF,
                object,
                on_kind: PG_CLASS,
                on: relation.oid,
                column: i64::from(number),
                how: "a",
            });
            if let Some(sequence) = pg_attrdef::default_sequence(field) {
                found.push(Depends {
                    kind: PG_ATTRDEF,
                    object,
                    on_kind: PG_CLASS,
                    on: sequence,
                    column: 0,
                    how: "n",
                });
            }
        }
    }
}

/// Constraints go with their columns, their indexes are parts of them, and references hold what they point to.
fn constraints(model: &Model, found: &mut Vec<Depends>) {
    for constraint in &model.constraints {
        let on = |on: u32, column: i64, how: &'static str| Depends {
            kind: PG_CONSTRAINT,
            object: constraint.oid,
            on_kind: PG_CLASS,
            on,
            column,
            how,
        };
        found.extend(
            constraint
                .columns
                .iter()
                .map(|column| on(constraint.table, *column, "a")),
        );
        found.extend(
            constraint
                .referenced_columns
                .iter()
                .map(|column| on(constraint.referenced, *column, "n")),
        );
        match (constraint.kind, constraint.index) {
            (_, 0) => {}
            ("f", index) => found.push(on(index, 0, "n")),
            (_, index) => found.push(Depends {
                kind: PG_CLASS,
                object: index,
                on_kind: PG_CONSTRAINT,
                on: constraint.oid,
                column: 0,
                how: "i",
            }),
        }
    }
}

/// The rule of a view is a part of it, and holds what the view reads: whole relations, as nobody has looked at columns.
fn views(model: &Model, found: &mut Vec<Depends>) {
    for view in pg_rewrite::views(model) {
        let object = pg_rewrite::oid(view.oid);
        let mut on = |on: u32, how: &'static str| {
            found.push(Depends {
                kind: PG_REWRITE,
                object,
                on_kind: PG_CLASS,
                on,
                column: 0,
                how,
            });
        };
        on(view.oid, "i");
        for relation in read_by(model, view) {
            on(relation, "n");
        }
    }
}

/// The relations that a view reads, which its kept text names with their schemas.
fn read_by(model: &Model, view: &Relation) -> BTreeSet<u32> {
    let mut read = BTreeSet::new();
    let statements = view.sql.as_deref().map(radlake_sql::parse);
    for statement in statements.into_iter().flatten().flatten() {
        let _ = ast::visit_relations(statement.ast(), |name| {
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident())
                .map(folded)
                .collect();
            let found = match parts.as_slice() {
                [.., schema, name] => model
                    .namespace_named(schema)
                    .and_then(|namespace| model.relation_named(namespace.oid, name)),
                _ => None,
            };
            read.extend(found.map(|relation| relation.oid));
            ControlFlow::<()>::Continue(())
        });
    }
    read
}
