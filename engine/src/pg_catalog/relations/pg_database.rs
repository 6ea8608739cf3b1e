//! `pg_database`: the lake is the one database.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;

use crate::pg_catalog::model::{DATABASE, Model};
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// `pg_tablespace.oid` of `pg_default`.
const PG_DEFAULT: u32 = 1663;
/// `pg_encoding_to_char(6)` is UTF8.
const UTF8: i32 = 6;

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    Rows::new(declared, &[()])
        .column("oid", |()| DATABASE)
        .column("datname", |()| model.database.as_str())
        .column("datdba", |()| model.owner)
        .column("encoding", |()| UTF8)
        .column("datlocprovider", |()| "c")
        .column("datallowconn", |()| true)
        .column("datconnlimit", |()| -1)
        .column("dattablespace", |()| PG_DEFAULT)
        // Text compares by bytes, which is what this locale does in PostgreSQL.
        .column("datcollate", |()| "C.UTF-8")
        .column("datctype", |()| "C.UTF-8")
        .finish()
}
