//! A table's log: its files' names, its replay, its checkpoints.

use std::sync::Arc;

use deltalake::{DeltaTable, DeltaTableBuilder};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use super::action::{Action, Add, parse_commit};
use super::files::FileSet;
use crate::lake::Storage;
use crate::{Error, Result};

/// Commits that are replayed one by one rather than from a checkpoint.
const REPLAYED: i64 = 128;
/// Commits that are read at the same time.
const CONCURRENT_READS: usize = 16;
/// What a path in the log has encoded.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\');

/// The commit of a version.
pub(crate) fn commit_path(table: &str, version: i64) -> Path {
    Path::from(format!("{table}/_delta_log/{version:020}.json"))
}

/// The actions of a version; `None` if there is no such version.
pub(crate) async fn read_commit(storage: &Storage, table: &str, version: i64) -> Result<Option<Vec<Action>>> {
    let path = commit_path(table, version);
    match storage.read(&path).await? {
        Some(bytes) => parse_commit(path.as_ref(), &bytes).map(Some),
        None => Ok(None),
    }
}

/// The files at `version`, from those at an earlier version: reads the commits between, and nothing else.
pub(crate) async fn advance(storage: &Storage, base: &FileSet, version: i64) -> Result<FileSet> {
    let mut files = base.clone();
    let table = files.location.to_string();
    let mut commits = futures::stream::iter(base.version + 1..=version)
        .map(|version| {
            let table = &table;
            async move {
                let actions = read_commit(storage, table, version).await?;
                let missing =
                    || Error::damaged(commit_path(table, version), "a commit of the log is missing");
                Ok::<_, Error>((version, actions.ok_or_else(missing)?))
            }
        })
        .buffered(CONCURRENT_READS);
    while let Some((version, actions)) = commits.try_next().await? {
        files.apply(version, actions)?;
    }
    Ok(files)
}

/// The files at `version`, from nothing.
pub(crate) async fn load(storage: &Storage, table: &str, version: i64) -> Result<FileSet> {
    // Short logs are read directly: no listing, and the first commit is there as long as none was expired.
    if version < REPLAYED && storage.exists(&commit_path(table, 0)).await? {
        return advance(storage, &FileSet::empty(table), version).await;
    }
    from_checkpoint(storage, table, version).await
}

/// The files at `version` as delta-rs finds them: from the newest checkpoint before it.
async fn from_checkpoint(storage: &Storage, location: &str, version: i64) -> Result<FileSet> {
    let table = open(storage, location, version).await?;
    let state = table.snapshot()?;
    let mut files = FileSet::empty(location);
    let protocol = serde_json::from_value(serde_json::to_value(state.protocol())?)?;
    let metadata = serde_json::from_value(serde_json::to_value(state.metadata())?)?;
    files.apply(0, [Action::Protocol(protocol), Action::Metadata(metadata)])?;
    for view in state.log_data() {
        let size = u64::try_from(view.size()).map_err(|error| Error::damaged(location, error))?;
        files.insert(Add {
            path: utf8_percent_encode(&view.path(), ENCODED).to_string(),
            partition_values: view.partition_values_map().into_iter().collect(),
            size,
            modification_time: view.modification_time(),
            data_change: true,
            stats: view.stats(),
            tags: None,
            deletion_vector: view
                .deletion_vector_descriptor()
                .map(serde_json::to_value)
                .transpose()?,
        })?;
    }
    files.version = version;
    Ok(files)
}

/// The table in delta-rs' hands.
async fn open(storage: &Storage, location: &str, version: i64) -> Result<DeltaTable> {
    // The store is ours, rooted at the lake; of the address only the path counts.
    let address =
        Url::parse(&format!("memory:///{location}/")).map_err(|error| Error::damaged(location, error))?;
    let version = u64::try_from(version).map_err(|error| Error::damaged(location, error))?;
    Ok(DeltaTableBuilder::from_url(address.clone())?
        .with_storage_backend(Arc::clone(&storage.store), address)
        .with_version(version)
        .load()
        .await?)
}

/// Writes a checkpoint of `version`, from which readers start instead of from the first commit.
pub(crate) async fn checkpoint(storage: &Storage, location: &str, version: i64) -> Result<()> {
    let table = open(storage, location, version).await?;
    Ok(deltalake::checkpoints::create_checkpoint(&table, None).await?)
}
