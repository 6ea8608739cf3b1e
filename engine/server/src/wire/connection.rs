//! One client's session from its first ReadyForQuery to its end.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use pgwire::messages::response::{NotificationResponse, ReadyForQuery, TransactionStatus};
use radlake::{Session, Statement};
use tokio_util::codec::Decoder;

use super::codec::{Codec, FrameError, put};
use super::encode::{Style, Zone};
use super::extended::{Named, PORTALS, Portal, STATEMENTS};
use super::frontend::Frontend;
use super::kept::Kept;
use super::rows::{flush, flush_while_read};
use super::sqlstate::{Fault, Report};
use super::startup::{is_reported, put_parameter};
use super::watch::{Interrupt, Watch, duration};
use super::{CHUNK, Shared, Wire};

/// A session and what the protocol keeps beside it.
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    pub(crate) session: Arc<Session>,
    interrupt: Interrupt,
    pub(crate) shared: Arc<Shared>,
    pub(crate) statements: Kept<Arc<Named>>,
    pub(crate) portals: Kept<Portal>,
    /// After an error in the extended protocol everything is skipped up to Sync.
    skipping: bool,
    /// Messages of the extended protocol were served, and their Sync was not.
    unsynced: bool,
    /// The last statement was ended from outside: its client may have stopped reading.
    ended: bool,
    /// The next message, where it has been looked at already.
    pending: Option<Option<Frame>>,
}

/// What a client sent, or why it could not be read.
type Frame = Result<<Codec as Decoder>::Item, FrameError>;

impl Connection {
    /// A session that has just logged in.
    pub(crate) fn new(wire: Wire, session: Session, interrupt: Interrupt, shared: Arc<Shared>) -> Self {
        Self {
            wire,
            session: Arc::new(session),
            interrupt,
            shared,
            statements: Kept::new(&STATEMENTS),
            portals: Kept::new(&PORTALS),
            skipping: false,
            unsynced: false,
            ended: false,
            pending: None,
        }
    }

