//! `pg_proc`: PostgreSQL's functions and, in `public`, ours.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use radlake_catalogs::Grant;
use std::borrow::Cow;

use crate::pg_catalog::declared::{Declared, PUBLIC};
use crate::pg_catalog::function::Function;
use crate::pg_catalog::{acl, model::Model, rows::Rows, statics};
use crate::policy::{FUNCTIONS_OWNER, Privilege, everybodys};

/// `pg_language.oid` of `internal`.
const INTERNAL: u32 = 12;

/// `pg_language.oid` of `sql`.
const SQL: u32 = 14;

fn owner(function: &Function, model: &Model) -> u32 {
    match &function.made {
        Some(made) if made.object.owner != 0 => made.object.owner,
        _ => model.owner,
    }
}

/// The rights that a function is born with.
fn everybodys_of(owner: u32) -> Vec<Grant> {
    let mut grants = everybodys();
    for grant in &mut grants {
        grant.grantor = owner;
    }
    grants
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let own = Rows::new(declared, &model.functions)
        .column("oid", |f| f.oid)
        .column("proname", |f| f.name.as_str())
        .column("pronamespace", |f| {
            f.made.as_ref().map_or(PUBLIC, |made| made.namespace)
        })
        .column("proowner", |f| owner(f, model))
        .column("prolang", |f| if f.made.is_some() { SQL } else { INTERNAL })
        .column("procost", |_| 1.0)
        .column("prokind", |_| "f")
        .column("proretset", Function::gives_rows)
        .column("proisstrict", |f| {
            f.made.as_ref().is_some_and(|made| made.object.strict)
        })
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
            // Everybody's and the owner's go without saying.
            let mut grants = f.grants.clone().filter(|grants| match &f.made {
                Some(made) => made.object.grants != everybodys_of(made.object.owner) && !grants.is_empty(),
                None => true,
            })?;
            for grant in grants.iter_mut().filter(|grant| grant.grantor == FUNCTIONS_OWNER) {
                grant.grantor = model.owner;
            }
            // PUBLIC stands before the owner, unless it has nothing.
            let mut entries = acl::of_object(owner(f, model), &grants, &[Privilege::Execute]);
            entries.sort_by_key(|entry| entry.grantee != 0);
            Some(model.items(&entries))
        })
        .column("prosrc", |f| {
            f.made
                .as_ref()
                .map_or(f.name.as_str(), |made| made.object.body.as_str())
        })
        .finish()?;
    match statics::rows(declared, model.owner) {
        Some(postgresqls) => concat_batches(&declared.schema, &[postgresqls?, own]),
        None => Ok(own),
    }
}
