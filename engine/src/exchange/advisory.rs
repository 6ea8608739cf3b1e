//! Advisory locks: what applications agree on by numbers. A session's own locks never exclude one another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::pg_catalog::CatalogError;

/// Locks that a session may hold at a time.
const HELD: usize = 10_000;

/// What is locked: one number, or two smaller ones, which are other locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    One(i64),
    Two(i32, i32),
}

/// Whom a lock excludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// All others.
    Exclusive,
    /// Those who want it for themselves.
    Shared,
}

/// A lock as `pg_locks` shows it.
#[derive(Debug, Clone)]
pub(crate) struct LockShown {
    pub(crate) pid: i32,
    pub(crate) key: Key,
    pub(crate) mode: Mode,
    pub(crate) granted: bool,
}

/// How often a session holds a lock.
#[derive(Debug, Default)]
struct Held {
    pid: i32,
    /// Until it is given back.
    session: u32,
    /// Until the transaction ends.
    transaction: u32,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    member: u64,
    pid: i32,
    key: Key,
    mode: Mode,
}

#[derive(Debug, Default)]
struct State {
    held: BTreeMap<Key, BTreeMap<(u64, Mode), Held>>,
    /// How many locks each session holds.
    counts: BTreeMap<u64, usize>,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    tickets: u64,
}

/// All advisory locks of a server.
#[derive(Debug, Default)]
pub(crate) struct Advisory {
    state: Mutex<State>,
    released: Notify,
}

fn excludes(one: Mode, other: Mode) -> bool {
    one == Mode::Exclusive || other == Mode::Exclusive
}

impl State {
    /// The sessions that a request has to wait for: who holds the lock, and who asked for it earlier.
    fn before(&self, member: u64, key: Key, mode: Mode, ticket: u64) -> BTreeSet<u64> {
        let held = self.held.get(&key).into_iter().flatten();
        let held = held
            .filter(|((holder, had), _)| *holder != member && excludes(*had, mode))
            .map(|((holder, _), _)| *holder);
        let mut before: BTreeSet<u64> = held.collect();
        // Who has the lock already, in whatever mode, does not queue behind those who wait for it.
        let has = self
            .held
            .get(&key)
            .is_some_and(|held| held.keys().any(|(holder, _)| *holder == member));
        if !has {
            let earlier = self.waiting.iter().filter(|waiting| {
                waiting.ticket < ticket
                    && waiting.member != member
                    && waiting.key == key
                    && excludes(waiting.mode, mode)
            });
            before.extend(earlier.map(|waiting| waiting.member));
        }
        before
    }

    /// True if somebody whom this session waits for waits for it, directly or not.
    fn is_deadlock(&self, member: u64, before: BTreeSet<u64>) -> bool {
        let mut open: Vec<u64> = before.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(other) = open.pop() {
            if other == member {
                return true;
            }
            if !seen.insert(other) {
                continue;
            }
            for waiting in self.waiting.iter().filter(|waiting| waiting.member == other) {
                open.extend(self.before(other, waiting.key, waiting.mode, waiting.ticket));
            }
        }
        false
    }

    fn take(
        &mut self,
        member: u64,
        pid: i32,
        key: Key,
        mode: Mode,
        session: bool,
    ) -> Result<(), CatalogError> {
        let holders = self.held.entry(key).or_default();
        let count = self.counts.entry(member).or_default();
        if !holders.contains_key(&(member, mode)) {
            if *count >= HELD {
                return Err(CatalogError::LimitExceeded(format!(
                    "a session holds at most {HELD} advisory locks"
                )));
            }
            *count += 1;
        }
        let held = holders.entry((member, mode)).or_default();
        held.pid = pid;
        match session {
            true => held.session = held.session.saturating_add(1),
            false => held.transaction = held.transaction.saturating_add(1),
        }
        Ok(())
    }
}

/// A place in the queue, which is left with it.
struct Queued<'a> {
    advisory: &'a Advisory,
    ticket: u64,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.advisory
            .state()
            .waiting
            .retain(|waiting| waiting.ticket != self.ticket);
        // Those behind it may go on.
        self.advisory.released.notify_waiters();
    }
}

