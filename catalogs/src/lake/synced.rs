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
use super::redo::publish;
use super::{Lake, Storage, load_epoch, next};
use crate::delta::log::commit_path;
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
fn sync_all(root: &std::path::Path) -> std::io::Result<()> {
    Ok(rustix::fs::syncfs(std::fs::File::open(root)?)?)
}

#[cfg(not(target_os = "linux"))]
fn sync_all(_root: &std::path::Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
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
                let known = || inner.upgrade().map(|inner| inner.newest.load().number);
                let Some(epoch) = known() else { return };
                if let Err(error) = mark(&state, &storage, epoch).await {
                    // The next commit tries again; until then more is looked at after a power cut.
                    warn!(%error, "commits could not be synced to the disk");
                    return;
                }
                if known().is_none_or(|newest| newest == epoch) {
                    drop(busy);
                    return;
                }
            }
        });
    }
}

/// Asks the disk to have everything, then says so.
async fn mark(state: &Arc<State>, storage: &Storage, epoch: u64) -> Result<()> {
    let synced = Arc::clone(state);
    let done = tokio::task::spawn_blocking(move || sync_all(&synced.root)).await;
    let io = |source| Error::Io {
        context: "syncing the lake's file system".to_owned(),
        source,
    };
    done.map_err(|error| io(std::io::Error::other(error)))?
        .map_err(io)?;
    storage
        .write(&mark_path(), serde_json::to_vec(&Mark { epoch })?)
        .await
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

/// Makes whole what a power cut left missing or torn of epochs beyond the mark, `newest` being the newest that the
/// catalog's log has. Gives the newest that can be read. Whatever else is wrong with these files is found when they are read.
pub(super) async fn heal(storage: &Storage, newest: u64) -> Result<u64> {
    if storage.synced.0.is_none() {
        return Ok(newest);
    }
    let mark = match storage.read(&mark_path()).await? {
        Some(bytes) => {
            serde_json::from_slice::<Mark>(&bytes)
                .map_err(|error| Error::damaged(mark_path(), error))?
                .epoch
        }
        // A lake of a version that synced every file.
        None => newest,
    };
    let mut readable = mark.min(newest);
    while let Some(bytes) = storage.read(&Intent::path(readable + 1)).await? {
        let number = readable + 1;
        let intent = Intent::parse(number, &bytes)?;
        let mut aborted = None;
        for commit in &intent.tables {
            let path = commit_path(&commit.location, commit.version);
            match storage.read(&path).await? {
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
                Some(_) => aborted = Some(commit),
            }
        }
        let path = commit_path(CATALOG, next(number - 1)?);
        let there = storage.exists(&path).await?;
        if !there && number > newest {
            // Not published yet: whoever commits next, or the one who is at it, does it.
            break;
        }
        if load_epoch(storage, number).await.is_err() {
            warn!(epoch = number, "a torn epoch is written again");
            let mut intent = intent.clone();
            if let Some(foreign) = aborted {
                intent.record.aborted = Some(format!(
                    "version {} of {} was written outside Radlake",
                    foreign.version, foreign.table
                ));
            }
            if there {
                storage.remove(&path).await?;
            }
            let base = load_epoch(storage, readable).await?;
            publish(storage, &intent, Some(&base)).await?;
        }
        readable = number;
    }
    if mark > newest {
        // Its names would be on the disk: the mark is another lake's, or the log was cut.
        return Err(Error::damaged(
            mark_path(),
            format!("it says epoch {mark}, and the newest of the catalog's log is {newest}"),
        ));
    }
    // Without its intent an epoch is as it is found: intents outlive the mark by weeks.
    let readable = readable.max(newest);
    storage.synced.begin(storage, readable).await?;
    Ok(readable)
}
