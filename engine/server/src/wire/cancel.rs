//! CancelRequest: a second connection names a session by its process number and proves itself by a secret.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the server calls to stop a session's running statement.
pub(crate) type Stop = Arc<dyn Fn() + Send + Sync>;

/// The running sessions.
#[derive(Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<i32, (i32, Stop)>>,
    next: AtomicI32,
}

/// A session's entry, removed when it ends.
pub(crate) struct Entry {
    registry: Arc<Registry>,
    /// The number that the client is told, and `pg_backend_pid()` returns.
    pub(crate) pid: i32,
    /// The secret that only this client is told.
    pub(crate) secret: i32,
}

impl Registry {
    /// Picks a process number and a secret for a new session.
    pub(crate) fn reserve(self: &Arc<Self>) -> Result<Entry, getrandom::Error> {
        let pid = self.next.fetch_add(1, Ordering::Relaxed).wrapping_add(1) & i32::MAX;
        let secret = getrandom::u32()? as i32;
        Ok(Entry {
            registry: self.clone(),
            pid,
            secret,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i32, (i32, Stop)>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the statement of session `pid` if `secret` is its secret; says nothing either way.
    pub(crate) fn cancel(&self, pid: i32, secret: &[u8]) {
        let stop = match self.lock().get(&pid) {
            Some((known, stop)) if equal(&known.to_be_bytes(), secret) => Some(stop.clone()),
            _ => None,
        };
        match stop {
            Some(stop) => stop(),
            None => tracing::debug!(
                pid,
                "cancel request for an unknown session or with a wrong secret"
            ),
        }
    }

    /// Stops every running statement, when the server's grace period is over.
    pub(crate) fn cancel_all(&self) {
        let stops: Vec<Stop> = self.lock().values().map(|(_, stop)| stop.clone()).collect();
        stops.iter().for_each(|stop| stop());
    }
}

impl Entry {
    /// Lets cancel requests reach the session.
    pub(crate) fn attach(&self, stop: Stop) {
        self.registry.lock().insert(self.pid, (self.secret, stop));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.lock().remove(&self.pid);
    }
}

/// Compares without telling by its duration how much was right.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn only_the_right_secret_stops_a_session_and_only_while_it_lives() {
        let registry = Arc::new(Registry::default());
        let (one, other) = (registry.reserve().unwrap(), registry.reserve().unwrap());
        assert_ne!(one.pid, other.pid);
        let stopped = Arc::new(AtomicUsize::new(0));
        let counter = stopped.clone();
        one.attach(Arc::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        }));
        registry.cancel(one.pid, &one.secret.wrapping_add(1).to_be_bytes());
        registry.cancel(one.pid, &one.secret.to_be_bytes()[..3]);
        registry.cancel(other.pid, &one.secret.to_be_bytes());
        assert_eq!(stopped.load(Ordering::Relaxed), 0);
        let (pid, secret) = (one.pid, one.secret);
        registry.cancel(pid, &secret.to_be_bytes());
        assert_eq!(stopped.load(Ordering::Relaxed), 1);
        drop(one);
        registry.cancel(pid, &secret.to_be_bytes());
        assert_eq!(stopped.load(Ordering::Relaxed), 1);
    }
}
