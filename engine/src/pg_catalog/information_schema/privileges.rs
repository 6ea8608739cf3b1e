//! `table_privileges`, `column_privileges`, the grants of roles, and the roles themselves: what was given by or to a role that asks, or to
//! everybody. An owner's rights are shown as given to himself, as PostgreSQL keeps them.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::collections::BTreeSet;

use super::viewer::{OF_COLUMNS, Viewer};
use super::yes_or_no;
use crate::pg_catalog::acl::{self, ON_RELATION};
use crate::pg_catalog::declared::Declared;
use crate::pg_catalog::model::{DATABASE_OWNER, Relation, Role};
use crate::pg_catalog::rows::Rows;
use crate::policy::{Privilege, Via};

/// One right that somebody has.
struct Right<'m> {
    relation: &'m Relation,
    column: Option<&'m str>,
    grantor: u32,
    /// 0 is PUBLIC.
    grantee: u32,
    privilege: Privilege,
    grantable: bool,
}

impl Viewer<'_> {
    fn grantee(&self, right: &Right<'_>) -> String {
        match right.grantee {
            0 => "PUBLIC".to_owned(),
            role => self.model.role_name(role),
        }
    }

    /// Whoever has the owner's rights may pass on whatever the owner may.
    fn grantable(&self, right: &Right<'_>) -> bool {
        let owns = |role: &Role| {
            role.superuser
                || self
                    .model
                    .closure(role.oid, Via::Inherited)
                    .contains(&right.relation.owner)
        };
        right.grantable || self.model.role(right.grantee).is_some_and(owns)
    }

    /// Whether a right concerns who asks; of `role_*_grants`, what everybody has does not.
    fn concerns(&self, right: &Right<'_>, roles_only: bool) -> bool {
        let grantee = match right.grantee {
            0 => !roles_only,
            role => self.is(role),
        };
        let there = right.grantee == 0 || self.model.role(right.grantee).is_some();
        there && (grantee || self.is(right.grantor)) && self.model.role(right.grantor).is_some()
    }
}

fn relations<'m>(viewer: &Viewer<'m>) -> impl Iterator<Item = &'m Relation> {
    viewer
        .model
        .relations
        .iter()
        .filter(|r| matches!(r.kind, "r" | "v"))
}

fn rights<'m>(relation: &'m Relation, entries: &[acl::Entry], column: Option<&'m str>) -> Vec<Right<'m>> {
    let known = match column {
        None => ON_RELATION,
        Some(_) => &OF_COLUMNS,
    };
    let all = entries.iter().flat_map(|entry| {
        entry.rights.iter().map(|(privilege, grantable)| Right {
            relation,
            column,
            grantor: entry.grantor,
            grantee: entry.grantee,
            privilege: *privilege,
            grantable: *grantable,
        })
    });
    all.filter(|right| known.contains(&right.privilege)).collect()
}

pub(super) fn tables(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let roles_only = declared.name == "role_table_grants";
    let mut found: Vec<Right<'_>> = relations(viewer)
        .flat_map(|r| rights(r, &acl::of_object(r.owner, &r.grants, ON_RELATION), None))
        .collect();
    found.retain(|right| viewer.concerns(right, roles_only));
    Rows::new(declared, &found)
        .column("grantor", |r| viewer.model.role_name(r.grantor))
        .column("grantee", |r| viewer.grantee(r))
        .column("table_catalog", |_| viewer.model.database.as_str())
        .column("table_schema", |r| viewer.model.schema_name(r.relation.namespace))
        .column("table_name", |r| r.relation.name.as_str())
        .column("privilege_type", |r| r.privilege.name())
        .column("is_grantable", |r| yes_or_no(viewer.grantable(r)))
        .column("with_hierarchy", |r| yes_or_no(r.privilege == Privilege::Select))
        .finish()
}

/// What is given to the whole is given to each column; what is given both ways is shown once.
pub(super) fn columns(declared: &'static Declared, viewer: &Viewer<'_>) -> Result<RecordBatch, ArrowError> {
    let roles_only = declared.name == "role_column_grants";
    let mut found: Vec<Right<'_>> = Vec::new();
    for relation in relations(viewer) {
        let whole = acl::of_object(relation.owner, &relation.grants, ON_RELATION);
        for field in relation.schema.fields() {
            let column = Some(field.name().as_str());
            let mut shown = BTreeSet::new();
            let own = rights(relation, &acl::given(&relation.grants, column), column);
            for right in rights(relation, &whole, column).into_iter().chain(own) {
                let key = (
                    right.grantor,
                    right.grantee,
                    right.privilege.letter(),
                    right.grantable,
                );
                if viewer.concerns(&right, roles_only) && shown.insert(key) {
                    found.push(right);
                }
            }
        }
    }
    Rows::new(declared, &found)
        .column("grantor", |r| viewer.model.role_name(r.grantor))
        .column("grantee", |r| viewer.grantee(r))
        .column("table_catalog", |_| viewer.model.database.as_str())
        .column("table_schema", |r| viewer.model.schema_name(r.relation.namespace))
        .column("table_name", |r| r.relation.name.as_str())
        .column("column_name", |r| r.column)
        .column("privilege_type", |r| r.privilege.name())
        .column("is_grantable", |r| yes_or_no(viewer.grantable(r)))
        .finish()
}

/// The roles whose rights he has who asks.
pub(super) fn enabled_roles(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let roles: Vec<&Role> = viewer
        .model
        .roles
        .iter()
        .filter(|role| viewer.is(role.oid))
        .collect();
    Rows::new(declared, &roles)
        .column("role_name", |role| role.name.as_str())
        .finish()
}

/// The memberships of those roles; of `administrable_role_authorizations`, those that they may give on.
pub(super) fn applicable_roles(
    declared: &'static Declared,
    viewer: &Viewer<'_>,
) -> Result<RecordBatch, ArrowError> {
    let model = viewer.model;
    let given = model.roles.iter().flat_map(|member| {
        let memberships = member.memberships.iter();
        memberships.map(move |membership| (member.oid, membership.role, membership.admin))
    });
    // Whoever owns the database is a member of the role that stands for him.
    let all = given.chain([(model.owner, DATABASE_OWNER, false)]);
    let memberships: Vec<(&Role, &Role, bool)> = all
        .filter(|(member, _, admin)| viewer.is(*member) && (*admin || declared.name == "applicable_roles"))
        .filter_map(|(member, role, admin)| Some((model.role(member)?, model.role(role)?, admin)))
        .collect();
    Rows::new(declared, &memberships)
        .column("grantee", |(member, _, _)| member.name.as_str())
        .column("role_name", |(_, role, _)| role.name.as_str())
        .column("is_grantable", |(_, _, admin)| yes_or_no(*admin))
        .finish()
}
