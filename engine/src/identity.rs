//! Who acts, and how a password is checked without being kept.

mod scram;

use radlake_catalogs::{Epoch, Object, RoleObject};
pub use scram::ScramVerifier;

/// Who opens a session.
///
/// Whoever makes one vouches for it: the server does so by SCRAM, an embedding program by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    role: String,
    /// The role's OID, once a session was opened for it.
    oid: Option<u32>,
    pid: i32,
    client: Option<std::net::SocketAddr>,
}

impl Identity {
    /// A role of the lake.
    #[must_use]
    pub fn role(name: impl Into<String>) -> Self {
        Self {
            role: name.into(),
            oid: None,
            pid: 0,
            client: None,
        }
    }

    /// The number that `pg_backend_pid()` gives.
    #[must_use]
    pub fn with_pid(self, pid: i32) -> Self {
        Self { pid, ..self }
    }

    /// The address that the client comes from.
    #[must_use]
    pub fn with_client(self, client: std::net::SocketAddr) -> Self {
        Self {
            client: Some(client),
            ..self
        }
    }

    /// Has it be the role of that number, whatever that one is called.
    pub(crate) fn with_oid(self, oid: u32) -> Self {
        Self {
            oid: Some(oid),
            ..self
        }
    }

    /// The role at an epoch. A session's is the one that opened it, and may act only as long as it may log in.
    pub(crate) fn role_at<'e>(&self, epoch: &'e Epoch) -> Option<&'e RoleObject> {
        match self.oid {
            None => epoch.role(&self.role).map(AsRef::as_ref),
            Some(oid) => match epoch.object(oid).map(AsRef::as_ref) {
                Some(Object::Role(role)) if role.login => Some(role),
                _ => None,
            },
        }
    }

    /// Name of the role.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.role
    }

    /// The number that `pg_backend_pid()` gives; 0 for sessions without one.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The address that the client comes from; `None` within this process.
    #[must_use]
    pub fn client(&self) -> Option<std::net::SocketAddr> {
        self.client
    }
}
