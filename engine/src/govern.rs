//! Statements that change who may do what: roles, memberships, rights. They are part of a transaction as everything is that
//! changes the catalog, so each epoch has its own roles and rights.

mod authorise;
mod columns_read;
mod defaults;
mod functions;
mod grants;
mod labels;
mod memberships;
mod owned;
mod policies;
mod roles;
#[cfg(test)]
mod tests;

pub(crate) use grants::change_owner;

use radlake_catalogs::{Epoch, RoleObject};
use radlake_sql::ast;

use crate::write::target::folded;
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    /// Carries out a statement of [`radlake_sql::Kind::Govern`]; `None` if it is none that is known here.
    pub(crate) fn govern(&mut self, statement: &ast::Statement) -> Option<Result<Outcome>> {
        Some(match statement {
            ast::Statement::CreateRole(create) => self.create_roles(create),
            ast::Statement::AlterRole { name, operation } => self.alter_role(name, operation),
            ast::Statement::Drop {
                object_type: ast::ObjectType::Role | ast::ObjectType::User,
                if_exists,
                names,
                ..
            } => self.drop_roles(names, *if_exists),
            ast::Statement::Grant(grant) => self.grant(grant),
            ast::Statement::Revoke(revoke) => self.revoke(revoke),
            _ => return None,
        })
    }

    /// The OID of the role that acts, to be kept with what it makes or gives.
    ///
    /// # Errors
    /// [`Error::Serialization`] if the transaction began before the role was made: its numbers may be others there.
    pub(crate) fn acting_oid(&self) -> Result<u32> {
        let subject = self.subject()?;
        let began = self.work.epoch();
        let own = self.epoch()?;
        let own = own.role(&subject.role).filter(|role| role.oid == subject.oid);
        let known = own.is_some() || began.roles().any(|role| role.oid == subject.oid);
        match known {
            true => Ok(subject.oid),
            false => Err(Error::Serialization(format!(
                "could not serialize access: role \"{}\" was made after the transaction began",
                subject.role
            ))),
        }
    }

    /// The role that a name means; `CURRENT_USER` and its kin are names too.
    fn role<'e>(&self, epoch: &'e Epoch, name: &ast::Ident) -> Result<&'e RoleObject> {
        let wanted = match (name.quote_style, name.value.to_lowercase().as_str()) {
            (None, "current_user" | "current_role") => {
                let oid = self.acting_oid()?;
                let acting = epoch.roles().find(|role| role.oid == oid);
                acting.map_or_else(|| self.session.current_role(), |role| role.name.clone())
            }
            (None, "session_user") => self.session.session_role(),
            _ => folded(name),
        };
        match epoch.role(&wanted) {
            Some(role) => Ok(role),
            None => Err(Error::UndefinedObject {
                kind: "role",
                name: wanted,
            }),
        }
    }
}

/// A name of one part.
fn single(name: &ast::ObjectName) -> Result<&ast::Ident> {
    match name.0.as_slice() {
        [part] => part.as_ident(),
        _ => None,
    }
    .ok_or_else(|| Error::syntax(format!("\"{name}\" is no name of a role")))
}

fn denied(message: impl Into<String>) -> Error {
    Error::InsufficientPrivilege(message.into())
}
