//! `pg_class`: tables, views, composite types' relations, and the system relations themselves.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::collections::{HashMap, HashSet};

use crate::pg_catalog::acl::{ON_RELATION, ON_SEQUENCE};
use crate::pg_catalog::{declared::Declared, model::Model, rows::Rows};

/// `pg_am.oid` of `heap`, which PostgreSQL names for every table.
const HEAP: u32 = 2;
/// The same of `btree`, for every index.
const BTREE: u32 = 403;

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    // By table, so that a lake of thousands is looked at once.
    let indexed: HashSet<u32> = model.indexes.iter().map(|index| index.table).collect();
    let mut checks: HashMap<u32, i64> = HashMap::new();
    let mut referring: HashSet<u32> = HashSet::new();
    for constraint in &model.constraints {
        match constraint.kind {
            "c" => *checks.entry(constraint.table).or_default() += 1,
            "f" => referring.extend([constraint.table, constraint.referenced]),
            _ => {}
        }
    }
    Rows::new(declared, &model.relations)
        .column("oid", |r| r.oid)
        .column("relname", |r| r.name.as_str())
        .column("relnamespace", |r| r.namespace)
        .column("reltype", |r| r.row_type)
        .column("relowner", |r| r.owner)
        .column("relam", |r| match r.kind {
            "r" | "m" => HEAP,
            "i" => BTREE,
            _ => 0,
        })
        // Page counts stay 0: clients that split a table by ctid range (DuckDB) must not try.
        .column("reltuples", |r| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an estimate, stored as float4 by PostgreSQL"
            )]
            let rows = r.rows as f64;
            rows
        })
        .column("relpersistence", |r| match model.is_temporary(r) {
            true => "t",
            false => "p",
        })
        .column("relkind", |r| r.kind)
        .column("relacl", |r| {
            let rights = if r.kind == "S" { ON_SEQUENCE } else { ON_RELATION };
            model.acl(r.owner, &r.grants, rights)
        })
        .column("relnatts", |r| {
            i64::try_from(r.schema.fields().len()).unwrap_or(i64::MAX)
        })
        .column("relhasindex", |r| {
            matches!(r.kind, "r" | "m") && indexed.contains(&r.oid)
        })
        .column("relchecks", |r| checks.get(&r.oid).copied().unwrap_or_default())
        // Clients ask for foreign keys where there are triggers, by which PostgreSQL keeps them.
        .column("relhastriggers", |r| r.kind == "r" && referring.contains(&r.oid))
        .column("relhasrules", |r| r.kind == "v")
        .column("relrowsecurity", |r| r.row_security.enabled)
        .column("relforcerowsecurity", |r| r.row_security.forced)
        .column("relispopulated", |_| true)
        .column("relreplident", |r| {
            if r.kind == "r" && !r.is_system() { "d" } else { "n" }
        })
        .finish()
}
