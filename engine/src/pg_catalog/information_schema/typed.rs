//! The columns by which `information_schema` describes a type, shared by columns, attributes, parameters and results.

use crate::pg_catalog::base_types;
use crate::pg_catalog::model::Model;
use crate::pg_catalog::types::{self, PgKind, PgType};

/// `data_type`: the type's SQL name, ARRAY for arrays, USER-DEFINED for what is not in `pg_catalog`.
pub(super) fn data_type(pg_type: &PgType) -> String {
    match pg_type.kind {
        PgKind::Array(_) => "ARRAY".to_owned(),
        PgKind::Composite(_) => "USER-DEFINED".to_owned(),
        PgKind::Scalar => {
            let base = base_types::get(pg_type.oid)
                .filter(|t| t.basetype != 0)
                .map_or(pg_type.oid, |t| t.basetype);
            types::format_builtin(base, -1).unwrap_or_else(|| "USER-DEFINED".to_owned())
        }
    }
}

/// `udt_schema` and `udt_name`: the type's schema and name in `pg_type`.
pub(super) fn udt(model: &Model, pg_type: &PgType) -> (String, String) {
    let element = match &pg_type.kind {
        PgKind::Array(element) => element.as_ref(),
        _ => pg_type,
    };
    if let Some((own, _)) = model.own_type(element.oid) {
        let array = if matches!(pg_type.kind, PgKind::Array(_)) {
            "_"
        } else {
            ""
        };
        let schema = model.schema_name(own.namespace).to_owned();
        return (schema, format!("{array}{}", own.object.name));
    }
    let schema = match (
        &element.kind,
        model.composite(element.oid),
        base_types::get(element.oid),
    ) {
        (PgKind::Composite(_), Some(composite), _) => model.schema_name(composite.namespace).to_owned(),
        (_, _, Some(base)) => model.schema_name(base.namespace).to_owned(),
        _ => "pg_catalog".to_owned(),
    };
    (schema, pg_type.name())
}

/// `character_maximum_length`: what stands behind `varchar` in brackets.
pub(super) fn characters(pg_type: &PgType) -> Option<i32> {
    (pg_type.oid == 1043 && pg_type.typmod > 4).then(|| pg_type.typmod - 4)
}

/// `character_octet_length`: PostgreSQL's limit for every text.
pub(super) fn octets(pg_type: &PgType) -> Option<i32> {
    matches!(pg_type.oid, 25 | 1042 | 1043).then_some(1 << 30)
}

/// `numeric_precision`: bits of integers and floats, digits of a numeric with a modifier.
pub(super) fn precision(pg_type: &PgType) -> Option<i32> {
    match pg_type.oid {
        21 => Some(16),
        23 => Some(32),
        20 => Some(64),
        700 => Some(24),
        701 => Some(53),
        1700 if pg_type.typmod >= 4 => Some(((pg_type.typmod - 4) >> 16) & 0xffff),
        _ => None,
    }
}

/// `numeric_precision_radix`: 2 for bits, 10 for digits.
pub(super) fn radix(pg_type: &PgType) -> Option<i32> {
    match pg_type.oid {
        20 | 21 | 23 | 700 | 701 => Some(2),
        1700 => Some(10),
        _ => None,
    }
}

/// `numeric_scale`.
pub(super) fn scale(pg_type: &PgType) -> Option<i32> {
    match pg_type.oid {
        20 | 21 | 23 => Some(0),
        1700 if pg_type.typmod >= 4 => Some((((pg_type.typmod - 4) & 0x7ff) ^ 1024) - 1024),
        _ => None,
    }
}

/// `datetime_precision`: digits of a second.
pub(super) fn datetime(pg_type: &PgType) -> Option<i32> {
    match pg_type.oid {
        1082 => Some(0),
        1083 | 1114 | 1184 | 1186 | 1266 => Some(6),
        _ => None,
    }
}
