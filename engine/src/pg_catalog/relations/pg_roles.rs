//! `pg_roles` and its relatives. None of them shows a verifier.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use radlake_catalogs::Membership;

use crate::pg_catalog::model::{Model, Role};
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    match declared.name {
        "pg_user" | "pg_shadow" => users(declared, model),
        "pg_group" => {
            let groups: Vec<&Role> = model.roles.iter().filter(|r| !r.login).collect();
            Rows::new(declared, &groups)
                .column("groname", |r| r.name.as_str())
                .column("grosysid", |r| r.oid)
                .column("grolist", |group| {
                    let members = model.roles.iter().filter(|role| {
                        role.memberships
                            .iter()
                            .any(|membership| membership.role == group.oid)
                    });
                    members.map(|role| i64::from(role.oid)).collect::<Vec<_>>()
                })
                .finish()
        }
        _ => roles(declared, model),
    }
}

fn roles(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let rows = Rows::new(declared, &model.roles)
        .column("oid", |r| r.oid)
        .column("rolname", |r| r.name.as_str())
        .column("rolsuper", |r| r.superuser)
        .column("rolinherit", |r| !r.noinherit)
        .column("rolcreaterole", |r| r.superuser || r.createrole)
        .column("rolcreatedb", |r| r.superuser)
        .column("rolcanlogin", |r| r.login)
        .column("rolreplication", |r| r.superuser)
        .column("rolbypassrls", |r| r.superuser || r.bypassrls)
        .column("rolconnlimit", |r| r.connection_limit.map_or(-1, i64::from))
        .column("rolvaliduntil", |r| {
            let until = r.valid_until.as_deref()?;
            let until = chrono::DateTime::parse_from_rfc3339(until).ok()?;
            Some(until.timestamp_micros())
        });
    if declared.name == "pg_roles" {
        rows.column("rolpassword", |_| "********").finish()
    } else {
        rows.finish()
    }
}

fn users(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let users: Vec<&Role> = model.roles.iter().filter(|r| r.login).collect();
    let rows = Rows::new(declared, &users)
        .column("usename", |r| r.name.as_str())
        .column("usesysid", |r| r.oid)
        .column("usecreatedb", |r| r.superuser)
        .column("usesuper", |r| r.superuser)
        .column("userepl", |r| r.superuser)
        .column("usebypassrls", |r| r.superuser);
    if declared.name == "pg_user" {
        rows.column("passwd", |_| "********").finish()
    } else {
        rows.finish()
    }
}

/// `pg_auth_members`: who is a member of what.
pub(super) fn memberships(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let memberships: Vec<(u32, &Membership)> = model
        .roles
        .iter()
        .flat_map(|role| role.memberships.iter().map(|membership| (role.oid, membership)))
        .collect();
    Rows::new(declared, &memberships)
        .column("roleid", |(_, membership)| membership.role)
        .column("member", |(member, _)| *member)
        .column("grantor", |(_, membership)| membership.grantor)
        .column("admin_option", |(_, membership)| membership.admin)
        .finish()
}
