//! Somebody's view of a lake: own settings, own transaction, own prepared statements.

mod acting;
mod answer;
mod commands;
mod copy;
mod cursors;
mod explain;
mod facts;
mod locks;
mod parameters;
mod prepared;
mod refusal;
mod rows;
mod run;
pub(crate) mod span;
mod standing;
mod temporary;
mod transaction;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use radlake_sql::Statement;
use tracing::Instrument;

pub(crate) use answer::answer;
pub use cursors::BINARY;
pub(crate) use facts::Facts;
pub(crate) use parameters::plan as plan_open;
pub use prepared::Prepared;
pub(crate) use prepared::parameter_types;
pub(crate) use refusal::{name as name_of, refuse};
pub(crate) use rows::{ready, relabelled};
pub use standing::Standing;
pub use transaction::TransactionStatus;

use crate::exchange::Notification;
use crate::guard::{Guard, Running};
use crate::planner::Planner;
use crate::sequences::Sequences;
use crate::{Error, Identity, Lakehouse, Result, RowStream};
use transaction::Transaction;

/// A role's session. Its methods take `&self`; one statement runs at a time, except that the rows of an earlier one may
/// still be read.
pub struct Session {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    lakehouse: Lakehouse,
    pub(crate) facts: Arc<Facts>,
    transaction: Mutex<Transaction>,
    prepared: Mutex<HashMap<String, Arc<Prepared>>>,
    notices: Mutex<Vec<Notice>>,
    running: Arc<Running>,
    /// The planner of the last statement, good for the next one if nothing has changed.
    planner: Mutex<Option<(PlannerKey, Arc<Planner>)>>,
    /// Keeps the epoch that `radlake.epoch` says from vacuum.
    pin: Mutex<Option<Arc<radlake_catalogs::Pin>>>,
    /// Temporary tables and views.
    own: Mutex<temporary::Own>,
    cursors: Mutex<cursors::Cursors>,
}

/// What a planner depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannerKey {
    epoch: u64,
    /// The epoch whose rights hold.
    rights: u64,
    /// How often the open transaction has written.
    changes: u64,
    /// The state of the session's temporary objects.
    temporary: u64,
    settings: u64,
}

/// What a statement says beside its answer, such as that there was nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// SQLSTATE.
    pub code: &'static str,
    /// The text.
    pub message: String,
}

/// The answer to a statement.
pub enum Response {
    /// Rows, as they are computed.
    Rows {
        /// The columns. Metadata tells where known: `table_oid`, `attnum`, `pg_type` (a type's name in `pg_type`).
        schema: SchemaRef,
        /// The rows; an error among them is a [`crate::Error`] inside [`datafusion::error::DataFusionError::External`].
        stream: RowStream,
    },
    /// A command has been carried out.
    Command {
        /// PostgreSQL's tag, such as `SET`.
        tag: String,
    },
    /// There was no statement.
    Empty,
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows { schema, .. } => f
                .debug_struct("Rows")
                .field("schema", schema)
                .finish_non_exhaustive(),
            Self::Command { tag } => f.debug_struct("Command").field("tag", tag).finish(),
            Self::Empty => f.write_str("Empty"),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("role", &self.inner.facts.identity.name())
            .finish_non_exhaustive()
    }
}

/// Stops a session's running statement, from anywhere.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    running: Arc<Running>,
}

impl CancelHandle {
    /// Tells the running statement to stop, whether it is being planned or its rows are being read; it ends with
    /// [`Error::Cancelled`]. Without a running statement nothing happens.
    pub fn cancel(&self) {
        self.running.cancel();
    }
}

