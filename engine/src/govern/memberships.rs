//! GRANT and REVOKE of memberships in roles.

use radlake_catalogs::{Epoch, Membership, RoleObject};
use radlake_sql::{ast, extend};

use super::grants::grantee_name;
use super::{denied, roles, single};
use crate::policy::Subject;
use crate::write::Writer;
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn grant_roles(&mut self, grant: &ast::Grant) -> Result<()> {
        for group in named_roles(&grant.privileges)? {
            for grantee in &grant.grantees {
                let epoch = self.epoch()?;
                let subject = self.subject()?;
                let group = self.role(&epoch, group)?;
                may_give_membership(self.authority()?.roles(), &subject, group)?;
                let membership = roles::membership(&subject, group, grant.with_grant_option);
                let member = self.role(&epoch, grantee_name(grantee)?)?;
                if roles::circular(&epoch, group, member) {
                    return Err(Error::InvalidGrant(format!(
                        "role \"{}\" is a member of role \"{}\"",
                        group.name, member.name
                    )));
                }
                let mut member = member.clone();
                match member.memberships.iter_mut().find(|m| m.role == group.oid) {
                    Some(known) => {
                        known.admin |= membership.admin;
                        known.admin_only = false;
                    }
                    None => member.memberships.push(membership),
                }
                self.work.put_object(member)?;
            }
        }
        Ok(())
    }

    pub(super) fn revoke_roles(&mut self, revoke: &ast::Revoke) -> Result<()> {
        let (option_only, grantees) = extend::option_only(revoke);
        for group in named_roles(&revoke.privileges)? {
            for grantee in grantees {
                let epoch = self.epoch()?;
                let subject = self.subject()?;
                let group = self.role(&epoch, group)?;
                may_give_membership(self.authority()?.roles(), &subject, group)?;
                let mut member = self.role(&epoch, grantee_name(grantee)?)?.clone();
                // Whoever has nothing but the option has nothing without it.
                member.memberships.retain(|membership| {
                    membership.role != group.oid || (option_only && !membership.admin_only)
                });
                let same = |membership: &&mut Membership| membership.role == group.oid;
                if let Some(membership) = member.memberships.iter_mut().find(same) {
                    membership.admin = false;
                }
                self.work.put_object(member)?;
            }
        }
        Ok(())
    }
}

fn named_roles(privileges: &ast::Privileges) -> Result<Vec<&ast::Ident>> {
    let ast::Privileges::Actions(actions) = privileges else {
        return Err(Error::syntax("GRANT without ON wants roles"));
    };
    actions
        .iter()
        .map(|action| match action {
            ast::Action::Role { role } => single(role),
            other => Err(Error::syntax(format!("{other} wants ON and an object"))),
        })
        .collect()
}

/// Refuses who may not make others members of a role, nor end that they are: as in PostgreSQL 16 all but members WITH ADMIN OPTION,
/// and nobody but a superuser decides who may become one.
pub(super) fn may_give_membership(epoch: &Epoch, subject: &Subject, group: &RoleObject) -> Result<()> {
    if subject.superuser {
        return Ok(());
    }
    if roles::powerful(epoch, group) {
        return Err(denied(format!(
            "must be superuser to grant membership in role \"{}\"",
            group.name
        )));
    }
    match roles::administers(epoch, subject, group) {
        true => Ok(()),
        false => Err(denied(format!(
            "must have admin option on role \"{}\"",
            group.name
        ))),
    }
}
