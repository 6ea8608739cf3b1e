//! `pg_stat_user_tables` and its relatives: live rows by the catalog's counters.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let wanted = |r: &&Relation| match declared.name {
        "pg_stat_user_tables" => !r.is_system(),
        "pg_stat_sys_tables" => r.is_system(),
        _ => true,
    };
    let tables: Vec<&Relation> = model
        .relations
        .iter()
        .filter(|r| r.kind == "r")
        .filter(wanted)
        .collect();
    Rows::new(declared, &tables)
        .column("relid", |r| r.oid)
        .column("schemaname", |r| model.schema_name(r.namespace))
        .column("relname", |r| r.name.as_str())
        .column("seq_scan", |_| 0)
        .column("seq_tup_read", |_| 0)
        .column("n_live_tup", |r| r.rows.max(0))
        .column("n_dead_tup", |_| 0)
        .finish()
}
