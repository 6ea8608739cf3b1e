//! Statements as the server runs them: in the engine, which has threads of its own for them.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use futures::{FutureExt, StreamExt};
use radlake::RowStream;

use super::sqlstate::{Fault, Report};

/// What `work` gives. One that panics is an error of its own and does not take its connection along.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Fault>> {
    // On the heap: the engine's futures are large, and a connection's is made of many.
    let work = AssertUnwindSafe(Box::pin(work)).catch_unwind();
    async move { work.await.map_err(|_| ended()) }
}

fn ended() -> Fault {
    // The panic's own text may quote values; it went to the log of the process.
    tracing::error!("a statement's task failed");
    Report::error("XX000", "internal error: the statement ended unexpectedly")
        .hint("This is a fault of Radlake: please report the statement.")
        .into()
}

/// The batches of a running statement. The engine computes one ahead of the client.
///
/// The lock is never waited for: it makes of a stream, which may go from thread to thread, what may be looked at from several.
pub(crate) struct Batches(Mutex<RowStream>);

impl Batches {
    pub(crate) fn new(stream: RowStream) -> Self {
        Self(Mutex::new(stream))
    }

    /// The next batch; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<RecordBatch, Fault>> {
        let stream = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        match run(stream.next()).await {
            Ok(batch) => batch.map(|batch| batch.map_err(|error| radlake::Error::from(error).into())),
            Err(fault) => Some(Err(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let fault = run(async { std::hint::black_box(None::<u8>).unwrap() }).await;
        let Err(Fault::Report(report)) = fault else {
            panic!("no error");
        };
        assert_eq!(report.code, "XX000");
        assert!(!report.fatal);
    }
}
