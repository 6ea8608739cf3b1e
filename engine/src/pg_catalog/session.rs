//! What `pg_catalog` asks of a session.

use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use super::CatalogError;
use crate::exchange::Member;
use crate::sequences::Sequences;

/// A setting as `pg_settings` shows it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Name as PostgreSQL spells it (`TimeZone`).
    pub name: String,
    /// Value in force.
    pub value: String,
    /// Value without any SET.
    pub default: String,
    /// Unit of a bare number ("ms", "kB"), None if it has none.
    pub unit: Option<&'static str>,
    /// `pg_settings.category`.
    pub category: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// Who may set it: "user", "superuser", "internal" …
    pub context: &'static str,
    /// "bool", "enum", "integer", "real" or "string".
    pub vartype: &'static str,
}

/// A session as `pg_stat_activity` shows it.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    /// Backend's number.
    pub pid: i32,
    /// Login role.
    pub role: String,
    /// `application_name`.
    pub application_name: String,
    /// Client's address, None for embedded sessions.
    pub client_addr: Option<SocketAddr>,
    /// When the session began.
    pub started: Option<DateTime<Utc>>,
    /// When the running statement began, None if the session is idle.
    pub query_started: Option<DateTime<Utc>>,
    /// The running or last statement's text; empty if the asking role may not see it.
    pub query: String,
}

/// A cursor as `pg_cursors` shows it.
#[derive(Debug, Clone)]
pub struct CursorShown {
    /// Its name.
    pub name: String,
    /// The text of DECLARE.
    pub statement: String,
    /// WITH HOLD.
    pub holdable: bool,
    /// BINARY.
    pub binary: bool,
    /// SCROLL.
    pub scrollable: bool,
    /// When it was declared.
    pub created: DateTime<Utc>,
}

/// The session that a catalog query or function runs in.
pub trait SessionView: Send + Sync + Debug {
    /// `current_user`.
    fn current_role(&self) -> String;
    /// `session_user`.
    fn session_role(&self) -> String;
    /// Schemas searched for unqualified names, in order, without `pg_catalog`; schemas that do not exist may be among them.
    fn search_path(&self) -> Vec<String>;
    /// A setting's value by name (any case), None if there is no such setting.
    fn setting(&self, name: &str) -> Option<String>;
    /// All settings.
    fn settings(&self) -> Vec<Setting>;
    /// `set_config`: sets and returns the value in force.
    ///
    /// # Errors
    /// There is no such setting, or it refuses the value.
    fn set(&self, name: &str, value: &str) -> Result<String, CatalogError>;
    /// `pg_backend_pid()`.
    fn backend_pid(&self) -> i32;
    /// The sessions that `pg_stat_activity` lists for this one.
    fn activity(&self) -> Vec<Activity>;
    /// Its part in advisory locks and channels; none where there is no server.
    fn member(&self) -> Option<&Arc<Member>> {
        None
    }
    /// Its part in sequences; none where there is no lake.
    fn sequences(&self) -> Option<&Arc<Sequences>> {
        None
    }
    /// Has the session of that number end its statement, or itself, whoever asks. False if there is none.
    fn signal(&self, _pid: i32, _terminate: bool) -> bool {
        false
    }
    /// The session's cursors, in the order of their declaration.
    fn cursors(&self) -> Vec<CursorShown>;
}
