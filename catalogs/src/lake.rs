//! The lake: one folder or bucket of tables that change together, epoch by epoch.
//!
//! A commit is decided by creating its intent, `_radlake/intents/{epoch}.json`, which only one writer can. Then the
//! tables' Delta logs and last the catalog follow it; anybody may carry that out, any number of times, so that a crash
//! always rolls forward. Readers see the epoch once the catalog's log has it.

mod apps;
mod awake;
mod catalog;
mod check;
mod commitment;
mod durable;
mod edit;
mod group;
mod horizon;
mod intent;
mod optimize;
mod pins;
mod probed;
mod redo;
mod reserve;
mod secret;
mod sequences;
mod storage;
mod synced;
mod temporary;
mod transact;
mod transaction;
mod turn;
mod vacuum;
mod vacuumed;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::sync::{Mutex as AsyncMutex, OnceCell, OwnedMutexGuard};
use url::Url;

pub(crate) use self::apps::Apps;
use self::awake::Awake;
use self::catalog::CATALOG;
pub use self::catalog::FORMAT;
pub use self::check::{CheckOptions, CheckReport, Finding, FindingKind};
pub use self::commitment::Commitment;
pub use self::edit::Edits;
use self::group::Waiting;
use self::intent::Intent;
pub use self::optimize::{OptimizeOptions, OptimizeReport};
pub use self::pins::Pin;
pub(crate) use self::storage::{Storage, bucket};
pub(crate) use self::temporary::is_temporary;
pub use self::temporary::{DELETE_ROWS, DROP, ON_COMMIT, TEMPORARY_OIDS, Temporary, is_temporary_schema};
pub use self::transaction::{StagedFiles, Transaction};
use self::turn::Turns;
pub use self::vacuum::{VacuumOptions, VacuumReport};
use crate::delta::LakeTable;
use crate::delta::action::Action;
use crate::delta::files::{FileSet, FileSets};
use crate::delta::log::{advance, commit_path, load, read_commit};
use crate::epoch::Epoch;
use crate::object::{Object, TableObject};
use crate::system::EpochRecord;
use crate::{Error, Result};

/// Epochs beyond the mark of what is on the disk that are looked at, each time a lake is opened, without a thought.
const FAR: u64 = 32;
/// Epochs that are kept in memory, beside the newest.
const KEPT_EPOCHS: usize = 32;

/// A lake. Clones are handles on the same one.
#[derive(Debug, Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    storage: Storage,
    newest: ArcSwap<Epoch>,
    epochs: Mutex<BTreeMap<u64, Arc<Epoch>>>,
    sets: FileSets,
    /// One commit of this process at a time; other processes are held off by the intent alone.
    commit: Arc<AsyncMutex<()>>,
    /// Transactions that wait for their commit: the next to have the lock takes them along.
    waiting: Mutex<VecDeque<Waiting>>,
    /// Fairness between processes.
    turns: Turns,
    /// When the storage was asked for the newest epoch.
    awake: Awake,
    /// This machine's clock is not ahead of the storage's.
    clock: OnceCell<()>,
    /// Locks of tables by OID: see [`Lake::lock_table`].
    locks: Mutex<HashMap<u32, Arc<AsyncMutex<()>>>>,
    /// One load of a table's log at a time.
    loads: Mutex<HashMap<String, Arc<AsyncMutex<()>>>>,
    /// Numbers of sequences that were taken and not given.
    sequences: sequences::Taken,
}

impl Lake {
    /// Makes a lake with these objects, all or nothing. Objects without an OID get one; tables are made.
    ///
    /// # Errors
    /// [`Error::LakeExists`] if there is one.
    pub async fn create(url: &str, seed: Vec<Object>) -> Result<Self> {
        let storage = Storage::at(url, true)?;
        if storage.holds_other_things().await? {
            return Err(Error::invalid(format!(
                "{} is not empty and holds no lake: choose a folder that is empty or not there yet",
                storage.url
            )));
        }
        Self::create_in(storage, seed).await
    }

    pub(crate) async fn create_in(storage: Storage, seed: Vec<Object>) -> Result<Self> {
        let exists = || Error::LakeExists {
            url: storage.url.to_string(),
        };
        if find_newest(&storage).await?.is_some() || storage.exists(&Intent::path(0)).await? {
            return Err(exists());
        }
        probed::refuses_a_second(&storage).await?;
        let intent = transaction::creation(seed)?;
        let (path, bytes) = (Intent::path(0), serde_json::to_vec(&intent)?);
        if !storage.create(&path, bytes.clone()).await? {
            // A request of ours that was carried out may have been answered by an error, and repeated: then it is this very lake.
            match storage.read(&path).await? {
                Some(there) if there == bytes => {}
                _ => return Err(exists()),
            }
        }
        let epoch = redo::creation(&storage, &intent).await?;
        storage.synced.begin(&storage, epoch.number).await?;
        reserve::put_aside(&storage).await;
        Ok(Self::with(storage, epoch))
    }

