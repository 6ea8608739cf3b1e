//! Statements that stop when they are told to, or when their time is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::interrupt::Over;
use crate::lanes::{Lanes, Lease};
use crate::{Error, Result};

/// How often a statement that must stop looks whether its commit was decided or lost.
const DECIDING: Duration = Duration::from_millis(5);

/// How a statement is told to stop, and when it stops by itself.
type Stop = (CancellationToken, Option<Instant>);

/// The running statements of a session.
#[derive(Debug, Default)]
pub(crate) struct Running {
    statements: Mutex<(u64, HashMap<u64, Stop>)>,
}

impl Running {
    /// A statement begins.
    pub(crate) fn begin(self: &Arc<Self>, lanes: &Arc<Lanes>, timeout: Option<Duration>) -> Guard {
        let token = CancellationToken::new();
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let id = {
            let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
            statements.0 += 1;
            let id = statements.0;
            statements.1.insert(id, (token.clone(), deadline));
            id
        };
        Guard {
            running: Arc::clone(self),
            lane: lanes.lease(),
            over: Over::default(),
            id,
            token,
            deadline,
        }
    }

    /// Tells all that run to stop; one that begins later is not touched.
    pub(crate) fn cancel(&self) {
        let statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.1.values().for_each(|(token, _)| token.cancel());
    }

    /// When the one that began last is out of time. Others of a session are portals that wait for their next rows.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = statements.1.iter().max_by_key(|(id, _)| **id);
        newest.and_then(|(_, (_, deadline))| *deadline)
    }

    /// True if a statement is running or its rows have not all been read.
    #[cfg(test)]
    pub(crate) fn is_active(&self) -> bool {
        !self
            .statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .is_empty()
    }
}

/// A running statement, from its planning to its last row.
#[derive(Debug)]
pub(crate) struct Guard {
    running: Arc<Running>,
    lane: Lease,
    over: Over,
    id: u64,
    token: CancellationToken,
    deadline: Option<Instant>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // What still computes for it ends at the next look.
        self.over.set();
        self.running
            .statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .remove(&self.id);
    }
}

impl Guard {
    /// For what lasts longer than a statement: a cursor. No timeout and no cancel end it; whoever waits for its rows minds his own.
    pub(crate) fn apart(lanes: &Arc<Lanes>) -> Self {
        Self {
            running: Arc::default(),
            lane: lanes.lease(),
            over: Over::default(),
            id: 0,
            token: CancellationToken::new(),
            deadline: None,
        }
    }

    /// Waits until the statement must stop, and says why.
    pub(crate) async fn stopped(&self) -> Error {
        let timeout = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => Error::Cancelled,
            () = timeout => Error::Timeout,
        }
    }

    /// A task on the statement's threads, aborted with its handle; its log lines are the statement's.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Aborting<T> {
        let work = self.over.clone().scope(work);
        Aborting(self.lane.handle().spawn(work.in_current_span()))
    }

    /// Runs `work` as a task of its own, which is aborted when the statement must stop. Planning computes without a
    /// pause; in a task of its own it cannot delay the answer. A commit that is being decided is waited for: what is
    /// answered is what became of it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = self.spawn(work);
        let ended = |done: std::result::Result<Result<T>, tokio::task::JoinError>| {
            done.unwrap_or_else(|error| Err(panicked(&error)))
        };
        let stopped = tokio::select! {
            biased;
            stopped = self.stopped() => stopped,
            done = &mut task.0 => return ended(done),
        };
        while !self.over.commitment().give_up() {
            tokio::select! {
                biased;
                done = &mut task.0 => return ended(done),
                () = tokio::time::sleep(DECIDING) => {}
            }
        }
        Err(stopped)
    }
}

/// What a task's end without a result means.
pub(crate) fn panicked(error: &tokio::task::JoinError) -> Error {
    if error.is_cancelled() {
        // The runtime is going down.
        return Error::Cancelled;
    }
    // The panic's own text may quote values; it went to the log of the process.
    tracing::error!("a statement's task panicked");
    Error::internal("the statement ended unexpectedly")
}

/// A task that ends with its handle.
#[derive(Debug)]
pub(crate) struct Aborting<T>(pub(crate) JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
