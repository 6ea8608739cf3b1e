//! `pg_default_acl`: rights that what a role makes is born with.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use radlake_catalogs::Grant;

use crate::pg_catalog::acl::{self, ON_RELATION, ON_SCHEMA};
use crate::pg_catalog::model::{Model, Role};
use crate::pg_catalog::{declared::Declared, rows::Rows};

/// The rights of one role's objects of a kind, in one schema or (0) in any.
struct Entry<'m> {
    role: &'m Role,
    schema: u32,
    on: &'m str,
    grants: Vec<Grant>,
}

/// OIDs of entries, which have none of their own: of what they are about, above all others.
fn oid(entry: &Entry<'_>) -> i64 {
    // FNV-1a.
    let hash = format!("{} {} {}", entry.role.oid, entry.schema, entry.on)
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    i64::from(hash | 0x8000_0000)
}

fn all(model: &Model) -> Vec<Entry<'_>> {
    let mut entries: BTreeMap<(u32, u32, &str), Entry<'_>> = BTreeMap::new();
    for role in &model.roles {
        // A schema may have been dropped by somebody else meanwhile.
        let there = |schema: u32| schema == 0 || model.namespace(schema).is_some();
        for right in role.default_rights.iter().filter(|right| there(right.schema)) {
            let entry = entries.entry((role.oid, right.schema, &right.on));
            let entry = entry.or_insert_with(|| Entry {
                role,
                schema: right.schema,
                on: &right.on,
                grants: Vec::new(),
            });
            entry.grants.push(Grant {
                grantee: right.grantee,
                grantor: role.oid,
                privilege: right.privilege.clone(),
                column: None,
                grantable: right.grantable,
            });
        }
    }
    entries.into_values().collect()
}

pub(super) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    let entries = all(model);
    Rows::new(declared, &entries)
        .column("oid", oid)
        .column("defaclrole", |entry| entry.role.oid)
        .column("defaclnamespace", |entry| entry.schema)
        .column("defaclobjtype", |entry| match entry.on {
            "SCHEMAS" => "n",
            _ => "r",
        })
        .column("defaclacl", |entry| {
            let owners = match entry.on {
                "SCHEMAS" => ON_SCHEMA,
                _ => ON_RELATION,
            };
            let mut entries = match entry.schema {
                // Those of one schema come on top of what the owner has anyway.
                0 => acl::of_object(entry.role.oid, &entry.grants, owners),
                _ => acl::given(&entry.grants, None),
            };
            entries.sort_by_key(|entry| (entry.grantee, entry.grantor));
            model.items(&entries)
        })
        .finish()
}