impl Session {
    pub(crate) fn new(
        lakehouse: Lakehouse,
        identity: Identity,
        login: u32,
        superuser: bool,
        lake_settings: &BTreeMap<String, String>,
    ) -> Self {
        let running = Arc::<Running>::default();
        let facts = Arc::new(Facts::new(
            identity,
            login,
            superuser,
            lake_settings,
            Arc::clone(lakehouse.exchange()),
            Sequences::new(lakehouse.lake().clone()),
            Arc::clone(&running),
        ));
        lakehouse.enter(&facts);
        let inner = Inner {
            lakehouse,
            facts,
            transaction: Mutex::default(),
            prepared: Mutex::default(),
            notices: Mutex::default(),
            running,
            planner: Mutex::default(),
            pin: Mutex::default(),
            own: Mutex::default(),
            cursors: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Splits a text into its statements and parses each.
    ///
    /// # Errors
    /// [`Error::Syntax`] with the position in the text, [`Error::TooComplex`].
    pub fn parse(&self, text: &str) -> Result<Vec<Statement>> {
        let parsed = radlake_sql::parse(text).map_err(Error::from);
        if parsed.is_err() {
            self.inner.failed();
        }
        parsed
    }

    /// Plans a statement with parameters `$1`, `$2` …; types that the caller leaves open are inferred, text if nothing
    /// tells.
    ///
    /// # Errors
    /// What is wrong with the statement.
    pub async fn prepare(&self, statement: &Statement, types: &[Option<DataType>]) -> Result<Prepared> {
        self.inner
            .following(statement, self.inner.prepare(statement, types))
            .await
    }

    /// Runs a prepared statement. It is planned again if the lake or the settings have changed since.
    ///
    /// # Errors
    /// What is wrong with the statement or its parameters; errors of single rows come with the rows.
    pub async fn execute(&self, prepared: &Prepared, parameters: Vec<ScalarValue>) -> Result<Response> {
        self.inner
            .following(prepared.statement(), self.inner.execute(prepared, parameters))
            .await
    }

    /// Runs a statement without parameters.
    ///
    /// # Errors
    /// What is wrong with the statement; errors of single rows come with the rows.
    pub async fn run(&self, statement: &Statement) -> Result<Response> {
        self.inner.following(statement, self.inner.run(statement)).await
    }

    /// Runs a text of statements and gives the last one's answer. Rows of earlier ones are computed and left.
    ///
    /// # Errors
    /// Of the first statement that fails; those after it are not run.
    pub async fn sql(&self, text: &str) -> Result<Response> {
        let mut last = Response::Empty;
        let statements = self.parse(text)?;
        let several = statements.len() > 1;
        for statement in statements {
            rows::drain(last).await?;
            if several {
                self.begin_implicit()?;
            }
            last = self.run(&statement).await?;
        }
        if several {
            let changed = {
                let transaction = self.inner.transaction();
                transaction.is_implicit() && transaction.work.is_some()
            };
            if changed {
                // An error among the last rows takes back what came before them.
                last = rows::collected(last).await?;
            }
            self.end_implicit().await?;
        }
        Ok(last)
    }

    /// Begins the transaction that the statements of one text share, unless one is open: all of them take effect, or none.
    /// BEGIN among them makes it an ordinary one, COMMIT and ROLLBACK end it; an error takes it back.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for defaults that make no transaction.
    pub fn begin_implicit(&self) -> Result<()> {
        commands::begin_implicit(&self.inner)
    }

    /// Commits what [`Session::begin_implicit`] began, if that is still open.
    ///
    /// # Errors
    /// [`Error::Serialization`] if another writer was first.
    pub async fn end_implicit(&self) -> Result<()> {
        commands::end_implicit(&self.inner).await
    }

    /// The columns of a cursor; [`BINARY`] among the metadata says that its rows are wanted so.
    #[must_use]
    pub fn cursor_columns(&self, name: &str) -> Option<SchemaRef> {
        self.inner.cursor_columns(name).ok()
    }

    /// A handle that stops this session's statements.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle {
            running: Arc::clone(&self.inner.running),
        }
    }

    /// What is called too when another session cancels this one's statement, or terminates it.
    pub fn when_stopped(&self, stop: impl Fn() + Send + Sync + 'static) {
        self.inner.facts.when_stopped(Box::new(stop));
    }

    /// When the statement that began last is out of time, for whoever passes its rows on and has to wait for that.
    #[must_use]
    pub fn deadline(&self) -> Option<std::time::Instant> {
        self.inner.running.deadline().map(tokio::time::Instant::into_std)
    }

