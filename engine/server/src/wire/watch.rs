//! What ends a statement from outside: its client leaves, or somebody cancels it.
//!
//! Its time is the engine's affair, which answers whoever waits even while operators compute. Here is what only the
//! server knows; and a cancelled statement that the engine does not answer is answered here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgwire::tokio::server::MaybeTls;
use radlake::Session;
use tokio::io::Interest;
use tokio_util::sync::CancellationToken;

use super::sqlstate::Fault;

/// How long the engine has to say itself that it stopped.
const PATIENCE: Duration = Duration::from_millis(250);

/// A session's running statement, as cancel requests see it.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<Mutex<CancellationToken>>);

impl Interrupt {
    /// Stops the statement that runs now; later ones are not touched.
    pub(crate) fn fire(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// A statement begins.
    pub(crate) fn begin(&self, session: &Arc<Session>, is_query: bool) -> Watch {
        let token = CancellationToken::new();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
        Watch {
            token,
            session: Arc::clone(session),
            is_query,
        }
    }
}

/// Waits for the end of a statement from outside.
pub(crate) struct Watch {
    token: CancellationToken,
    session: Arc<Session>,
    is_query: bool,
}

impl Watch {
    /// As [`Watch::stopped`] while the client is read from or written to, which tells whether it has left. The engine
    /// keeps a statement's time, and is not asked while the client has to be waited for.
    pub(crate) async fn interrupted(&self) -> Fault {
        let timeout = async {
            match self.session.deadline() {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let error = tokio::select! {
            () = self.token.cancelled() => radlake::Error::Cancelled,
            () = timeout => radlake::Error::Timeout,
        };
        tokio::time::sleep(PATIENCE).await;
        error.into()
    }

    /// Returns when a query is over, with what its client is told. A command runs to its end even if its client leaves,
    /// as in PostgreSQL; whether it can still be cancelled the engine knows alone.
    pub(crate) async fn stopped(&self, stream: &MaybeTls) -> Fault {
        if !self.is_query {
            return std::future::pending().await;
        }
        tokio::select! {
            fault = self.interrupted() => fault,
            () = hung_up(stream) => Fault::Gone,
        }
    }
}

/// Returns when the client has closed its side. A query that has not produced a row yet notices it only so.
async fn hung_up(stream: &MaybeTls) {
    let socket = match stream {
        MaybeTls::Plain(tcp) => tcp,
        MaybeTls::Tls(tls) => tls.get_ref().0,
        _ => return std::future::pending().await,
    };
    loop {
        match socket.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => {
                // The next messages of a pipeline are waiting; they keep the socket readable.
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            _ => return,
        }
    }
}

/// A time setting: a number of milliseconds, or one with a unit; `None` for 0, which means no limit.
pub(crate) fn duration(setting: &str) -> Option<Duration> {
    let setting = setting.trim();
    let end = setting
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(setting.len());
    let number: f64 = setting[..end].trim().parse().ok()?;
    let millis = match &setting[end..] {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * millis / 1_000.0)
        .ok()
        .filter(|limit| !limit.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_settings_have_units() {
        assert_eq!(duration("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(duration("2 min"), Some(Duration::from_secs(120)));
        assert_eq!(duration("0"), None);
        assert_eq!(duration("-1"), None);
        assert_eq!(duration("x"), None);
    }

    #[tokio::test]
    async fn a_cancel_reaches_the_running_statement_only() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().join("lake").display().to_string();
        let lakehouse = radlake::Lakehouse::init(&url, radlake::SUPERUSER, "secret")
            .await
            .unwrap();
        let session = lakehouse
            .session(radlake::Identity::role(radlake::SUPERUSER))
            .await;
        let session = Arc::new(session.unwrap());
        let interrupt = Interrupt::default();
        interrupt.fire();
        let first = interrupt.begin(&session, true);
        assert!(!first.token.is_cancelled());
        interrupt.fire();
        assert!(first.token.is_cancelled());
        assert!(!interrupt.begin(&session, true).token.is_cancelled());
    }
}