    /// Opens a lake and carries out what a crash left undone.
    ///
    /// # Errors
    /// [`Error::NoLake`] if there is none.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_in(Storage::at(url, false)?).await
    }

    pub(crate) async fn open_in(storage: Storage) -> Result<Self> {
        probed::refuses_a_second(&storage).await?;
        let mark = synced::marked(&storage).await?;
        let epoch = match find_newest(&storage).await? {
            Some(newest) => {
                synced::heal(&storage, mark, newest).await?;
                storage.synced.begin(&storage, newest).await?;
                load_epoch(&storage, newest).await?
            }
            None => match storage.read(&Intent::path(0)).await? {
                Some(bytes) => {
                    let epoch = redo::creation(&storage, &Intent::parse(0, &bytes)?).await?;
                    storage.synced.begin(&storage, epoch.number).await?;
                    epoch
                }
                None => {
                    return Err(Error::NoLake {
                        url: storage.url.to_string(),
                    });
                }
            },
        };
        let lake = Self::with(storage, epoch);
        lake.recover().await?;
        // Processes that end right after their commit leave the mark where it was: it is not to fall behind for good.
        if mark.is_some_and(|mark| lake.known().number > mark + FAR)
            && let Err(error) = lake.sync_now().await
        {
            tracing::debug!(%error, "the mark of what is on the disk was not moved");
        }
        Ok(lake)
    }

    fn with(storage: Storage, epoch: Epoch) -> Self {
        Self {
            inner: Arc::new(Inner {
                storage,
                newest: ArcSwap::from_pointee(epoch),
                epochs: Mutex::default(),
                sets: FileSets::default(),
                commit: Arc::default(),
                waiting: Mutex::default(),
                turns: Turns::default(),
                awake: Awake::default(),
                clock: OnceCell::new(),
                locks: Mutex::default(),
                loads: Mutex::default(),
                sequences: sequences::Taken::default(),
            }),
        }
    }

    /// Address of the lake.
    pub fn url(&self) -> &Url {
        &self.inner.storage.url
    }

    /// The lake's files; paths are relative to the lake.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner.storage.store)
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// The newest epoch that this handle knows of, without asking the storage.
    pub fn known(&self) -> Arc<Epoch> {
        self.inner.newest.load_full()
    }

    /// The newest epoch. While nobody commits, this is one question to the storage: is there a next one?
    pub async fn latest(&self) -> Result<Arc<Epoch>> {
        let known = self.known();
        let (began, slept) = (Awake::now(), self.inner.awake.slept());
        let mut number = known.number;
        while self
            .storage()
            .exists(&commit_path(CATALOG, next(number)?))
            .await?
        {
            number += 1;
        }
        if slept && self.horizon().await? > number {
            // The commits that follow are gone, and newer ones are there.
            number = find_newest(self.storage()).await?.unwrap_or(number).max(number);
        }
        self.inner.awake.asked(began);
        if number == known.number {
            return Ok(known);
        }
        let epoch = Arc::new(load_epoch(self.storage(), number).await?);
        Ok(self.remember(epoch))
    }

    /// Makes `epoch` the newest known, unless a newer one is; gives the newest.
    fn remember(&self, epoch: Arc<Epoch>) -> Arc<Epoch> {
        self.keep(&epoch);
        self.inner.newest.rcu(|known| {
            if known.number < epoch.number {
                Arc::clone(&epoch)
            } else {
                Arc::clone(known)
            }
        });
        self.known()
    }

    fn keep(&self, epoch: &Arc<Epoch>) {
        if let Ok(mut epochs) = self.inner.epochs.lock() {
            epochs.insert(epoch.number, Arc::clone(epoch));
            while epochs.len() > KEPT_EPOCHS {
                epochs.pop_first();
            }
        }
    }

    /// A table at the version that its entry pins.
    pub async fn table(&self, table: &TableObject) -> Result<Arc<LakeTable>> {
        let files = self.files(&table.location, table.version).await?;
        Ok(Arc::new(LakeTable::new(
            table.clone(),
            files,
            self.storage().clone(),
        )?))
    }

    /// The files of a table at a version: from memory, or by reading what came after what is in memory.
    pub(crate) async fn files(&self, location: &str, version: i64) -> Result<Arc<FileSet>> {
        let sets = &self.inner.sets;
        if let Some(set) = sets.at_or_before(location, version)
            && set.version == version
        {
            return Ok(set);
        }
        let lock = self
            .inner
            .loads
            .lock()
            .map(|mut loads| Arc::clone(loads.entry(location.to_owned()).or_default()));
        let lock = lock.map_err(|_| Error::internal("locks of logs"))?;
        let _loading = lock.lock().await;
        let set = match sets.at_or_before(location, version) {
            Some(set) if set.version == version => return Ok(set),
            Some(set) => match advance(self.storage(), &set, version).await {
                // What is in memory may be older than the log is long.
                Err(Error::Damaged { .. }) => load(self.storage(), location, version).await?,
                advanced => advanced?,
            },
            None => load(self.storage(), location, version).await?,
        };
        let set = Arc::new(set);
        sets.put(Arc::clone(&set));
        Ok(set)
    }

    /// Holds off other writers of this process that ask for the same lock: for statements that rewrite a table's
    /// files, so that they wait for each other instead of building in vain. Safety does not hang on it.
    pub async fn lock_table(&self, oid: u32) -> Result<OwnedMutexGuard<()>> {
        let lock = self
            .inner
            .locks
            .lock()
            .map(|mut locks| Arc::clone(locks.entry(oid).or_default()));
        let lock = lock.map_err(|_| Error::internal("locks of tables"))?;
        Ok(lock.lock_owned().await)
    }

    /// The newest commits, newest first.
    pub async fn history(&self, limit: usize) -> Result<Vec<EpochRecord>> {
        let newest = self.latest().await?.number;
        let oldest = newest.saturating_sub(limit.saturating_sub(1) as u64);
        let numbers = (oldest..=newest).rev().take(limit);
        let records: Vec<Option<EpochRecord>> = futures::stream::iter(numbers)
            .map(|number| async move {
                let version = i64::try_from(number).map_err(|_| Error::NoEpoch { epoch: number })?;
                let actions = read_commit(self.storage(), CATALOG, version).await?;
                Ok::<_, Error>(actions.and_then(|actions| record(&actions)))
            })
            .buffered(16)
            // Older commits have been expired.
            .try_take_while(|record| std::future::ready(Ok(record.is_some())))
            .try_collect()
            .await?;
        Ok(records.into_iter().flatten().collect())
    }
}

