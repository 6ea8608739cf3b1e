//! The point of no return of a commit, as whoever asked for it can see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const DECIDING: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Whether a transaction can still be given up. A statement that is cancelled or out of time asks before it answers:
/// once its commit is being decided, the answer is what becomes of that.
#[derive(Debug, Clone, Default)]
pub struct Commitment(Arc<AtomicU8>);

impl Commitment {
    /// Gives it up: `true` if nothing of it is, or will be, decided. `false` while it is being decided: it may be lost to
    /// another writer yet, and can then be given up.
    pub fn give_up(&self) -> bool {
        let before = self
            .0
            .compare_exchange(OPEN, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst);
        !matches!(before, Err(DECIDING))
    }

    /// It is about to be decided: `false` if it was given up.
    pub(super) fn decide(&self) -> bool {
        self.0
            .compare_exchange(OPEN, DECIDING, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// It was not decided: another writer was first.
    pub(super) fn reopen(&self) {
        let _given_up = self
            .0
            .compare_exchange(DECIDING, OPEN, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_decided_cannot_be_given_up() {
        let commitment = Commitment::default();
        assert!(commitment.decide());
        assert!(!commitment.give_up());
        commitment.reopen();
        assert!(commitment.give_up());
        assert!(commitment.give_up());
        assert!(!commitment.decide());
        commitment.reopen();
        assert!(!commitment.decide(), "given up for good");
    }
}
