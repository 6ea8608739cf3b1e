//! What the catalogs and functions may know of a session.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use chrono::{DateTime, Utc};

use crate::pg_catalog::{Activity, CatalogError, SessionView, Setting};
use crate::settings::{Settings, search_path};
use crate::{Error, Identity, Result};

/// Setting that SET ROLE sets.
pub(crate) const ROLE: &str = "role";
/// Setting that SET SESSION AUTHORIZATION sets.
pub(crate) const SESSION_AUTHORIZATION: &str = "session_authorization";

/// A session without its planner, so that functions can hold it.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) identity: Identity,
    superuser: bool,
    settings: Mutex<Settings>,
    started: DateTime<Utc>,
    /// The last statement's text and beginning, and whether it is running.
    statement: Mutex<(String, Option<DateTime<Utc>>)>,
    /// The other sessions of this lakehouse.
    neighbours: Mutex<Weak<Mutex<Vec<Weak<Facts>>>>>,
}

impl Facts {
    pub(crate) fn new(identity: Identity, superuser: bool, lake: &BTreeMap<String, String>) -> Self {
        Self {
            settings: Mutex::new(Settings::new(identity.name(), superuser, lake)),
            identity,
            superuser,
            started: Utc::now(),
            statement: Mutex::default(),
            neighbours: Mutex::default(),
        }
    }

    /// The settings; not to be held across an await.
    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A statement begins.
    pub(crate) fn began(&self, text: &str) {
        const SHOWN: usize = 1024;
        let text = text
            .char_indices()
            .nth(SHOWN)
            .map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
        *self.statement.lock().unwrap_or_else(PoisonError::into_inner) = (text.to_owned(), Some(Utc::now()));
    }

    /// Introduces it to the other sessions of its lakehouse.
    pub(crate) fn meet(&self, neighbours: Weak<Mutex<Vec<Weak<Facts>>>>) {
        *self.neighbours.lock().unwrap_or_else(PoisonError::into_inner) = neighbours;
    }

    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        self.settings().get(name)
    }

    /// Sets what a session may set by itself; the acting role is not among it.
    pub(crate) fn set(&self, name: &str, value: Option<&str>, local: bool) -> Result<String> {
        if [ROLE, SESSION_AUTHORIZATION].contains(&name.to_ascii_lowercase().as_str()) {
            return Err(Error::FixedSetting(name.to_ascii_lowercase()));
        }
        self.settings().set(name, value, local)
    }

    /// Has another role act, which the caller has found to be allowed; `None` ends it.
    pub(crate) fn act_as(&self, setting: &str, role: Option<&str>, local: bool) -> Result<()> {
        self.settings().set(setting, role, local).map(|_| ())
    }

    /// The role that SET ROLE named; `None` without one.
    pub(crate) fn set_role(&self) -> Option<String> {
        self.setting(ROLE).filter(|role| role != "none")
    }

    fn describe(&self) -> Activity {
        let (query, query_started) = self
            .statement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Activity {
            pid: self.identity.pid(),
            role: self.identity.name().to_owned(),
            application_name: self.setting("application_name").unwrap_or_default(),
            client_addr: self.identity.client(),
            started: Some(self.started),
            query_started,
            query,
        }
    }
}

impl SessionView for Facts {
    fn current_role(&self) -> String {
        self.set_role().unwrap_or_else(|| self.session_role())
    }

    fn session_role(&self) -> String {
        self.setting(SESSION_AUTHORIZATION)
            .filter(|role| !role.is_empty())
            .unwrap_or_else(|| self.identity.name().to_owned())
    }

    fn search_path(&self) -> Vec<String> {
        search_path(
            &self.setting("search_path").unwrap_or_default(),
            &self.current_role(),
        )
    }

    fn setting(&self, name: &str) -> Option<String> {
        Self::setting(self, name)
    }

    fn settings(&self) -> Vec<Setting> {
        Self::settings(self).list()
    }

    fn set(&self, name: &str, value: &str) -> std::result::Result<String, CatalogError> {
        Self::set(self, name, Some(value), false).map_err(|error| match error {
            Error::Unsupported { what, .. } => CatalogError::Unsupported(what),
            other => CatalogError::InvalidParameter(other.to_string()),
        })
    }

    fn backend_pid(&self) -> i32 {
        self.identity.pid()
    }

    fn activity(&self) -> Vec<Activity> {
        let neighbours = self
            .neighbours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade();
        let Some(neighbours) = neighbours else {
            return vec![self.describe()];
        };
        let sessions: Vec<_> = neighbours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let shown = |facts: &std::sync::Arc<Self>| {
            let mut activity = facts.describe();
            // What others ask is theirs.
            if !self.superuser && facts.identity.name() != self.identity.name() {
                activity.query = String::new();
            }
            activity
        };
        sessions.iter().map(shown).collect()
    }
}
