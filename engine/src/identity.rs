//! Who acts, and how a password is checked without being kept.

mod scram;

pub use scram::ScramVerifier;

/// Who opens a session.
///
/// Whoever makes one vouches for it: the server does so by SCRAM, an embedding program by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    role: String,
    pid: i32,
    client: Option<std::net::SocketAddr>,
}

impl Identity {
    /// A role of the lake.
    #[must_use]
    pub fn role(name: impl Into<String>) -> Self {
        Self {
            role: name.into(),
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
