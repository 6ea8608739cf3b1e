//! As whom a session acts: the role that opened it, or one that SET ROLE or SET SESSION AUTHORIZATION named.

use std::sync::Arc;

use radlake_catalogs::{Epoch, RoleObject};

use super::Inner;
use super::facts::SESSION_AUTHORIZATION;
use crate::pg_catalog::SessionView;
use crate::policy::{Subject, Via, closure};
use crate::{Error, Result};

impl Inner {
    /// Who acts at an epoch. Asked for each statement: a role that is gone, may no longer log in, or is no longer a member
    /// of the role that it acts as, acts no more.
    ///
    /// # Errors
    /// [`Error::InvalidRole`], [`Error::InsufficientPrivilege`].
    pub(crate) fn subject_at(&self, epoch: &Epoch) -> Result<Subject> {
        let opened = self.facts.identity.name();
        let Some(login) = epoch.role(opened).filter(|role| role.login) else {
            return Err(Error::InvalidRole(opened.to_owned()));
        };
        let session = self.facts.session_role();
        if session != opened {
            may_authorise(login)?;
        }
        let session = role(epoch, &session)?;
        match self.facts.set_role() {
            None => Ok(Subject::new(epoch, session)),
            Some(name) => {
                let acting = role(epoch, &name)?;
                may_act_as(epoch, session, acting)?;
                Ok(Subject::new(epoch, acting))
            }
        }
    }

    /// SET ROLE and SET SESSION AUTHORIZATION, by the names of their settings; `None` ends what they did.
    pub(super) fn act_as(&self, setting: &str, name: Option<&str>, local: bool) -> Result<()> {
        if local && !self.transaction().is_open() {
            return Ok(());
        }
        let epoch = self.known_epoch()?;
        if setting == SESSION_AUTHORIZATION {
            if let Some(name) = name {
                let login = role(&epoch, self.facts.identity.name())?;
                if name != login.name {
                    role(&epoch, name)?;
                    may_authorise(login)?;
                }
            }
            // As in PostgreSQL, a new session role acts as itself.
            self.facts.act_as(super::facts::ROLE, None, local)?;
            return self.facts.act_as(setting, name, local);
        }
        let name = name.filter(|name| !name.eq_ignore_ascii_case("none"));
        if let Some(name) = name {
            let session = role(&epoch, &self.facts.session_role())?;
            may_act_as(&epoch, session, role(&epoch, name)?)?;
        }
        self.facts.act_as(setting, name, local)
    }

    /// What the session's next statement would see, as far as this process knows.
    fn known_epoch(&self) -> Result<Arc<Epoch>> {
        let work = self.transaction().work.clone();
        match work {
            Some(work) => Ok(work.preview()?),
            None => Ok(self.lakehouse.lake().known()),
        }
    }
}

fn role<'e>(epoch: &'e Epoch, name: &str) -> Result<&'e RoleObject> {
    match epoch.role(name) {
        Some(role) => Ok(role),
        None => Err(Error::InvalidParameter(format!("role \"{name}\" does not exist"))),
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
