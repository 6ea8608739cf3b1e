//! `pg_namespace`: schemas.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::declared::{Declared, PUBLIC};
use crate::pg_catalog::{model::Model, rows::Rows};

/// Everybody may use `public`; its owner may create in it.
const PUBLIC_ACL: [&str; 2] = ["pg_database_owner=UC/pg_database_owner", "=U/pg_database_owner"];

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &model.namespaces)
        .column("oid", |n| n.oid)
        .column("nspname", |n| n.name.as_str())
        .column("nspowner", |n| n.owner)
        .column("nspacl", |n| {
            let given = model.acl(n.owner, &n.grants, "UC");
            match n.oid {
                PUBLIC => {
                    let mut acl: Vec<String> = PUBLIC_ACL.iter().map(|acl| (*acl).to_owned()).collect();
                    acl.extend(given.into_iter().flatten().skip(1));
                    Some(acl)
                }
                _ => given,
            }
        })
        .finish()
}