    /// The value of a setting, by its name in any case.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        let preset = || crate::pg_catalog::preset(name).map(|preset| preset.value.to_owned());
        self.inner.facts.setting(name).or_else(preset)
    }

    /// Sets a setting for the session.
    ///
    /// # Errors
    /// [`Error::UndefinedSetting`], [`Error::FixedSetting`], [`Error::InvalidSetting`].
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        self.inner.facts.set(name, Some(value), false).map(|_| ())
    }

    /// Says the value of a setting that only the server decides, such as `max_connections`.
    ///
    /// # Errors
    /// [`Error::UndefinedSetting`] if sessions can set it, or it is none.
    pub fn declare(&self, name: &str, value: &str) -> Result<()> {
        self.inner.facts.settings().declare(name, value)
    }

    /// Settings whose value has changed since the last call, with their names in PostgreSQL's spelling.
    #[must_use]
    pub fn drain_parameter_changes(&self) -> Vec<(String, String)> {
        self.inner.facts.settings().drain_changes()
    }

    /// What statements said beside their answers since the last call.
    #[must_use]
    pub fn drain_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.inner.notices())
    }

    /// Fails the open transaction, if there is one: an error outside the engine, such as a value that cannot be sent,
    /// counts as one of the transaction's own.
    pub fn fail(&self) {
        self.inner.failed();
    }

    /// The session is idle: what a statement outside of a transaction has said to channels is sent, and its locks are released.
    pub fn rest(&self) {
        self.inner.rest();
    }

    /// What was sent to channels that the session listens to, since the last call.
    #[must_use]
    pub fn drain_notifications(&self) -> Vec<Notification> {
        self.inner.facts.member.heard()
    }

    /// Returns when there is a notification.
    pub async fn notified(&self) {
        self.inner.facts.member.arrived().await;
    }

    /// Returns when `pg_terminate_backend` has named the session.
    pub async fn terminated(&self) {
        self.inner.facts.terminated.cancelled().await;
    }

    /// Whether `pg_terminate_backend` has named it.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.inner.facts.terminated.is_cancelled()
    }

    /// Whether a transaction is open, and whether it has failed.
    #[must_use]
    pub fn transaction_status(&self) -> TransactionStatus {
        self.inner.transaction().status()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A cursor's rows know their session: it would live as long as they.
        drop(self.inner.close(None));
        self.inner.facts.member.depart();
    }
}

impl Inner {
    fn transaction(&self) -> MutexGuard<'_, Transaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepared(&self) -> MutexGuard<'_, HashMap<String, Arc<Prepared>>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notices(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something beside the answer; once, however often a statement is built again.
    pub(crate) fn notice(&self, code: &'static str, message: String) {
        let notice = Notice { code, message };
        let mut notices = self.notices();
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// An error within a transaction ends it for all but COMMIT and ROLLBACK.
    pub(crate) fn failed(&self) {
        let mut transaction = self.transaction();
        if transaction.is_implicit() {
            let cursors = transaction.cursors;
            transaction.end();
            drop(transaction);
            self.facts.ended(false);
            self.facts.settings().end(false);
            self.close_cursors_since(cursors);
        } else if transaction.is_open() {
            transaction.fail();
        } else {
            drop(transaction);
            self.facts.ended(false);
        }
    }

    /// Refuses what a failed transaction does not take, and follows how the statement ends.
    async fn following<T>(&self, statement: &Statement, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.transaction().admit(statement)?;
        self.rest();
        let done = work.instrument(span::of(self, statement)).await;
        if done.is_err() {
            self.failed();
        }
        done
    }

    /// Between transactions: what a statement of its own has said is heard, and the locks of its transaction are released.
    fn rest(&self) {
        if !self.transaction().is_open() {
            self.facts.ended(true);
        }
    }

    /// A statement begins, and with it its time.
    pub(crate) fn guard(&self) -> Guard {
        let timeout = self.facts.settings().milliseconds("statement_timeout");
        let lanes = &self.lakehouse.resources().lanes;
        self.running
            .begin(lanes, (timeout > 0).then(|| Duration::from_millis(timeout)))
    }
}

#[cfg(test)]
mod tests;