    /// Serves messages until one side ends the session.
    pub(crate) async fn run(&mut self) {
        if let Err(Fault::Report(report)) = self.serve().await {
            report.put(self.wire.write_buffer_mut());
            // A client that is gone does not hear why.
            let _ = flush_while_read(&mut self.wire, self.shared.patience).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Fault> {
        self.ready().await?;
        let shared = self.shared.clone();
        loop {
            // Only between statements: one of the extended protocol is over, and committed, with its Sync.
            let frame = match self.pending.take() {
                Some(seen) => seen,
                None => {
                    let idle = self.idle_limit();
                    let hears = !self.unsynced && self.status() == TransactionStatus::Idle;
                    let session = self.session.clone();
                    tokio::select! {
                        biased;
                        () = shared.draining.cancelled(), if !self.unsynced => {
                            return Err(terminated().into());
                        }
                        () = session.terminated() => return Err(terminated().into()),
                        frame = self.wire.next() => frame,
                        // To whoever listens and asks for nothing.
                        () = session.notified(), if hears => {
                            self.tell();
                            flush(&mut self.wire).await?;
                            continue;
                        }
                        report = idle_for(idle) => return Err(report.into()),
                    }
                }
            };
            let (kind, message) = match frame {
                None => return Ok(()),
                Some(frame) => frame?,
            };
            if matches!(message, Ok(Frontend::Terminate)) {
                return Ok(());
            }
            // What is left of a COPY that failed: whatever it says, nobody asked for an answer.
            if matches!(kind, b'd' | b'c' | b'f') {
                continue;
            }
            self.unsynced = Frontend::is_extended(kind) && kind != b'S';
            if self.skipping && kind != b'S' {
                continue;
            }
            let served = match message {
                Ok(message) => self.message(message).await,
                Err(malformed) => Err(malformed.into()),
            };
            match served {
                Ok(()) => {}
                Err(Fault::Report(report)) if !report.fatal => self.failed(kind, &report).await?,
                Err(fault) => return Err(fault),
            }
            if self.wire.write_buffer().len() >= CHUNK {
                flush(&mut self.wire).await?;
            }
        }
    }

    /// Tells the client; what follows depends on the protocol that the message belongs to.
    async fn failed(&mut self, kind: u8, report: &Report) -> Result<(), Fault> {
        if self.session.is_terminated() {
            return Err(terminated().into());
        }
        tracing::debug!(code = report.code, message = %report.message, "statement failed");
        report.put(self.wire.write_buffer_mut());
        // The fault may be the server's own, such as a value that cannot be sent.
        self.session.fail();
        // The transaction, implicit or not, has failed with all that was open in it.
        self.portals.clear();
        self.ended = report.code == "57014";
        if Frontend::is_extended(kind) {
            self.skipping = true;
            // A client may have asked for the answer by Flush, which is skipped now.
            self.flush().await
        } else {
            self.ready().await
        }
    }

    async fn message(&mut self, message: Frontend) -> Result<(), Fault> {
        match message {
            Frontend::Query(text) => {
                self.simple_query(&text).await?;
                self.ready().await
            }
            Frontend::Parse { name, sql, types } => self.parse(name, &sql, types).await,
            Frontend::Bind(bind) => self.bind(bind).await,
            Frontend::Describe(target, name) => self.describe(target, &name).await,
            Frontend::Execute { portal, max_rows } => self.execute(&portal, max_rows).await,
            Frontend::Close(target, name) => self.close(target, &name),
            Frontend::Flush => flush(&mut self.wire).await,
            Frontend::Sync => {
                self.skipping = false;
                self.end_implicit().await?;
                self.ready().await
            }
            // Outside of a COPY they were passed over.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => Ok(()),
            Frontend::Password(_) => Err(Report::fatal("08P01", "unexpected password message").into()),
            Frontend::FunctionCall => Err(Report::error(
                "0A000",
                "function calls by message type F are not supported",
            )
            .hint("Call the function in a SELECT.")
            .into()),
            Frontend::Terminate => Ok(()),
        }
    }

    /// Whether Sync is the next message: then what is executed now is a transaction of its own. Nobody may expect an answer
    /// before a next message, so it can be waited for.
    pub(crate) async fn is_last_of_pipeline(&mut self) -> bool {
        if self.pending.is_none() {
            self.pending = Some(self.wire.next().await);
        }
        matches!(self.pending, Some(Some(Ok((b'S', _)))))
    }

    /// Ends the implicit transaction: portals go, the client may send the next command.
    async fn ready(&mut self) -> Result<(), Fault> {
        if self.status() == TransactionStatus::Idle {
            self.portals.clear();
            self.session.rest();
            self.tell();
        }
        self.report_changes();
        put(&ReadyForQuery::new(self.status()), self.wire.write_buffer_mut());
        self.flush().await
    }

    /// What was sent to channels that the session listens to.
    fn tell(&mut self) {
        for heard in self.session.drain_notifications() {
            let message = NotificationResponse::new(heard.pid, heard.channel, heard.payload);
            put(&message, self.wire.write_buffer_mut());
        }
    }

    /// Writes everything out. A client whose statement was ended because it does not read is not waited for.
    async fn flush(&mut self) -> Result<(), Fault> {
        match std::mem::take(&mut self.ended) {
            true => flush_while_read(&mut self.wire, self.shared.patience).await,
            false => flush(&mut self.wire).await,
        }
    }

    /// How long the client may leave the session idle, and what it is told then. As in PostgreSQL, a session is idle after
    /// ReadyForQuery only, in a failed transaction too.
    fn idle_limit(&self) -> Option<(Duration, Report)> {
        if self.unsynced {
            return None;
        }
        let (name, code, reason) = match self.status() {
            TransactionStatus::Idle => ("idle_session_timeout", "57P05", "idle-session timeout"),
            _ => (
                "idle_in_transaction_session_timeout",
                "25P03",
                "idle-in-transaction timeout",
            ),
        };
        let limit = self.session.setting(name).and_then(|limit| duration(&limit))?;
        let report = Report::fatal(code, format!("terminating connection due to {reason}"));
        Some((limit, report))
    }

    /// The session's transaction, in the protocol's terms.
    pub(crate) fn status(&self) -> TransactionStatus {
        match self.session.transaction_status() {
            radlake::TransactionStatus::Idle => TransactionStatus::Idle,
            radlake::TransactionStatus::Open => TransactionStatus::Transaction,
            radlake::TransactionStatus::Failed => TransactionStatus::Error,
        }
    }

    /// Appends a ParameterStatus for every reported setting that has changed.
    pub(crate) fn report_changes(&mut self) {
        for (name, value) in self.session.drain_parameter_changes() {
            if is_reported(&name) {
                put_parameter(&mut self.wire, &name, &value);
            }
        }
    }

    /// A statement begins: what may end it from outside.
    pub(crate) fn watch(&self, statement: &Statement) -> Watch {
        self.interrupt.begin(&self.session, statement.is_query())
    }

    /// How the session wants its values written.
    pub(crate) fn style(&self) -> Style {
        let setting = |name: &str| self.session.setting(name);
        Style {
            zone: setting("TimeZone")
                .and_then(|name| Zone::parse(&name))
                .unwrap_or(Zone::Utc),
            bytea_escape: setting("bytea_output").is_some_and(|output| output.eq_ignore_ascii_case("escape")),
            extra_float_digits: setting("extra_float_digits")
                .and_then(|d| d.parse().ok())
                .unwrap_or(1),
        }
    }
}

/// What a client is told whose session the server or another session ends.
fn terminated() -> Report {
    Report::fatal("57P01", "terminating connection due to administrator command")
}

/// Returns when the session has been idle for too long.
async fn idle_for(limit: Option<(Duration, Report)>) -> Report {
    match limit {
        Some((limit, report)) => {
            tokio::time::sleep(limit).await;
            report
        }
        None => std::future::pending().await,
    }
}
