//! `pg_attrdef`: defaults and expressions of generated columns.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use arrow::error::ArrowError;

use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};
use crate::write::target::{DEFAULT, GENERATED};

/// OIDs of defaults: of no other object, and stable while the column keeps its place.
const BASE: u32 = 0x7000_0000;

struct Default<'m> {
    relation: u32,
    number: u32,
    expression: &'m str,
}

/// The expression that gives a column its value.
pub(super) fn expression(field: &Field) -> Option<&str> {
    let metadata = field.metadata();
    metadata
        .get(GENERATED)
        .or_else(|| metadata.get(DEFAULT))
        .map(String::as_str)
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let columns = model.relations.iter().filter(|r| r.kind == "r").flat_map(|r| {
        let fields = r.schema.fields().iter().zip(1_u32..);
        fields.filter_map(move |(field, number)| {
            Some(Default {
                relation: r.oid,
                number,
                expression: expression(field)?,
            })
        })
    });
    let defaults: Vec<Default<'_>> = columns.collect();
    Rows::new(declared, &defaults)
        .column("oid", |d| {
            BASE | (d.relation.wrapping_mul(1601) + d.number) & 0x0fff_ffff
        })
        .column("adrelid", |d| d.relation)
        .column("adnum", |d| d.number)
        .column("adbin", |d| d.expression)
        .finish()
}
