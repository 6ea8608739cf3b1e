//! Which PostgreSQL type a column of a result has: the engine's catalog says so, for `pg_type` and wire alike.

use arrow::datatypes::{DataType, Field};
pub(crate) use radlake::pg_catalog::{PgKind, PgType};

/// jsonb
pub(crate) const JSONB: u32 = 3802;
/// vector
pub(crate) const VECTOR: u32 = radlake::pg_catalog::types::VECTOR_TYPE;
/// uuid
pub(crate) const UUID: u32 = 2950;
/// oidvector
pub(crate) const OIDVECTOR: u32 = 30;
/// int2vector
pub(crate) const INT2VECTOR: u32 = 22;
/// unknown: a literal whose type the statement decides
pub(crate) const UNKNOWN: u32 = 705;

/// A column's type as row descriptions have it: for a domain its base type.
pub(crate) fn pg_type_of(field: &Field) -> PgType {
    let mut pg = radlake::pg_catalog::pg_type_of(field);
    pg.oid = base(pg.oid);
    pg
}

/// PostgreSQL tells clients a domain's base type; those of information_schema are the only ones here.
fn base(oid: u32) -> u32 {
    match oid {
        13_221 => 23,
        13_224 => 1043,
        13_226 => 19,
        13_232 => 1184,
        13_234 => 1043,
        other => other,
    }
}

/// The name under which a client sees a column.
pub(crate) fn column_name(field: &Field) -> &str {
    field.name()
}

/// The Arrow type of a parameter whose type the client states; `None` where it leaves it to the statement.
pub(crate) fn arrow_type_of(oid: u32) -> Option<DataType> {
    match oid {
        0 | UNKNOWN => None,
        oid => radlake::pg_catalog::arrow_type_of(oid),
    }
}

/// The type of an array type's items.
pub(crate) fn item_of(array: u32, item: &Field) -> u32 {
    match array {
        2951 => UUID,
        _ => pg_type_of(item).oid,
    }
}
