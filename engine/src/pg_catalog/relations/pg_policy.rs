//! `pg_policy`, and `pg_policies`, which names what that one numbers.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::Policy;

use crate::pg_catalog::model::{Model, Relation};
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// OIDs of policies, which have none of their own: of their table and name, above all others.
fn oid(table: u32, name: &str) -> i64 {
    // FNV-1a.
    let hash = format!("{table} {name}")
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    i64::from(hash | 0x8000_0000)
}

fn all(model: &Model) -> Vec<(&Relation, &Policy)> {
    let relations = model.relations.iter();
    relations
        .flat_map(|relation| {
            relation
                .row_security
                .policies
                .iter()
                .map(move |policy| (relation, policy))
        })
        .collect()
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let policies = all(model);
    Rows::new(declared, &policies)
        .column("oid", |(relation, policy)| oid(relation.oid, &policy.name))
        .column("polname", |(_, policy)| policy.name.as_str())
        .column("polrelid", |(relation, _)| relation.oid)
        .column("polcmd", |(_, policy)| match policy.command.as_str() {
            "SELECT" => "r",
            "INSERT" => "a",
            "UPDATE" => "w",
            "DELETE" => "d",
            _ => "*",
        })
        .column("polpermissive", |(_, policy)| policy.permissive)
        .column("polroles", |(_, policy)| {
            policy
                .roles
                .iter()
                .map(|role| i64::from(*role))
                .collect::<Vec<_>>()
        })
        .column("polqual", |(_, policy)| policy.using.as_deref())
        .column("polwithcheck", |(_, policy)| policy.check.as_deref())
        .finish()
}

pub(super) fn by_name(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let policies = all(model);
    Rows::new(declared, &policies)
        .column("schemaname", |(relation, _)| {
            model.schema_name(relation.namespace)
        })
        .column("tablename", |(relation, _)| relation.name.as_str())
        .column("policyname", |(_, policy)| policy.name.as_str())
        .column("permissive", |(_, policy)| match policy.permissive {
            true => "PERMISSIVE",
            false => "RESTRICTIVE",
        })
        .column("roles", |(_, policy)| {
            let name = |role: &u32| match role {
                0 => "public".to_owned(),
                role => model.role_name(*role).to_owned(),
            };
            policy.roles.iter().map(name).collect::<Vec<_>>()
        })
        .column("cmd", |(_, policy)| policy.command.as_str())
        .column("qual", |(_, policy)| {
            policy.using.as_ref().map(|text| format!("({text})"))
        })
        .column("with_check", |(_, policy)| {
            policy.check.as_ref().map(|text| format!("({text})"))
        })
        .finish()
}
