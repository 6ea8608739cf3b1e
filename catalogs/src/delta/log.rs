//! A table's log: its files' names, its replay, its checkpoints.

use std::ops::RangeInclusive;

use futures::{Stream, StreamExt, TryStreamExt};
use object_store::path::Path;
use tracing::warn;

use super::action::{Action, parse_commit};
use super::checkpoint::{self, State};
use super::files::FileSet;
use crate::lake::Storage;
use crate::{Error, Result};

/// Commits that are replayed one by one rather than from a checkpoint.
const REPLAYED: i64 = 128;
/// Commits that are read at the same time.
const CONCURRENT_READS: usize = 16;

/// The commit of a version.
pub(crate) fn commit_path(table: &str, version: i64) -> Path {
    super::below(table, format_args!("_delta_log/{version:020}.json"))
}

/// The actions of a version; `None` if there is no such version.
pub(crate) async fn read_commit(storage: &Storage, table: &str, version: i64) -> Result<Option<Vec<Action>>> {
    let path = commit_path(table, version);
    match storage.read(&path).await? {
        Some(bytes) => parse_commit(path.as_ref(), &bytes).map(Some),
        None => Ok(None),
    }
}

/// The commits of some versions, in their order.
fn commits<'a>(
    storage: &'a Storage,
    table: &'a str,
    versions: RangeInclusive<i64>,
) -> impl Stream<Item = Result<(i64, Vec<Action>)>> + Unpin + 'a {
    let read = move |version| async move {
        let actions = read_commit(storage, table, version).await?;
        let missing = || Error::damaged(commit_path(table, version), "a commit of the log is missing");
        Ok((version, actions.ok_or_else(missing)?))
    };
    futures::stream::iter(versions)
        .map(read)
        .buffered(CONCURRENT_READS)
        .boxed()
}

/// The files at `version`, from those at an earlier version: reads the commits between, and nothing else.
pub(crate) async fn advance(storage: &Storage, base: &FileSet, version: i64) -> Result<FileSet> {
    let mut files = base.clone();
    let table = files.location.to_string();
    let mut commits = commits(storage, &table, base.version + 1..=version);
    while let Some((version, actions)) = commits.try_next().await? {
        files.apply(version, actions)?;
    }
    drop(commits);
    Ok(files)
}

/// The files at `version`, from nothing.
pub(crate) async fn load(storage: &Storage, table: &str, version: i64) -> Result<FileSet> {
    // Short logs are read directly: no listing, and the first commit is there as long as none was expired.
    if version < REPLAYED && storage.exists(&commit_path(table, 0)).await? {
        return match advance(storage, &FileSet::empty(table), version).await {
            // A checkpoint after the damaged commit holds what it did.
            Err(damage @ Error::Damaged { .. }) => {
                from_checkpoint(storage, table, version).await.map_err(|_| damage)
            }
            loaded => loaded,
        };
    }
    from_checkpoint(storage, table, version).await
}

/// The files at `version` from the newest checkpoint before it that can be read.
async fn from_checkpoint(storage: &Storage, table: &str, version: i64) -> Result<FileSet> {
    let start = newest_checkpoint(storage, table, version).await?;
    let mut files = FileSet::empty(table);
    if let Some(actions) = start.actions {
        files.version = start.version - 1;
        files.apply(start.version, actions)?;
    }
    let advanced = advance(storage, &files, version).await;
    advanced.map_err(|error| passed_over(start.damage, error))
}

/// Where a replay starts.
struct Start {
    /// The version that the actions amount to; -1 where the log starts at its first commit.
    version: i64,
    actions: Option<Vec<Action>>,
    /// What is wrong with a newer checkpoint that was passed over.
    damage: Option<Error>,
}

/// A replay that fails without a checkpoint that was passed over fails for that one's sake.
fn passed_over(damage: Option<Error>, error: Error) -> Error {
    match (damage, error) {
        (
            Some(Error::Damaged { path, reason }),
            Error::Damaged {
                path: other,
                reason: why,
            },
        ) => Error::damaged(path, format!("{reason}; and without it, {other}: {why}")),
        (_, error) => error,
    }
}

/// The newest checkpoint that is not after `version`. One that is torn is passed over: those before it, and the commits, say the
/// same.
async fn newest_checkpoint(storage: &Storage, table: &str, version: i64) -> Result<Start> {
    let mut damage = None;
    for found in checkpoint::list(storage, table, version).await?.into_iter().rev() {
        match found.read(storage, table).await {
            Ok(actions) => {
                return Ok(Start {
                    version: found.version,
                    actions: Some(actions),
                    damage,
                });
            }
            Err(error @ Error::Damaged { .. }) => {
                warn!(table, version = found.version, %error, "a checkpoint cannot be read; an earlier one is used");
                damage = damage.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    if storage.exists(&commit_path(table, 0)).await? {
        return Ok(Start {
            version: -1,
            actions: None,
            damage,
        });
    }
    Err(damage.unwrap_or_else(|| {
        Error::damaged(
            commit_path(table, 0),
            "the log has neither a checkpoint nor its first commit",
        )
    }))
}

/// Writes a checkpoint of `version`, from which readers start instead of from the first commit.
pub(crate) async fn write_checkpoint(storage: &Storage, table: &str, version: i64) -> Result<()> {
    let start = newest_checkpoint(storage, table, version).await?;
    let mut state = State::default();
    state.apply(start.actions.into_iter().flatten());
    let mut commits = commits(storage, table, start.version + 1..=version);
    while let Some((_, actions)) = commits.try_next().await? {
        state.apply(actions);
    }
    checkpoint::write(storage, table, version, state).await
}
