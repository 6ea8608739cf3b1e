//! `pg_rewrite`: each view has one rule, by which PostgreSQL keeps its query.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// OIDs of rules: of no other object, and stable as long as the view is there.
const BASE: u32 = 0x6000_0000;

pub(super) fn oid(view: u32) -> u32 {
    BASE | view & 0x0fff_ffff
}

/// Relations with a rule.
pub(super) fn views(model: &Model) -> impl Iterator<Item = &Relation> {
    model
        .relations
        .iter()
        .filter(|relation| matches!(relation.kind, "v" | "m") && !relation.is_system())
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let views: Vec<&Relation> = views(model).collect();
    Rows::new(declared, &views)
        .column("oid", |r| oid(r.oid))
        .column("rulename", |_| "_RETURN")
        .column("ev_class", |r| r.oid)
        .column("ev_type", |_| "1")
        .column("ev_enabled", |_| "O")
        .column("is_instead", |_| true)
        .column("ev_qual", |_| "<>")
        .column("ev_action", |_| "<>")
        .finish()
}
