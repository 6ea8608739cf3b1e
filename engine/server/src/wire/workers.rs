//! The threads on which statements run.
//!
//! A join can keep a thread busy for seconds without giving it back. Connections live on other threads than
//! statements, so that logins, cancel requests and the stop of the server are served whatever is running, and a
//! statement that panics ends with an error instead of taking its connection along.

use futures::StreamExt;
use radlake::RowStream;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::sqlstate::{Fault, Report};
use arrow::array::RecordBatch;

/// A runtime of its own.
pub(crate) struct Workers {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Workers {
    /// `threads` threads that only run statements.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("statement")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs `work` there; dropping the returned future stops it.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let mut task = Task(self.handle.spawn(work));
        (&mut task.0).await.map_err(|error| {
            tracing::error!(%error, "a statement's task failed");
            Report::error("XX000", "internal error: the statement ended unexpectedly")
                .hint("This is a fault of Radlake: please report the statement.")
                .into()
        })
    }

    /// Lets the rows of `stream` be computed there, one batch ahead of the client.
    pub(crate) fn rows(&self, mut stream: RowStream) -> Batches {
        let (sender, receiver) = mpsc::channel(1);
        let task = self.handle.spawn(async move {
            while let Some(batch) = stream.next().await {
                if sender.send(batch.map_err(radlake::Error::from)).await.is_err() {
                    return;
                }
            }
        });
        Batches {
            receiver,
            task: Task(task),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Statements that still run when the server ends are not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Stopped when dropped.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The batches of a running statement.
pub(crate) struct Batches {
    receiver: mpsc::Receiver<Result<RecordBatch, radlake::Error>>,
    task: Task<()>,
}

impl Batches {
    /// The next batch; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<RecordBatch, Fault>> {
        match self.receiver.recv().await {
            Some(batch) => Some(batch.map_err(Fault::from)),
            // The sender is gone: either all is sent or the task panicked, which must not look like the end.
            None => match (&mut self.task.0).await {
                Err(error) if error.is_panic() => {
                    tracing::error!("a statement's task panicked");
                    Some(Err(Report::error(
                        "XX000",
                        "internal error: the statement ended unexpectedly",
                    )
                    .into()))
                }
                _ => None,
            },
        }
    }
}
