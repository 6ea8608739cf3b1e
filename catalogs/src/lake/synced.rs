//! What is on the disk for certain, on a local lake.
//!
//! A commit is decided, and stays, once its data files and its intent are on the disk. All that follows — the tables'
//! commits, the catalog's file and commit — can be made again from the intent, so nobody waits for the disk to have it. It is
//! there within a second or two: then a mark says up to which epoch. After a power cut the epochs beyond the mark are compared
//! with their intents, and what is missing or torn is written again before anybody reads the lake.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use super::catalog::CATALOG;
use super::intent::Intent;
use super::redo::publish_over;
use super::{Lake, Storage, horizon, load_epoch, next};
use crate::delta::log::{commit_path, read_commit};
use crate::epoch::Epoch;
use crate::{Error, Result};

/// How long commits gather before the disk is asked to have them.
const GATHER: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Mark {
    epoch: u64,
}

fn mark_path() -> Path {
    Path::from("_radlake/synced.json")
}

/// Whether, and how, a lake's commits reach the disk later than they are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Synced(Option<Arc<State>>);

#[derive(Debug)]
struct State {
    root: PathBuf,
    /// There is a mark, so that what is written from now on is looked at after a power cut.
    marked: AtomicBool,
    /// A task is at it.
    busy: AtomicBool,
}