impl Advisory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn try_lock(
        &self,
        member: u64,
        pid: i32,
        key: Key,
        mode: Mode,
        session: bool,
    ) -> Result<bool, CatalogError> {
        let mut state = self.state();
        if !state.before(member, key, mode, u64::MAX).is_empty() {
            return Ok(false);
        }
        state.take(member, pid, key, mode, session)?;
        Ok(true)
    }

    pub(super) async fn lock(
        &self,
        member: u64,
        pid: i32,
        key: Key,
        mode: Mode,
        session: bool,
    ) -> Result<(), CatalogError> {
        let queued = {
            let mut state = self.state();
            let before = state.before(member, key, mode, u64::MAX);
            if before.is_empty() {
                return state.take(member, pid, key, mode, session);
            }
            state.tickets += 1;
            let ticket = state.tickets;
            // A circle can only be closed by whoever begins to wait.
            if state.is_deadlock(member, before) {
                return Err(CatalogError::Deadlock);
            }
            state.waiting.push(Waiting {
                ticket,
                member,
                pid,
                key,
                mode,
            });
            Queued {
                advisory: self,
                ticket,
            }
        };
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // Before looking: what is released meanwhile is not missed.
            released.as_mut().enable();
            {
                let mut state = self.state();
                if state.before(member, key, mode, queued.ticket).is_empty() {
                    return state.take(member, pid, key, mode, session);
                }
            }
            released.await;
        }
    }

    pub(super) fn unlock(&self, member: u64, key: Key, mode: Mode, session: bool) -> bool {
        let mut state = self.state();
        let Some(holders) = state.held.get_mut(&key) else {
            return false;
        };
        let Some(held) = holders.get_mut(&(member, mode)) else {
            return false;
        };
        let count = if session {
            &mut held.session
        } else {
            &mut held.transaction
        };
        if *count == 0 {
            return false;
        }
        *count -= 1;
        if held.session + held.transaction == 0 {
            holders.remove(&(member, mode));
            if holders.is_empty() {
                state.held.remove(&key);
            }
            if let Some(count) = state.counts.get_mut(&member) {
                *count = count.saturating_sub(1);
            }
        }
        drop(state);
        self.released.notify_waiters();
        true
    }

    /// Releases a session's locks; those of its transaction too, if it is over.
    pub(super) fn release_all(&self, member: u64, over: bool) {
        let mut state = self.state();
        let mut left = 0;
        state.held.retain(|_, holders| {
            holders.retain(|(holder, _), held| {
                if *holder != member {
                    return true;
                }
                held.session = 0;
                if over {
                    held.transaction = 0;
                }
                left += usize::from(held.transaction > 0);
                held.transaction > 0
            });
            !holders.is_empty()
        });
        match left {
            0 => state.counts.remove(&member),
            left => state.counts.insert(member, left),
        };
        drop(state);
        self.released.notify_waiters();
    }

    pub(super) fn shown(&self) -> Vec<LockShown> {
        let state = self.state();
        let held = state.held.iter().flat_map(|(key, holders)| {
            holders.iter().map(|((_, mode), held)| LockShown {
                pid: held.pid,
                key: *key,
                mode: *mode,
                granted: true,
            })
        });
        let waiting = state.waiting.iter().map(|waiting| LockShown {
            pid: waiting.pid,
            key: waiting.key,
            mode: waiting.mode,
            granted: false,
        });
        held.chain(waiting).collect()
    }

    pub(super) fn blocking(&self, pid: i32) -> Vec<i32> {
        let state = self.state();
        let mut members = BTreeSet::new();
        for waiting in state.waiting.iter().filter(|waiting| waiting.pid == pid) {
            members.extend(state.before(waiting.member, waiting.key, waiting.mode, waiting.ticket));
        }
        let held = state.held.values().flatten();
        let held = held.map(|((member, _), held)| (*member, held.pid));
        let waiting = state.waiting.iter().map(|waiting| (waiting.member, waiting.pid));
        let pids: BTreeSet<i32> = held
            .chain(waiting)
            .filter(|(member, _)| members.contains(member))
            .map(|(_, pid)| pid)
            .collect();
        pids.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::{Exchange, Member};
    use super::*;

    fn two() -> (Arc<Member>, Arc<Member>) {
        let exchange = Arc::new(Exchange::default());
        (
            Arc::new(Member::new(Arc::clone(&exchange), 1)),
            Arc::new(Member::new(exchange, 2)),
        )
    }

    #[test]
    fn who_excludes_whom() {
        let (one, other) = two();
        let key = Key::One(1);
        assert!(one.try_lock(key, Mode::Exclusive, false).unwrap());
        assert!(one.try_lock(key, Mode::Shared, true).unwrap(), "its own");
        assert!(!other.try_lock(key, Mode::Shared, false).unwrap());
        assert!(other.try_lock(Key::Two(0, 1), Mode::Exclusive, false).unwrap());
        assert!(one.unlock(key, Mode::Exclusive));
        assert!(!one.unlock(key, Mode::Exclusive));
        assert!(!one.unlock(key, Mode::Shared), "that one is its transaction's");
        assert!(other.try_lock(key, Mode::Shared, false).unwrap());
        assert!(!other.try_lock(key, Mode::Exclusive, false).unwrap());
        one.end(true);
        assert!(other.try_lock(key, Mode::Exclusive, false).unwrap());
        other.unlock_all();
        assert!(other.locks().is_empty());
    }

    #[test]
    fn a_savepoint_gives_back_what_came_after_it() {
        let (one, other) = two();
        assert!(one.try_lock(Key::One(1), Mode::Exclusive, true).unwrap());
        let mark = one.mark();
        assert!(one.try_lock(Key::One(2), Mode::Exclusive, true).unwrap());
        one.back_to(mark);
        assert!(other.try_lock(Key::One(2), Mode::Exclusive, false).unwrap());
        assert!(!other.try_lock(Key::One(1), Mode::Exclusive, false).unwrap());
    }

    #[test]
    fn there_is_an_end_to_locks() {
        let (one, other) = two();
        for number in 0..HELD as i64 {
            assert!(one.try_lock(Key::One(number), Mode::Shared, false).unwrap());
        }
        assert!(matches!(
            one.try_lock(Key::One(-1), Mode::Shared, false),
            Err(CatalogError::LimitExceeded(_))
        ));
        assert!(one.try_lock(Key::One(0), Mode::Shared, false).unwrap());
        assert!(other.try_lock(Key::One(-1), Mode::Exclusive, false).unwrap());
        one.leave();
        assert!(one.try_lock(Key::One(5), Mode::Shared, false).unwrap());
    }

    #[tokio::test]
    async fn waiting_ends_with_the_lock_and_a_circle_is_told() {
        let (one, other) = two();
        assert!(one.try_lock(Key::One(1), Mode::Exclusive, false).unwrap());
        assert!(other.try_lock(Key::One(2), Mode::Exclusive, false).unwrap());
        let waits = {
            let one = Arc::clone(&one);
            tokio::spawn(async move { one.lock(Key::One(2), Mode::Exclusive, false).await })
        };
        while one.locks().iter().all(|lock| lock.granted) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(one.blocking(1), [2]);
        assert!(matches!(
            other.lock(Key::One(1), Mode::Shared, true).await,
            Err(CatalogError::Deadlock)
        ));
        other.leave();
        waits.await.unwrap().unwrap();
        assert!(one.locks().iter().all(|lock| lock.granted && lock.pid == 1));
    }

    #[test]
    fn a_session_that_is_over_takes_nothing() {
        let (one, other) = two();
        one.depart();
        assert!(one.try_lock(Key::One(1), Mode::Exclusive, false).is_err());
        assert!(one.try_lock(Key::One(2), Mode::Exclusive, true).is_err());
        assert!(other.locks().is_empty());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_queue() {
        let (one, other) = two();
        assert!(one.try_lock(Key::One(1), Mode::Shared, false).unwrap());
        let wait = other.lock(Key::One(1), Mode::Exclusive, false);
        assert!(
            tokio::time::timeout(Duration::from_millis(20), wait)
                .await
                .is_err()
        );
        assert_eq!(one.locks().len(), 1);
    }
}
