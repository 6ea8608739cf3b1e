//! `pg_proc`: PostgreSQL's functions and, in `public`, ours.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use std::borrow::Cow;

use crate::pg_catalog::declared::{Declared, PUBLIC};
use crate::pg_catalog::{acl, model::Model, rows::Rows, statics};
use crate::policy::{FUNCTIONS_OWNER, Privilege};

/// `pg_language.oid` of `internal`.
const INTERNAL: u32 = 12;

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let own = Rows::new(declared, &model.functions)
        .column("oid", |f| f.oid)
        .column("proname", |f| f.name.as_str())
        .column("pronamespace", |_| PUBLIC)
        .column("proowner", |_| model.owner)
        .column("prolang", |_| INTERNAL)
        .column("procost", |_| 1.0)
        .column("prokind", |_| "f")
        .column("provolatile", |f| f.volatility)
        .column("proparallel", |_| "s")
        .column("pronargs", |f| {
            i64::try_from(f.arguments.len()).unwrap_or(i64::MAX)
        })
        .column("prorettype", |f| f.result.oid)
        .column("proargtypes", |f| {
            f.arguments.iter().map(|a| i64::from(a.oid)).collect::<Vec<_>>()
        })
        .column("proargnames", |f| {
            (!f.argument_names.is_empty()).then(|| {
                f.argument_names
                    .iter()
                    .map(|n| Cow::Borrowed(n.as_str()))
                    .collect::<Vec<_>>()
            })
        })
        .column("proacl", |f| {
            let mut grants = f.grants.clone()?;
            for grant in grants.iter_mut().filter(|grant| grant.grantor == FUNCTIONS_OWNER) {
                grant.grantor = model.owner;
            }
            // PUBLIC stands before the owner, unless it has nothing.
            let mut entries = acl::of_object(model.owner, &grants, &[Privilege::Execute]);
            entries.sort_by_key(|entry| entry.grantee != 0);
            Some(model.items(&entries))
        })
        .column("prosrc", |f| f.name.as_str())
        .finish()?;
    match statics::rows(declared, model.owner) {
        Some(postgresqls) => concat_batches(&declared.schema, &[postgresqls?, own]),
        None => Ok(own),
    }
}
