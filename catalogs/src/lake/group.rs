//! Commits of one process that go together.
//!
//! While one commit is being written, others wait. Whoever comes first when it is done takes all of them along: rows
//! that they add become one epoch, decided by one file. The work is done by a task of its own, so that nobody's leaving
//! stops a commit between its decision and its end.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use tokio::sync::{OwnedMutexGuard, oneshot};
use tracing::{Instrument, warn};

use super::transact::Attempt;
use super::{Lake, Transaction};
use crate::epoch::Epoch;
use crate::{Error, Result};

/// Transactions that become one epoch, at most.
const TOGETHER: usize = 256;

/// A transaction that waits for its commit.
#[derive(Debug)]
pub(super) struct Waiting {
    transaction: Transaction,
    /// It goes alone: as part of a group it failed, and who was to blame is not known.
    alone: bool,
    answer: oneshot::Sender<Fate>,
}

/// What became of a transaction.
#[derive(Debug)]
pub(super) enum Fate {
    /// It is in this epoch, or was before.
    Committed(Arc<Epoch>),
    /// Another writer was first: here it is again. True if that was another process.
    Lost(Box<Transaction>, bool),
    /// The group that it was part of failed: it goes alone next time.
    Apart(Box<Transaction>),
    /// It failed.
    Failed(Error),
}

impl Lake {
    /// Has a transaction committed, with others that wait or alone. `held` is the lock for commits, if the caller has it.
    pub(super) async fn together(
        &self,
        transaction: Transaction,
        alone: bool,
        held: Option<OwnedMutexGuard<()>>,
    ) -> Result<Fate> {
        let (answer, mut fate) = oneshot::channel();
        {
            let mut waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let next = Waiting {
                transaction,
                alone,
                answer,
            };
            match held {
                // It was late too often.
                Some(_) => waiting.push_front(next),
                None => waiting.push_back(next),
            }
        }
        let mut held = held;
        loop {
            let guard = match held.take() {
                Some(guard) => guard,
                None => tokio::select! {
                    biased;
                    fate = &mut fate => return fate.map_err(|_| gone()),
                    guard = Arc::clone(&self.inner.commit).lock_owned() => guard,
                },
            };
            // It may have been taken along in the very moment.
            match fate.try_recv() {
                Ok(fate) => return Ok(fate),
                Err(oneshot::error::TryRecvError::Empty) => {}
                Err(oneshot::error::TryRecvError::Closed) => return Err(gone()),
            }
            let lake = self.clone();
            let led = tokio::spawn(async move { lake.lead(guard).await }.in_current_span());
            // Others may have been before it in the queue, and not have fitted: then it leads again.
            let _panicked = led.await;
        }
    }

    /// Commits the first that waits, and all that can go with it. Who cannot stays and leads next.
    async fn lead(&self, _guard: OwnedMutexGuard<()>) {
        self.give_way().await;
        let known = self.known();
        let mut group: Option<Transaction> = None;
        let mut members: Vec<Waiting> = Vec::new();
        let mut closed = false;
        let waiting = {
            let mut waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let mut left = VecDeque::new();
        for mut next in waiting {
            // Nobody waits for it any more, and nothing was promised.
            if next.answer.is_closed() {
                continue;
            }
            if closed || members.len() >= TOGETHER || next.alone && group.is_some() {
                left.push_back(next);
                continue;
            }
            // What this process committed meanwhile is known without asking.
            if !next.transaction.rebase(&known) {
                next.lost(false);
                continue;
            }
            if next.transaction.is_published() {
                next.tell(Fate::Committed(Arc::clone(&known)));
                continue;
            }
            let fits = group
                .as_ref()
                .is_none_or(|group| group.accepts(&next.transaction));
            if !fits {
                left.push_back(next);
                continue;
            }
            if !next.transaction.commitment.decide() {
                continue;
            }
            match &mut group {
                Some(group) => group.take_in(&next.transaction),
                None => group = Some(next.transaction.clone()),
            }
            closed = next.alone;
            members.push(next);
        }
        {
            let mut waiting = self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for next in left.into_iter().rev() {
                waiting.push_front(next);
            }
        }
        let Some(mut group) = group else { return };
        let fate = self.attempt(&mut group).await;
        let many = members.len() > 1;
        for member in members {
            match &fate {
                Ok(Attempt::Committed(epoch)) => member.tell(Fate::Committed(Arc::clone(epoch))),
                Ok(Attempt::Lost) => member.lost(true),
                Err(Error::InDoubt { reason }) => {
                    let reason = reason.clone();
                    member.tell(Fate::Failed(Error::InDoubt { reason }));
                }
                Err(_) if many => {
                    member.transaction.commitment.reopen();
                    let (transaction, answer) = (Box::new(member.transaction), member.answer);
                    let _gone = answer.send(Fate::Apart(transaction));
                }
                // The one there is gets the error itself, below.
                Err(_) => {
                    if let Err(error) = fate {
                        member.tell(Fate::Failed(error));
                    }
                    return;
                }
            }
        }
        if let Err(error) = fate {
            warn!(%error, "transactions that were to be committed together are tried one by one");
        }
    }
}

/// The task that committed it is gone: it panicked, or the process ends.
fn gone() -> Error {
    Error::InDoubt {
        reason: "the commit ended without an answer".to_owned(),
    }
}

impl Waiting {
    fn tell(self, fate: Fate) {
        // Who asked may have left: what is decided stays.
        let _gone = self.answer.send(fate);
    }

    fn lost(self, elsewhere: bool) {
        self.transaction.commitment.reopen();
        let _gone = self
            .answer
            .send(Fate::Lost(Box::new(self.transaction), elsewhere));
    }
}
