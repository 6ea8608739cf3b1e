//! LISTEN and NOTIFY: what a committed transaction says reaches every session that listens to the channel then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::pg_catalog::CatalogError;

/// Messages that a transaction may send.
pub(super) const MESSAGES: usize = 10_000;
/// Bytes of messages that wait for a session which does not read them. PostgreSQL's queue has 8 GB for all, on disk.
const WAITING: usize = 8 << 20;
/// PostgreSQL's bounds, in bytes.
const CHANNEL: usize = 63;
const PAYLOAD: usize = 7_999;

/// A message to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The number of the session that sent it.
    pub pid: i32,
    /// The channel.
    pub channel: String,
    /// What it says; may be empty.
    pub payload: String,
}

/// What a transaction says, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Listen(String),
    Unlisten(Option<String>),
    Notify(String, String),
}

/// Messages that wait for a session.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<(usize, VecDeque<Notification>)>,
    arrived: Notify,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, (usize, VecDeque<Notification>)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self) -> bool {
        self.waiting().0 > WAITING
    }

    fn put(&self, notification: Notification) {
        {
            let mut waiting = self.waiting();
            waiting.0 += notification.channel.len() + notification.payload.len() + size_of::<Notification>();
            waiting.1.push_back(notification);
        }
        self.arrived.notify_one();
    }

    pub(super) fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut *self.waiting()).1.into()
    }

    pub(super) async fn arrived(&self) {
        loop {
            let arrived = self.arrived.notified();
            if !self.waiting().1.is_empty() {
                return;
            }
            arrived.await;
        }
    }
}

/// Refuses what PostgreSQL refuses.
pub(super) fn check(channel: &str, payload: &str) -> Result<(), CatalogError> {
    let refused = |reason: &str| Err(CatalogError::InvalidParameter(reason.to_owned()));
    match (channel.len(), payload.len()) {
        (0, _) => refused("channel name cannot be empty"),
        (length, _) if length > CHANNEL => refused("channel name too long"),
        (_, length) if length > PAYLOAD => refused("payload string too long"),
        _ => Ok(()),
    }
}

/// Who listens to what.
#[derive(Debug, Default)]
pub(super) struct Channels {
    listeners: Mutex<BTreeMap<String, BTreeMap<u64, Arc<Inbox>>>>,
}

impl Channels {
    fn listeners(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<u64, Arc<Inbox>>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a message before its transaction is committed, if somebody has not read what came before.
    pub(super) fn has_room(&self, channel: &str) -> Result<(), CatalogError> {
        let listeners = self.listeners();
        let mut inboxes = listeners.get(channel).into_iter().flat_map(BTreeMap::values);
        match inboxes.any(|inbox| inbox.is_full()) {
            true => Err(CatalogError::LimitExceeded(
                "too many notifications in the NOTIFY queue: a session that listens does not read them"
                    .to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// What a transaction said takes effect at once, so that all sessions hear transactions in one order.
    pub(super) fn deliver(&self, member: u64, pid: i32, inbox: &Arc<Inbox>, messages: Vec<Message>) {
        let mut listeners = self.listeners();
        // As in PostgreSQL, who begins to listen does not hear what the same transaction sends before all of it is known.
        let (said, sent): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| !matches!(message, Message::Notify(..)));
        for message in said {
            match message {
                Message::Listen(channel) => {
                    listeners
                        .entry(channel)
                        .or_default()
                        .insert(member, Arc::clone(inbox));
                }
                Message::Unlisten(Some(channel)) => {
                    if let Some(channel) = listeners.get_mut(&channel) {
                        channel.remove(&member);
                    }
                }
                Message::Unlisten(None) => listeners.values_mut().for_each(|channel| {
                    channel.remove(&member);
                }),
                Message::Notify(..) => {}
            }
        }
        listeners.retain(|_, channel| !channel.is_empty());
        for message in sent {
            let Message::Notify(channel, payload) = message else {
                continue;
            };
            for inbox in listeners.get(&channel).into_iter().flat_map(BTreeMap::values) {
                inbox.put(Notification {
                    pid,
                    channel: channel.clone(),
                    payload: payload.clone(),
                });
            }
        }
    }

    pub(super) fn forget(&self, member: u64) {
        self.listeners().retain(|_, channel| {
            channel.remove(&member);
            !channel.is_empty()
        });
    }

    pub(super) fn of(&self, member: u64) -> Vec<String> {
        let listeners = self.listeners();
        let own = listeners
            .iter()
            .filter(|(_, channel)| channel.contains_key(&member));
        let own: BTreeSet<_> = own.map(|(name, _)| name.clone()).collect();
        own.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Exchange, Member};
    use super::*;

    #[test]
    fn what_is_committed_is_heard_and_nothing_else() {
        let exchange = Arc::new(Exchange::default());
        let (one, other) = (
            Member::new(Arc::clone(&exchange), 1),
            Member::new(Arc::clone(&exchange), 2),
        );
        other.listen("a");
        one.notify("a", "early").unwrap();
        one.end(true);
        assert!(other.heard().is_empty(), "LISTEN was not committed");
        other.end(true);
        one.notify("a", "x").unwrap();
        let mark = one.mark();
        one.notify("a", "undone").unwrap();
        one.back_to(mark);
        one.notify("a", "x").unwrap();
        one.notify("b", "nobody").unwrap();
        one.end(true);
        one.notify("a", "rolled back").unwrap();
        one.end(false);
        let heard = other.heard();
        assert_eq!(heard.len(), 1);
        assert_eq!(
            (heard[0].pid, heard[0].channel.as_str(), heard[0].payload.as_str()),
            (1, "a", "x")
        );
        other.unlisten(None);
        other.end(true);
        one.notify("a", "y").unwrap();
        one.end(true);
        assert!(other.heard().is_empty());
        assert!(exchange.channels.listeners().is_empty());
    }

    #[test]
    fn a_session_that_does_not_read_stops_who_sends() {
        let exchange = Arc::new(Exchange::default());
        let (one, other) = (
            Member::new(Arc::clone(&exchange), 1),
            Member::new(Arc::clone(&exchange), 2),
        );
        other.listen("a");
        other.end(true);
        let mut sent = 0;
        while one.notify("a", &format!("{sent:07000}")).is_ok() {
            one.end(true);
            sent += 1;
            assert!(sent < 10_000);
        }
        assert_eq!(other.heard().len(), sent);
        one.notify("a", "again").unwrap();
        one.end(true);
        other.leave();
        one.notify("a", "to nobody").unwrap();
    }
}
