//! `pg_namespace`: schemas.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::acl::ON_SCHEMA;
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.namespaces)
        .column("oid", |n| n.oid)
        .column("nspname", |n| n.name.as_str())
        .column("nspowner", |n| n.owner)
        .column("nspacl", |n| model.acl(n.owner, &n.grants, ON_SCHEMA))
        .finish()
}
