//! `pg_attribute`: columns of every relation.

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use radlake_catalogs::Grant;

use crate::pg_catalog::declared::{Declared, NOT_NULL_KEY, PG_CATALOG};
use crate::pg_catalog::types::{PgKind, PgType, pg_type_of};
use crate::pg_catalog::{base_types, model::Model, rows::Rows};
use crate::write::own_types::OfDomain;
use crate::write::target::{GENERATED, IDENTITY};

/// `pg_collation.oid` of "C", which the system catalogs' own texts have.
const C_COLLATION: u32 = 950;

struct Attribute<'m> {
    relation: u32,
    grants: &'m [Grant],
    number: i64,
    field: &'m Field,
    pg_type: PgType,
    storage: base_types::Storage,
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let attributes: Vec<Attribute<'_>> = model
        .relations
        .iter()
        .flat_map(|r| {
            r.schema.fields().iter().zip(1_i64..).map(|(field, number)| {
                let pg_type = pg_type_of(field);
                let mut storage = base_types::storage(&pg_type);
                if r.namespace == PG_CATALOG && storage.collation != 0 {
                    storage.collation = C_COLLATION;
                }
                Attribute {
                    relation: r.oid,
                    grants: &r.grants,
                    number,
                    field,
                    pg_type,
                    storage,
                }
            })
        })
        .collect();
    Rows::new(declared, &attributes)
        .column("attrelid", |a| a.relation)
        .column("attname", |a| a.field.name().as_str())
        .column("atttypid", |a| {
            OfDomain::of(a.field).map_or(a.pg_type.oid, |domain| domain.oid)
        })
        .column("attstattarget", |_| -1)
        .column("attlen", |a| a.pg_type.len)
        .column("attnum", |a| a.number)
        .column("attndims", |a| {
            i32::from(matches!(a.pg_type.kind, PgKind::Array(_)))
        })
        .column("attcacheoff", |_| -1)
        .column("atttypmod", |a| a.pg_type.typmod)
        .column("attbyval", |a| a.storage.by_value)
        .column("attalign", |a| a.storage.align)
        .column("attstorage", |a| a.storage.storage)
        .column("attnotnull", |a| {
            !a.field.is_nullable() || a.field.metadata().contains_key(NOT_NULL_KEY)
        })
        .column("atthasdef", |a| {
            super::pg_attrdef::expression(a.field, model).is_some()
        })
        .column("attidentity", |a| {
            match a.field.metadata().get(IDENTITY).map(String::as_str) {
                Some("always") => "a",
                Some(_) => "d",
                None => "",
            }
        })
        .column("attgenerated", |a| {
            if a.field.metadata().contains_key(GENERATED) {
                "s"
            } else {
                ""
            }
        })
        .column("attislocal", |_| true)
        .column("attcollation", |a| a.storage.collation)
        .column("attacl", |a| model.column_acl(a.grants, a.field.name()))
        .finish()
}
