//! Statements that stop when they are told to, or when their time is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Error, Result};

/// The running statements of a session.
#[derive(Debug, Default)]
pub(crate) struct Running {
    statements: Mutex<(u64, HashMap<u64, CancellationToken>)>,
}

impl Running {
    /// A statement begins.
    pub(crate) fn begin(self: &Arc<Self>, workers: &Handle, timeout: Option<Duration>) -> Guard {
        let token = CancellationToken::new();
        let id = {
            let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
            statements.0 += 1;
            let id = statements.0;
            statements.1.insert(id, token.clone());
            id
        };
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        Guard {
            running: Arc::clone(self),
            workers: workers.clone(),
            id,
            token,
            deadline,
        }
    }

    /// Tells all that run to stop; one that begins later is not touched.
    pub(crate) fn cancel(&self) {
        let statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.1.values().for_each(CancellationToken::cancel);
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
    workers: Handle,
    id: u64,
    token: CancellationToken,
    deadline: Option<Instant>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.running
            .statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .remove(&self.id);
    }
}

impl Guard {
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

    /// A task on the threads for statements, aborted with its handle; its log lines are the statement's.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Aborting<T> {
        Aborting(self.workers.spawn(work.in_current_span()))
    }

    /// Runs `work` as a task of its own, which is aborted when the statement must stop. Planning computes without a
    /// pause; in a task of its own it cannot delay the answer.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut task = self.spawn(work);
        tokio::select! {
            biased;
            stopped = self.stopped() => Err(stopped),
            done = &mut task.0 => done.unwrap_or_else(|error| Err(panicked(&error))),
        }
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
