//! Handles that slept: a process that was stopped, or a machine that was suspended, for longer than logs are kept.
//!
//! Whether there is a newer epoch is one question: is there a commit after the one that is known? When vacuum has taken
//! that commit, the answer is no for ever: the handle would read old rows under old rights, and decide over epochs that
//! everybody else has long passed. So whoever has not asked for a while looks at the horizon too, which is written before
//! the first commit goes. Commits and intents stay for much longer than that while ([`super::vacuum::CATALOG_GRACE`]).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Who asked later than this knows that no commit after the one it knew is gone.
const AWAKE: Duration = Duration::from_secs(60);

/// When the storage was last asked, by two clocks: the one that cannot be set stands still while a machine is suspended.
#[derive(Debug)]
pub(super) struct Awake(Mutex<(Instant, SystemTime)>);

impl Default for Awake {
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), SystemTime::now())))
    }
}

impl Awake {
    /// Whether so much time has passed that commits may be gone.
    pub(super) fn slept(&self) -> bool {
        let (asked, by_wall) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back tells nothing: that counts as sleep.
        asked.elapsed() >= AWAKE
            || by_wall.elapsed().is_ok_and(|passed| passed >= AWAKE)
            || by_wall.elapsed().is_err()
    }

    /// Notes that what is known was found to be the newest by a question that began then.
    pub(super) fn asked(&self, began: (Instant, SystemTime)) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = began;
    }

    /// Now, by both.
    pub(super) fn now() -> (Instant, SystemTime) {
        (Instant::now(), SystemTime::now())
    }

    /// As after a long sleep.
    #[cfg(test)]
    pub(super) fn sleep(&self) {
        self.asked((Instant::now(), SystemTime::UNIX_EPOCH));
    }
}
