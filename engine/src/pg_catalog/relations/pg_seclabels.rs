//! `pg_seclabel` and `pg_seclabels`: masks of columns, as SECURITY LABEL gave them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// `pg_class.oid` of `pg_class`, whose rows' columns have the labels.
const PG_CLASS: u32 = 1259;
const PROVIDER: &str = "anon";

struct Label<'m> {
    relation: &'m Relation,
    column: &'m str,
    number: i64,
    label: &'m str,
}

fn all(model: &Model) -> Vec<Label<'_>> {
    let relations = model.relations.iter();
    let labels = relations.flat_map(|relation| {
        let masks = relation.row_security.masks.iter();
        masks.filter_map(move |(column, label)| {
            let number = relation.schema.index_of(column).ok()?;
            Some(Label {
                relation,
                column,
                number: i64::try_from(number + 1).ok()?,
                label,
            })
        })
    });
    labels.collect()
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let labels = all(model);
    Rows::new(declared, &labels)
        .column("objoid", |label| label.relation.oid)
        .column("classoid", |_| PG_CLASS)
        .column("objsubid", |label| label.number)
        .column("provider", |_| PROVIDER)
        .column("label", |label| label.label)
        .finish()
}

pub(super) fn by_name(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let labels = all(model);
    Rows::new(declared, &labels)
        .column("objoid", |label| label.relation.oid)
        .column("classoid", |_| PG_CLASS)
        .column("objsubid", |label| label.number)
        .column("objtype", |_| "column")
        .column("objnamespace", |label| label.relation.namespace)
        .column("objname", |label| {
            let schema = model.schema_name(label.relation.namespace);
            format!("{schema}.{}.{}", label.relation.name, label.column)
        })
        .column("provider", |_| PROVIDER)
        .column("label", |label| label.label)
        .finish()
}
