//! Who acts, with the roles whose rights it has.

use std::collections::BTreeSet;
use std::sync::Arc;

use radlake_catalogs::{Epoch, Membership, Object, RoleObject};

use super::LABEL;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The role that acts.
    pub(crate) role: String,
    /// Its OID.
    pub(crate) oid: u32,
    /// True if no policy binds it.
    pub(crate) superuser: bool,
    /// It sees masked columns by their masks: itself, or a role whose rights it has, is labelled so.
    pub(crate) masked: bool,
    /// BYPASSRLS, which is nobody's by membership.
    pub(crate) bypassrls: bool,
    /// OIDs of the roles whose rights it has: its own, and those that it inherits from.
    roles: Arc<BTreeSet<u32>>,
}

impl Subject {
    /// A role as an epoch has it.
    pub(crate) fn new(epoch: &Epoch, role: &RoleObject) -> Self {
        let roles = closure(epoch, role, Via::Inherited);
        let masked = roles.iter().any(|oid| {
            matches!(epoch.object(*oid).map(Arc::as_ref), Some(Object::Role(role)) if role.properties.contains_key(LABEL))
        });
        Self {
            role: role.name.clone(),
            oid: role.oid,
            superuser: role.superuser,
            bypassrls: role.bypassrls,
            masked: !role.superuser && masked,
            roles: Arc::new(roles),
        }
    }

    /// The role that owns an object; what nobody owns is the lake's own, and a role that is gone has no rights.
    pub(crate) fn owner(epoch: &Epoch, oid: u32) -> Self {
        match epoch.roles().find(|role| role.oid == oid) {
            Some(role) => Self::new(epoch, role),
            None if oid == 0 => Self::lake(),
            None => Self::with_roles("", oid, false, BTreeSet::new()),
        }
    }

    /// The lake itself, which checks keys and keeps series up to date: nothing binds it, and it shows nobody what it reads.
    pub(crate) fn lake() -> Self {
        Self {
            role: String::new(),
            oid: 0,
            superuser: true,
            masked: false,
            bypassrls: true,
            roles: Arc::default(),
        }
    }

    /// A subject with the rights of these roles.
    pub(crate) fn with_roles(role: &str, oid: u32, superuser: bool, roles: BTreeSet<u32>) -> Self {
        Self {
            role: role.to_owned(),
            oid,
            superuser,
            masked: false,
            bypassrls: false,
            roles: Arc::new(roles),
        }
    }

    /// True if it has the rights of a role, 0 being PUBLIC.
    pub(crate) fn has_role(&self, oid: u32) -> bool {
        self.superuser || oid == 0 || self.roles.contains(&oid)
    }

    /// True if it may do what an object's owner may.
    pub(crate) fn owns(&self, owner: u32) -> bool {
        self.superuser || (owner != 0 && self.roles.contains(&owner))
    }
}

/// Which memberships count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// Those whose rights a role has without asking for them.
    Inherited,
    /// All: what it may become by SET ROLE.
    Any,
}

/// OIDs of a role and of all that it is a member of, directly or not.
pub(crate) fn closure(epoch: &Epoch, role: &RoleObject, via: Via) -> BTreeSet<u32> {
    closure_by(role.oid, via, |oid| {
        let role = epoch.roles().find(|role| role.oid == oid)?;
        Some((role.noinherit, role.memberships.as_slice()))
    })
}

/// The same where `find` gives, by OID, whether a role does not inherit, and its memberships.
pub(crate) fn closure_by<'r>(
    role: u32,
    via: Via,
    find: impl Fn(u32) -> Option<(bool, &'r [Membership])>,
) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([role]);
    let mut open = vec![role];
    while let Some(oid) = open.pop() {
        let Some((noinherit, memberships)) = find(oid) else {
            continue;
        };
        if via == Via::Inherited && noinherit {
            continue;
        }
        for membership in memberships.iter().filter(|membership| !membership.admin_only) {
            if found.insert(membership.role) {
                open.push(membership.role);
            }
        }
    }
    found
}