/// The number after `epoch`, as a version of a log.
fn next(epoch: u64) -> Result<i64> {
    i64::try_from(epoch + 1).map_err(|_| Error::NoEpoch { epoch })
}

/// The record that the catalog's commit carries.
fn record(actions: &[Action]) -> Option<EpochRecord> {
    actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => serde_json::from_value(info.get("radlake")?.get("record")?.clone()).ok(),
        _ => None,
    })
}

/// The newest version of the catalog's log: from the last checkpoint on, by listing.
async fn find_newest(storage: &Storage) -> Result<Option<u64>> {
    let log = Path::from(format!("{CATALOG}/_delta_log"));
    let hint = storage
        .read(&Path::from(format!("{CATALOG}/_delta_log/_last_checkpoint")))
        .await?;
    let checkpoint = hint
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
        .and_then(|hint| hint.get("version")?.as_u64());
    let from = checkpoint.unwrap_or(0);
    let after = Path::from(format!("{CATALOG}/_delta_log/{from:020}"));
    let listed = storage.list_after(&log, &after).await?;
    let versions = listed.iter().filter_map(|meta| {
        let stem = meta.location.filename()?.strip_suffix(".json")?;
        (stem.len() == 20).then(|| stem.parse::<u64>().ok())?
    });
    Ok(versions.max())
}

/// Reads an epoch: its commit, and the file that it names.
async fn load_epoch(storage: &Storage, number: u64) -> Result<Epoch> {
    let missing = || Error::NoEpoch { epoch: number };
    let version = i64::try_from(number).map_err(|_| missing())?;
    let actions = read_commit(storage, CATALOG, version)
        .await?
        .ok_or_else(missing)?;
    let added = actions.iter().find_map(|action| match action {
        Action::Add(add) => Some(add),
        _ => None,
    });
    let damaged = || Error::damaged(commit_path(CATALOG, version), "not a commit of the catalog");
    let (add, record) = (added.ok_or_else(damaged)?, record(&actions).ok_or_else(damaged)?);
    let path = format!("{CATALOG}/{}", add.path);
    let bytes = storage
        .read(&Path::from(path.as_str()))
        .await?
        .ok_or_else(|| Error::damaged(&path, "the catalog's file is missing"))?;
    let mut epoch = catalog::decode(number, record.at, &path, bytes, storage.url.as_str())?;
    epoch.file = (add.path.clone(), add.size);
    Ok(epoch)
}
