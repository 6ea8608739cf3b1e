//! What the sessions of a server have in common beside the lake: advisory locks, and messages to channels (LISTEN, NOTIFY).
//!
//! Both live in this process: another server of the same lake has its own.

mod advisory;
mod channels;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use advisory::{Advisory, Key, LockShown, Mode};
pub use channels::Notification;
use channels::{Channels, Inbox, Message};

use crate::pg_catalog::CatalogError;

/// What all sessions share.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    locks: Advisory,
    channels: Channels,
    members: AtomicU64,
    /// The number of the last transaction that was asked for it.
    transactions: AtomicI64,
}

/// A session's part in it.
#[derive(Debug)]
pub struct Member {
    exchange: Arc<Exchange>,
    id: u64,
    pid: i32,
    inbox: Arc<Inbox>,
    /// Its session is over: a statement of it that has not noticed yet gets nothing.
    gone: AtomicBool,
    transaction: Mutex<OfTransaction>,
}

/// What ends with the session's transaction, or takes effect with its commit.
#[derive(Debug, Default)]
struct OfTransaction {
    messages: Vec<Message>,
    locks: Vec<(Key, Mode)>,
    /// Its number, if anybody has asked.
    number: Option<i64>,
}

/// How far a transaction had come, for ROLLBACK TO.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    messages: usize,
    locks: usize,
}

impl Member {
    /// A new session; `pid` is the number by which others know it.
    pub(crate) fn new(exchange: Arc<Exchange>, pid: i32) -> Self {
        Self {
            id: exchange.members.fetch_add(1, Ordering::Relaxed),
            exchange,
            pid,
            inbox: Arc::default(),
            gone: AtomicBool::new(false),
            transaction: Mutex::default(),
        }
    }

