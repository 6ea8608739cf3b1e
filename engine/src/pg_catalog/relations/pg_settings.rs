//! `pg_settings`: the session's settings.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::session::Setting;
use crate::pg_catalog::{declared::Declared, rows::Rows};

pub(crate) fn rows(declared: &'static Declared, settings: &[Setting]) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, settings)
        .column("name", |s| s.name.as_str())
        .column("setting", |s| s.value.as_str())
        .column("unit", |s| s.unit)
        .column("category", |s| s.category)
        .column("short_desc", |s| s.description)
        .column("context", |s| s.context)
        .column("vartype", |s| s.vartype)
        .column("source", |s| {
            if s.value == s.default {
                "default"
            } else {
                "session"
            }
        })
        .column("boot_val", |s| s.default.as_str())
        .column("reset_val", |s| s.default.as_str())
        .column("pending_restart", |_| false)
        .finish()
}
