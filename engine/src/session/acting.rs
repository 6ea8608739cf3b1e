//! As whom a session acts: the role that opened it, or one that SET ROLE or SET SESSION AUTHORIZATION named.

use std::sync::Arc;

use radlake_catalogs::{Epoch, Object, RoleObject};

use super::Inner;
use super::facts::{Named, SESSION_AUTHORIZATION};
use crate::policy::{Subject, Via, closure};
use crate::{Error, Result};

impl Inner {
    /// Who acts at an epoch. Asked for each statement: a role that is gone, may no longer log in, or is no longer a member
    /// of the role that it acts as, acts no more.
    ///
    /// # Errors
    /// [`Error::InvalidRole`], [`Error::InsufficientPrivilege`].
    pub(crate) fn subject_at(&self, epoch: &Epoch) -> Result<Subject> {
        let Some(login) = self.login(epoch).filter(|role| role.login) else {
            return Err(Error::InvalidRole(self.facts.identity.name().to_owned()));
        };
        let session = find(epoch, &self.facts.session_named())?;
        if session.oid != login.oid {
            may_authorise(login)?;
        }
        let acting = match self.facts.set_role() {
            None => session,
            Some(named) => {
                let acting = find(epoch, &named)?;
                may_act_as(epoch, session, acting)?;
                acting
            }
        };
        self.facts.are_called([login, session, acting]);
        Ok(Subject::new(epoch, acting))
    }

    /// The role that opened the session, by its number: another may have its name by now.
    fn login<'e>(&self, epoch: &'e Epoch) -> Option<&'e RoleObject> {
        by_oid(epoch, self.facts.login())
    }

    /// SET ROLE and SET SESSION AUTHORIZATION, by the names of their settings; `None` ends what they did.
    pub(super) fn act_as(&self, setting: &str, name: Option<&str>, local: bool) -> Result<()> {
        if local && !self.transaction().is_open() {
            return Ok(());
        }
        let (epoch, committed) = self.known_epoch()?;
        let named = |role: &RoleObject| Named {
            name: role.name.clone(),
            oid: by_oid(&committed, role.oid).map(|role| role.oid),
        };
        if setting == SESSION_AUTHORIZATION {
            let session = match name {
                None => None,
                Some(name) => {
                    let session = role(&epoch, name)?;
                    match self.login(&epoch) {
                        Some(login) if login.oid == session.oid => {}
                        Some(login) => may_authorise(login)?,
                        None => return Err(Error::InvalidRole(self.facts.identity.name().to_owned())),
                    }
                    Some(named(session))
                }
            };
            // As in PostgreSQL, a new session role acts as itself.
            self.facts.act_as(super::facts::ROLE, None, local)?;
            return self.facts.act_as(setting, session, local);
        }
        let name = name.filter(|name| !name.eq_ignore_ascii_case("none"));
        let acting = match name {
            None => None,
            Some(name) => {
                let session = find(&epoch, &self.facts.session_named())?;
                let acting = role(&epoch, name)?;
                may_act_as(&epoch, session, acting)?;
                Some(named(acting))
            }
        };
        self.facts.act_as(setting, acting, local)
    }

    /// What the session's next statement would see, as far as this process knows, and what of it is committed.
    fn known_epoch(&self) -> Result<(Arc<Epoch>, Arc<Epoch>)> {
        let work = self.transaction().work.clone();
        match work {
            Some(work) => Ok((work.preview()?, Arc::clone(work.epoch()))),
            None => {
                let known = self.lakehouse.lake().known();
                Ok((Arc::clone(&known), known))
            }
        }
    }
}

fn role<'e>(epoch: &'e Epoch, name: &str) -> Result<&'e RoleObject> {
    match epoch.role(name) {
        Some(role) => Ok(role),
        None => Err(missing(name)),
    }
}

fn missing(name: &str) -> Error {
    Error::InvalidParameter(format!("role \"{name}\" does not exist"))
}

fn by_oid(epoch: &Epoch, oid: u32) -> Option<&RoleObject> {
    match epoch.object(oid).map(Arc::as_ref) {
        Some(Object::Role(role)) => Some(role),
        _ => None,
    }
}

fn find<'e>(epoch: &'e Epoch, named: &Named) -> Result<&'e RoleObject> {
    match named.oid {
        None => role(epoch, &named.name),
        Some(oid) => by_oid(epoch, oid).ok_or_else(|| missing(&named.name)),
    }
}

fn may_act_as(epoch: &Epoch, session: &RoleObject, acting: &RoleObject) -> Result<()> {
    if session.superuser || closure(epoch, session, Via::Any).contains(&acting.oid) {
        return Ok(());
    }
    Err(Error::InsufficientPrivilege(format!(
        "permission denied to set role \"{}\"",
        acting.name
    )))
}

fn may_authorise(login: &RoleObject) -> Result<()> {
    if login.superuser {
        return Ok(());
    }
    Err(Error::InsufficientPrivilege(
        "permission denied to set session authorization".to_owned(),
    ))
}
