//! `pg_views` and `pg_matviews`: views with their queries.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let views: Vec<&Relation> = model.relations.iter().filter(|r| r.kind == "v").collect();
    Rows::new(declared, &views)
        .column("schemaname", |r| model.schema_name(r.namespace))
        .column("viewname", |r| r.name.as_str())
        .column("viewowner", |r| model.role_name(r.owner))
        .column("definition", |r| r.sql.as_deref())
        .finish()
}

pub(super) fn materialized(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let views: Vec<&Relation> = model.relations.iter().filter(|r| r.kind == "m").collect();
    Rows::new(declared, &views)
        .column("schemaname", |r| model.schema_name(r.namespace))
        .column("matviewname", |r| r.name.as_str())
        .column("matviewowner", |r| model.role_name(r.owner))
        .column("hasindexes", |_| false)
        .column("ispopulated", |_| true)
        .column("definition", |r| r.sql.as_deref())
        .finish()
}
