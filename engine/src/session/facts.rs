//! What the catalogs and functions may know of a session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use chrono::{DateTime, Utc};
use radlake_catalogs::RoleObject;
use tokio_util::sync::CancellationToken;

use crate::exchange::{Exchange, Member};
use crate::guard::Running;
use crate::pg_catalog::{Activity, CatalogError, CursorShown, SessionView, Setting};
use crate::planner::PG_TEMP;
use crate::sequences::Sequences;
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
    /// The role that opened it: its name may come to be another's.
    login: u32,
    roles: Mutex<Roles>,
    superuser: bool,
    settings: Mutex<Settings>,
    started: DateTime<Utc>,
    /// The last statement's text and beginning, and whether it is running.
    statement: Mutex<(String, Option<DateTime<Utc>>)>,
    /// The other sessions of this lakehouse.
    neighbours: Mutex<Weak<Mutex<Vec<Weak<Facts>>>>>,
    /// Schema of the session's temporary objects, once it has had one.
    temporary: OnceLock<String>,
    cursors: Mutex<Vec<CursorShown>>,
    pub(crate) member: Arc<Member>,
    pub(crate) sequences: Arc<Sequences>,
    running: Arc<Running>,
    /// What else is to be told, in the server.
    stop: OnceLock<Stop>,
    /// It is to end.
    pub(crate) terminated: CancellationToken,
}

/// Called when another session ends the statement.
struct Stop(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stop")
    }
}

/// Roles that a session acts as, or may again: settings name them as they were called.
#[derive(Debug, Default)]
struct Roles {
    /// OIDs by these names; `None` for a role that the open transaction made, whose number is not final.
    numbers: BTreeMap<String, Option<u32>>,
    /// What they are called today.
    names: BTreeMap<u32, String>,
}

/// A role that a setting names.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) oid: Option<u32>,
}

impl Facts {
    pub(crate) fn new(
        identity: Identity,
        login: u32,
        superuser: bool,
        lake: &BTreeMap<String, String>,
        exchange: Arc<Exchange>,
        sequences: Sequences,
        running: Arc<Running>,
    ) -> Self {
        let roles = Roles {
            numbers: BTreeMap::from([(identity.name().to_owned(), Some(login))]),
            names: BTreeMap::new(),
        };
        Self {
            settings: Mutex::new(Settings::new(identity.name(), superuser, lake)),
            login,
            roles: Mutex::new(roles),
            member: Arc::new(Member::new(exchange, identity.pid())),
            sequences: Arc::new(sequences),
            running,
            stop: OnceLock::new(),
            terminated: CancellationToken::new(),
            identity,
            superuser,
            started: Utc::now(),
            statement: Mutex::default(),
            neighbours: Mutex::default(),
            temporary: OnceLock::new(),
            cursors: Mutex::default(),
        }
    }

    /// What is called too when another session ends its statement.
    pub(crate) fn when_stopped(&self, stop: Box<dyn Fn() + Send + Sync>) {
        self.stop.get_or_init(|| Stop(stop));
    }

    /// The session's cursors are these from now on.
    pub(crate) fn show_cursors(&self, cursors: Vec<CursorShown>) {
        *self.cursors.lock().unwrap_or_else(PoisonError::into_inner) = cursors;
    }

    /// A transaction is over, or a statement of its own.
    pub(crate) fn ended(&self, committed: bool) {
        self.member.end(committed);
        self.sequences.end();
    }

    /// The session has temporary objects from now on, in this schema.
    pub(crate) fn has_temporary(&self, schema: &str) {
        self.temporary.get_or_init(|| schema.to_owned());
    }