    fn of_transaction(&self) -> MutexGuard<'_, OfTransaction> {
        self.transaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of its transaction: one that no other has, and greater than those before, in earlier processes too.
    pub(crate) fn transaction_number(&self) -> i64 {
        let mut transaction = self.of_transaction();
        *transaction.number.get_or_insert_with(|| {
            let now = chrono::Utc::now().timestamp_millis();
            let next = |last: i64| now.max(last.saturating_add(1));
            let last = self
                .exchange
                .transactions
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)));
            next(last.unwrap_or_default())
        })
    }

    /// The same, if it has been asked for.
    pub(crate) fn known_transaction_number(&self) -> Option<i64> {
        self.of_transaction().number
    }

    /// LISTEN, from the commit on.
    pub(crate) fn listen(&self, channel: &str) {
        self.send(Message::Listen(channel.to_owned()));
    }

    /// UNLISTEN, from the commit on; `None` means all channels.
    pub(crate) fn unlisten(&self, channel: Option<&str>) {
        self.send(Message::Unlisten(channel.map(str::to_owned)));
    }

    /// NOTIFY, with the commit. The same message twice within a transaction is sent once, as in PostgreSQL.
    ///
    /// # Errors
    /// For names and payloads that PostgreSQL does not take either.
    pub(crate) fn notify(&self, channel: &str, payload: &str) -> Result<(), CatalogError> {
        channels::check(channel, payload)?;
        let message = Message::Notify(channel.to_owned(), payload.to_owned());
        self.exchange.channels.has_room(channel)?;
        let mut transaction = self.of_transaction();
        if transaction.messages.len() >= channels::MESSAGES {
            return Err(CatalogError::LimitExceeded(format!(
                "a transaction sends at most {} messages",
                channels::MESSAGES
            )));
        }
        if !transaction.messages.contains(&message) {
            transaction.messages.push(message);
        }
        Ok(())
    }

    fn send(&self, message: Message) {
        let mut transaction = self.of_transaction();
        // Many of them within a transaction say no more than the last.
        transaction.messages.retain(|known| *known != message);
        transaction.messages.push(message);
    }

    /// How far its transaction has come.
    pub(crate) fn mark(&self) -> Mark {
        let transaction = self.of_transaction();
        Mark {
            messages: transaction.messages.len(),
            locks: transaction.locks.len(),
        }
    }

    /// ROLLBACK TO: what came after the mark has not been said, and locks are released.
    pub(crate) fn back_to(&self, mark: Mark) {
        let mut transaction = self.of_transaction();
        transaction.messages.truncate(mark.messages);
        let from = mark.locks.min(transaction.locks.len());
        let locks = transaction.locks.split_off(from);
        drop(transaction);
        self.release(&locks);
    }

    /// The transaction ends: what it said is heard if it was committed, and its locks are released.
    pub(crate) fn end(&self, committed: bool) {
        let OfTransaction { messages, locks, .. } = std::mem::take(&mut *self.of_transaction());
        self.release(&locks);
        if committed && !messages.is_empty() {
            self.exchange
                .channels
                .deliver(self.id, self.pid, &self.inbox, messages);
        }
    }

    /// The session ends: what a statement of it takes from now on it gives back at once.
    pub(crate) fn depart(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.leave();
    }

    /// DISCARD ALL: it holds nothing and hears nothing any more.
    pub(crate) fn leave(&self) {
        self.end(false);
        self.exchange.channels.forget(self.id);
        self.exchange.locks.release_all(self.id, true);
    }

    fn release(&self, locks: &[(Key, Mode)]) {
        for (key, mode) in locks {
            self.exchange.locks.unlock(self.id, *key, *mode, false);
        }
    }

    /// What was sent to channels that it listens to, since the last call.
    pub(crate) fn heard(&self) -> Vec<Notification> {
        self.inbox.take()
    }

    /// Returns when there is something to hear.
    pub(crate) async fn arrived(&self) {
        self.inbox.arrived().await;
    }

    /// The channels that it listens to, by name.
    pub(crate) fn channels(&self) -> Vec<String> {
        self.exchange.channels.of(self.id)
    }

    /// Takes a lock if nobody else has one that excludes it; for the transaction, or until it is given back.
    ///
    /// # Errors
    /// [`CatalogError::LimitExceeded`].
    pub(crate) fn try_lock(&self, key: Key, mode: Mode, transaction: bool) -> Result<bool, CatalogError> {
        let got = self
            .exchange
            .locks
            .try_lock(self.id, self.pid, key, mode, !transaction)?;
        if got {
            self.took(key, mode, transaction)?;
        }
        Ok(got)
    }

    /// The same, waiting for it. Whoever stops waiting has left the queue.
    ///
    /// # Errors
    /// [`CatalogError::Deadlock`], [`CatalogError::LimitExceeded`].
    pub(crate) async fn lock(&self, key: Key, mode: Mode, transaction: bool) -> Result<(), CatalogError> {
        self.exchange
            .locks
            .lock(self.id, self.pid, key, mode, !transaction)
            .await?;
        self.took(key, mode, transaction)
    }

    /// A lock was taken. Whichever came first, the session's end or the lock, it is not left behind.
    fn took(&self, key: Key, mode: Mode, transaction: bool) -> Result<(), CatalogError> {
        if self.gone.load(Ordering::SeqCst) {
            self.exchange.locks.unlock(self.id, key, mode, !transaction);
            return Err(CatalogError::Unsupported(
                "advisory locks of a session that is over".to_owned(),
            ));
        }
        if transaction {
            self.of_transaction().locks.push((key, mode));
        }
        Ok(())
    }

    /// Gives back a lock of the session; false if it has none.
    pub(crate) fn unlock(&self, key: Key, mode: Mode) -> bool {
        self.exchange.locks.unlock(self.id, key, mode, true)
    }

    /// Gives back all locks of the session, but not those of its transaction.
    pub(crate) fn unlock_all(&self) {
        self.exchange.locks.release_all(self.id, false);
    }

    /// All locks, held and waited for.
    pub(crate) fn locks(&self) -> Vec<LockShown> {
        self.exchange.locks.shown()
    }

    /// The numbers of the sessions that one waits for.
    pub(crate) fn blocking(&self, pid: i32) -> Vec<i32> {
        self.exchange.locks.blocking(pid)
    }
}
