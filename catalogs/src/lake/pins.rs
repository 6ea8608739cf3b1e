//! What this process is reading or writing: vacuum leaves it alone, however old it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::Lake;
use crate::epoch::Epoch;

/// The pins of one lake in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pins(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: AtomicU64,
    pinned: Mutex<BTreeMap<u64, Pinned>>,
}

#[derive(Debug, Clone)]
enum Pinned {
    /// An epoch, by a transaction that began at that time.
    Epoch(u64, DateTime<Utc>),
    /// A version of a table, by a scan or a plan.
    Table(Arc<str>, i64),
}

/// Keeps an epoch, or a version of a table, from this process's vacuum until it is dropped.
#[derive(Debug)]
pub struct Pin {
    pins: Pins,
    id: u64,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pinned = self.pins.0.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.remove(&self.id);
    }
}

impl Pins {
    fn pin(&self, what: Pinned) -> Arc<Pin> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut pinned = self.0.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.insert(id, what);
        Arc::new(Pin {
            pins: self.clone(),
            id,
        })
    }

    /// Pins a version of a table.
    pub(crate) fn table(&self, location: &Arc<str>, version: i64) -> Arc<Pin> {
        self.pin(Pinned::Table(Arc::clone(location), version))
    }

    fn all(&self) -> Vec<Pinned> {
        let pinned = self.0.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.values().cloned().collect()
    }

    /// The oldest epoch that is pinned.
    pub(super) fn oldest_epoch(&self) -> Option<u64> {
        let epochs = self.all().into_iter().filter_map(|pinned| match pinned {
            Pinned::Epoch(epoch, _) => Some(epoch),
            Pinned::Table(..) => None,
        });
        epochs.min()
    }

    /// When the oldest open transaction began: files that are younger may be its own.
    pub(super) fn oldest_start(&self) -> Option<DateTime<Utc>> {
        let starts = self.all().into_iter().filter_map(|pinned| match pinned {
            Pinned::Epoch(_, since) => Some(since),
            Pinned::Table(..) => None,
        });
        starts.min()
    }

    /// The oldest version of a table that is pinned.
    pub(crate) fn oldest_version(&self, location: &str) -> Option<i64> {
        let versions = self.all().into_iter().filter_map(|pinned| match pinned {
            Pinned::Table(table, version) if *table == *location => Some(version),
            _ => None,
        });
        versions.min()
    }
}

impl Lake {
    /// Keeps an epoch readable while the pin lives, whatever vacuum this process runs.
    #[must_use]
    pub fn pin(&self, epoch: &Epoch) -> Arc<Pin> {
        self.storage().pins.pin(Pinned::Epoch(epoch.number, Utc::now()))
    }
}
