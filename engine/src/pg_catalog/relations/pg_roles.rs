//! `pg_roles` and its relatives. None of them shows a verifier.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

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
                .column("grolist", |_| Vec::<i64>::new())
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
        .column("rolinherit", |_| true)
        .column("rolcreaterole", |r| r.superuser)
        .column("rolcreatedb", |r| r.superuser)
        .column("rolcanlogin", |r| r.login)
        .column("rolreplication", |r| r.superuser)
        .column("rolbypassrls", |r| r.superuser)
        .column("rolconnlimit", |_| -1);
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
