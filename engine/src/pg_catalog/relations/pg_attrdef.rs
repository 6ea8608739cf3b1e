//! `pg_attrdef`: defaults and expressions of generated columns.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use std::borrow::Cow;

use crate::pg_catalog::declared::{Declared, PUBLIC};
use crate::pg_catalog::{model::Model, names, rows::Rows};
use crate::write::sequence::sequence_of;
use crate::write::target::{DEFAULT, GENERATED, IDENTITY};

/// OIDs of defaults: of no other object, and stable while the column keeps its place.
const BASE: u32 = 0x7000_0000;

struct Default<'m> {
    relation: u32,
    number: u32,
    expression: Cow<'m, str>,
}

/// The expression that gives a column its value. An identity column has none, as in PostgreSQL.
pub(crate) fn expression<'m>(field: &'m Field, model: &Model) -> Option<Cow<'m, str>> {
    if let Some(oid) = default_sequence(field) {
        let sequence = model.sequences.get(&oid)?;
        let name = match model
            .relation(oid)
            .is_some_and(|relation| relation.namespace == PUBLIC)
        {
            true => names::quote(&sequence.name),
            false => names::qualified(&sequence.schema, &sequence.name),
        };
        return Some(format!("nextval('{}'::regclass)", name.replace('\'', "''")).into());
    }
    let metadata = field.metadata();
    let text = metadata.get(GENERATED).or_else(|| metadata.get(DEFAULT));
    text.map(|text| text.as_str().into())
}

/// The sequence that a column's default counts by.
pub(super) fn default_sequence(field: &Field) -> Option<u32> {
    sequence_of(field).filter(|_| !field.metadata().contains_key(IDENTITY))
}

pub(super) fn oid(relation: u32, number: u32) -> u32 {
    BASE | (relation.wrapping_mul(1601) + number) & 0x0fff_ffff
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let columns = model.relations.iter().filter(|r| r.kind == "r").flat_map(|r| {
        let fields = r.schema.fields().iter().zip(1_u32..);
        fields.filter_map(move |(field, number)| {
            Some(Default {
                relation: r.oid,
                number,
                expression: expression(field, model)?,
            })
        })
    });
    let defaults: Vec<Default<'_>> = columns.collect();
    Rows::new(declared, &defaults)
        .column("oid", |d| oid(d.relation, d.number))
        .column("adrelid", |d| d.relation)
        .column("adnum", |d| d.number)
        .column("adbin", |d| d.expression.as_ref())
        .finish()
}