    /// The schemas that `search_path` names.
    pub(crate) fn listed_path(&self) -> Vec<String> {
        search_path(
            &self.setting("search_path").unwrap_or_default(),
            &self.current_role(),
        )
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
    pub(crate) fn act_as(&self, setting: &str, role: Option<Named>, local: bool) -> Result<()> {
        let name = role.as_ref().map(|role| role.name.as_str());
        self.settings().set(setting, name, local)?;
        let mut roles = self.roles();
        match role {
            Some(role) => roles.numbers.insert(role.name, role.oid),
            // Whose name the opening role's was meanwhile does not matter any more.
            None if setting == SESSION_AUTHORIZATION => roles
                .numbers
                .insert(self.identity.name().to_owned(), Some(self.login)),
            None => None,
        };
        Ok(())
    }

    /// The sessions of its lakehouse, itself among them.
    fn neighbours(&self) -> Vec<Arc<Self>> {
        let neighbours = self
            .neighbours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade();
        let Some(neighbours) = neighbours else {
            return Vec::new();
        };
        let neighbours = neighbours.lock().unwrap_or_else(PoisonError::into_inner);
        neighbours.iter().filter_map(Weak::upgrade).collect()
    }

    fn roles(&self) -> MutexGuard<'_, Roles> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// OID of the role that opened it.
    pub(crate) fn login(&self) -> u32 {
        self.login
    }

    /// The role that SET ROLE named; `None` without one.
    pub(crate) fn set_role(&self) -> Option<Named> {
        let name = self.setting(ROLE).filter(|role| role != "none");
        name.map(|name| self.named(name))
    }

    /// The session's role: the one that opened it, or that SET SESSION AUTHORIZATION named.
    pub(crate) fn session_named(&self) -> Named {
        let name = self
            .setting(SESSION_AUTHORIZATION)
            .filter(|name| !name.is_empty());
        match name {
            Some(name) => self.named(name),
            None => Named {
                name: self.identity.name().to_owned(),
                oid: Some(self.login),
            },
        }
    }

    fn named(&self, name: String) -> Named {
        let oid = self.roles().numbers.get(&name).copied().flatten();
        Named { name, oid }
    }

    /// Notes what roles are called today.
    pub(crate) fn are_called<'r>(&self, roles: impl IntoIterator<Item = &'r RoleObject>) {
        let mut known = self.roles();
        for role in roles {
            if known.names.get(&role.oid) != Some(&role.name) {
                known.names.insert(role.oid, role.name.clone());
            }
        }
    }

    /// What a role is called today, as far as is known.
    fn called(&self, role: Named) -> String {
        let known = role.oid.and_then(|oid| self.roles().names.get(&oid).cloned());
        known.unwrap_or(role.name)
    }

    fn describe(&self) -> Activity {
        let (query, query_started) = self
            .statement
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Activity {
            pid: self.identity.pid(),
            role: self.called(self.named(self.identity.name().to_owned())),
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
        match self.set_role() {
            Some(role) => self.called(role),
            None => self.session_role(),
        }
    }

    fn session_role(&self) -> String {
        self.called(self.session_named())
    }

    fn search_path(&self) -> Vec<String> {
        let mut path = self.listed_path();
        if let Some(own) = self.temporary.get() {
            let mut listed = false;
            for schema in &mut path {
                if schema == PG_TEMP || schema == own {
                    schema.clone_from(own);
                    listed = true;
                }
            }
            // As in PostgreSQL, first of all unless it is named.
            if !listed {
                path.insert(0, own.clone());
            }
        }
        path
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

    fn cursors(&self) -> Vec<CursorShown> {
        self.cursors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn sequences(&self) -> Option<&Arc<Sequences>> {
        Some(&self.sequences)
    }

    fn member(&self) -> Option<&Arc<Member>> {
        Some(&self.member)
    }

    fn signal(&self, pid: i32, terminate: bool) -> bool {
        let session = self
            .neighbours()
            .into_iter()
            .find(|facts| facts.identity.pid() == pid);
        let Some(session) = session else {
            return false;
        };
        if terminate {
            session.terminated.cancel();
        }
        session.running.cancel();
        if let Some(stop) = session.stop.get() {
            (stop.0)();
        }
        true
    }

    fn backend_pid(&self) -> i32 {
        self.identity.pid()
    }

    fn activity(&self) -> Vec<Activity> {
        let sessions = self.neighbours();
        if sessions.is_empty() {
            return vec![self.describe()];
        }
        let shown = |facts: &Arc<Self>| {
            let mut activity = facts.describe();
            // What others ask is theirs.
            if !self.superuser && facts.login != self.login {
                activity.query = String::new();
            }
            activity
        };
        sessions.iter().map(shown).collect()
    }
}
