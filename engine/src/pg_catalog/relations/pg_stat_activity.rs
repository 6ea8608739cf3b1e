//! `pg_stat_activity`: the sessions that the session's view knows of.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{DATABASE, Model};
use crate::pg_catalog::session::Activity;
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(crate) fn rows(
    declared: &'static Declared,
    model: &Model,
    sessions: &[Activity],
) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, sessions)
        .column("datid", |_| DATABASE)
        .column("datname", |_| model.database.as_str())
        .column("pid", |a| a.pid)
        .column("usesysid", |a| model.role_named(&a.role).map(|r| r.oid))
        .column("usename", |a| a.role.as_str())
        .column("application_name", |a| a.application_name.as_str())
        .column("client_addr", |a| a.client_addr.map(|c| c.ip().to_string()))
        .column("client_port", |a| a.client_addr.map(|c| i32::from(c.port())))
        .column("backend_start", |a| a.started.map(|t| t.timestamp_micros()))
        .column("query_start", |a| a.query_started.map(|t| t.timestamp_micros()))
        .column("state", |a| {
            if a.query_started.is_some() {
                "active"
            } else {
                "idle"
            }
        })
        .column("query", |a| a.query.as_str())
        .column("backend_type", |_| "client backend")
        .finish()
}

/// `pg_stat_gssapi`: no session has come by Kerberos.
pub(crate) fn gssapi(declared: &'static Declared, activity: &[Activity]) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, activity)
        .column("pid", |a| a.pid)
        .column("gss_authenticated", |_| false)
        .column("encrypted", |_| false)
        .finish()
}