/// Gives the place of the one task free, also when it is aborted.
struct Busy(Arc<State>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

impl Synced {
    /// For a local folder. Where the system cannot be asked for a whole file system at once, every file is synced as
    /// it is written.
    pub(super) fn of(root: PathBuf) -> Self {
        if !cfg!(target_os = "linux") {
            return Self::default();
        }
        Self(Some(Arc::new(State {
            root,
            marked: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })))
    }

    /// Whether files that can be made again need not be on the disk when they are written.
    pub(super) fn is_lazy(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|state| state.marked.load(Ordering::SeqCst))
    }

    /// Sets the first mark: everything up to `epoch` was synced as it was written.
    pub(super) async fn begin(&self, storage: &Storage, epoch: u64) -> Result<()> {
        let Some(state) = &self.0 else { return Ok(()) };
        let mark = serde_json::to_vec(&Mark { epoch })?;
        match storage.create(&mark_path(), mark).await {
            Ok(_) => state.marked.store(true, Ordering::SeqCst),
            // Who only reads need not be able to write.
            Err(error) => debug!(%error, "no mark: commits are synced file by file"),
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn sync_file_system(folder: &std::path::Path) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(std::fs::File::open(folder)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_folder: &std::path::Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn device(folder: &std::path::Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).ok().map(|metadata| metadata.dev())
}

#[cfg(not(unix))]
fn device(_folder: &std::path::Path) -> Option<u64> {
    None
}

/// Syncs the lake's file system, and those of tables whose folders are elsewhere.
fn sync_all(root: &std::path::Path, tables: &[String]) -> std::io::Result<()> {
    sync_file_system(root)?;
    let mut synced = std::collections::BTreeSet::from_iter(device(root));
    for table in tables {
        let log = root.join(table).join("_delta_log");
        if device(&log).is_some_and(|device| synced.insert(device)) {
            sync_file_system(&log)?;
        }
    }
    Ok(())
}

impl Lake {
    /// Has the disk take what was committed, soon, and moves the mark. One task at a time; nobody waits for it.
    pub(super) fn sync_soon(&self) {
        let Some(state) = self.storage().synced.0.clone() else {
            return;
        };
        if !state.marked.load(Ordering::SeqCst) || state.busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let (busy, storage) = (Busy(Arc::clone(&state)), self.storage().clone());
        let inner = Arc::downgrade(&self.inner);
        tokio::spawn(async move {
            let busy = busy;
            loop {
                tokio::time::sleep(GATHER).await;
                let known = || inner.upgrade().map(|inner| inner.newest.load_full());
                let Some(epoch) = known() else { return };
                if let Err(error) = mark(&state, &storage, &epoch).await {
                    // The next commit tries again; until then more is looked at after a power cut.
                    warn!(%error, "commits could not be synced to the disk");
                    return;
                }
                if known().is_none_or(|newest| newest.number == epoch.number) {
                    drop(busy);
                    return;
                }
            }
        });
    }

    /// Has the disk take all that is known, and moves the mark.
    pub(super) async fn sync_now(&self) -> Result<()> {
        match &self.storage().synced.0 {
            Some(state) if state.marked.load(Ordering::SeqCst) => {
                mark(state, self.storage(), &self.known()).await
            }
            _ => Ok(()),
        }
    }
}

/// Asks the disk to have everything up to an epoch, then says so.
async fn mark(state: &Arc<State>, storage: &Storage, epoch: &Epoch) -> Result<()> {
    let synced = Arc::clone(state);
    let tables: Vec<String> = epoch.tables().map(|table| table.location.clone()).collect();
    let done = tokio::task::spawn_blocking(move || sync_all(&synced.root, &tables)).await;
    let io = |source| Error::Io {
        context: "syncing the lake's file system".to_owned(),
        source,
    };
    done.map_err(|error| io(std::io::Error::other(error)))?
        .map_err(io)?;
    let mark = serde_json::to_vec(&Mark { epoch: epoch.number })?;
    storage.write(&mark_path(), mark).await
}

/// Whether `there` is what a power cut may leave of `ours`: a part of it, or zeros in its place.
fn is_torn(there: &[u8], ours: &[u8]) -> bool {
    there.len() <= ours.len()
        && there != ours
        && there
            .iter()
            .zip(ours)
            .all(|(there, ours)| there == ours || *there == 0)
}

/// The epoch up to which everything is on the disk; `None` if nobody says.
///
/// To be asked before the newest epoch is looked for: another process may move both meanwhile.
pub(super) async fn marked(storage: &Storage) -> Result<Option<u64>> {
    if storage.synced.0.is_none() {
        return Ok(None);
    }
    let Some(bytes) = storage.read(&mark_path()).await? else {
        return Ok(None);
    };
    match serde_json::from_slice::<Mark>(&bytes) {
        Ok(mark) => Ok(Some(mark.epoch)),
        Err(error) => {
            // What is torn is found when it is read, and `radlake check --repair` mends it.
            warn!(%error, "the mark of what is on the disk cannot be read: it is written anew");
            storage.remove(&mark_path()).await?;
            Ok(None)
        }
    }
}

/// Makes whole what a power cut left missing or torn of epochs beyond the mark, `newest` being the newest that the
/// catalog's log has. Only files are written that follow from a decided intent and are provably not what they were: what else
/// is wrong is found when it is read.
pub(super) async fn heal(storage: &Storage, mark: Option<u64>, newest: u64) -> Result<()> {
    // A lake without a mark is one of a version that synced every file. Of what vacuum took nothing is written again.
    let start = match mark {
        Some(mark) => mark.max(horizon::read(storage).await?),
        None => newest,
    };
    let mut number = start;
    loop {
        number += 1;
        let Some(bytes) = storage.read(&Intent::path(number)).await? else {
            break;
        };
        let intent = Intent::parse(number, &bytes)?;
        let published = state_of(storage, number).await?;
        let mut foreign = None;
        for commit in &intent.tables {
            if matches!(published, Published::Aborted) {
                // What stands in its place is somebody else's.
                break;
            }
            let path = commit_path(&commit.location, commit.version);
            match storage.read(&path).await? {
                // Beyond the newest epoch somebody may be about to write it.
                None if number > newest => {}
                None => {
                    storage.create(&path, commit.commit.clone()).await?;
                }
                Some(there) if there == commit.commit.as_bytes() => {}
                Some(there) if is_torn(&there, commit.commit.as_bytes()) => {
                    warn!(
                        table = commit.table,
                        version = commit.version,
                        "a torn commit is written again"
                    );
                    storage.write(&path, commit.commit.clone()).await?;
                }
                Some(_) => foreign = Some(commit),
            }
        }
        let missing = matches!(published, Published::Not);
        if missing && number > newest || !missing && !matches!(published, Published::Torn) {
            // Whoever commits next publishes it; or it is whole.
            continue;
        }
        let mut intent = intent.clone();
        if let Some(foreign) = foreign {
            intent.record.aborted = Some(format!(
                "version {} of {} was written outside Radlake",
                foreign.version, foreign.table
            ));
        }
        let base = load_epoch(storage, number - 1).await?;
        warn!(epoch = number, "a torn epoch is written again");
        publish_over(storage, &intent, &base).await?;
    }
    Ok(())
}

/// How an epoch stands in the catalog's log.
enum Published {
    Whole,
    Aborted,
    /// Its commit or its file is there and not whole, or the file is missing.
    Torn,
    /// It has no commit.
    Not,
}

async fn state_of(storage: &Storage, number: u64) -> Result<Published> {
    let version = next(number - 1)?;
    if !storage.exists(&commit_path(CATALOG, version)).await? {
        return Ok(Published::Not);
    }
    match load_epoch(storage, number).await {
        Ok(_) => {}
        Err(
            Error::Damaged { .. }
            | Error::NoEpoch { .. }
            | Error::Parquet(_)
            | Error::Arrow(_)
            | Error::Json(_),
        ) => return Ok(Published::Torn),
        Err(error) => return Err(error),
    }
    let actions = read_commit(storage, CATALOG, version).await?;
    let aborted = actions
        .and_then(|actions| super::record(&actions)?.aborted)
        .is_some();
    Ok(match aborted {
        true => Published::Aborted,
        false => Published::Whole,
    })
}
