//! Mending: what is damaged is written again from where it is written down a second time.

use std::collections::BTreeSet;

use futures::StreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tracing::warn;

use super::examine::intents;
use super::{Damage, Finding, FindingKind, Mend};
use crate::delta::action::{Action, parse_commit};
use crate::delta::checkpoint;
use crate::delta::log::{commit_path, load, read_commit, write_checkpoint};
use crate::lake::catalog::{CATALOG, encode};
use crate::lake::intent::{Intent, TableCommit};
use crate::lake::{Lake, Storage, load_epoch, record, redo};
use crate::{Error, Result};

/// Intents that are read at the same time.
const AT_ONCE: usize = 16;

/// Mends what can be; says what was.
pub(super) async fn repair(storage: &Storage, damages: &[Damage]) -> Result<Vec<Finding>> {
    let mut done = Vec::new();
    let mut mended = |path: &Path, text: String| {
        done.push(Finding {
            kind: FindingKind::Repaired,
            path: path.to_string(),
            text,
        });
    };
    // The order matters: the catalog's commit is carried out anew upon whole tables, checkpoints are made of whole commits.
    let mut commits = BTreeSet::new();
    let (mut catalog, mut catalog_files) = (BTreeSet::new(), BTreeSet::new());
    for damage in damages {
        match &damage.mend {
            Mend::Commit { table, version } => {
                commits.insert((table.clone(), *version));
            }
            Mend::Catalog { epoch } => {
                catalog.insert(*epoch);
            }
            Mend::CatalogFile { epoch } => {
                catalog_files.insert(*epoch);
            }
            Mend::No | Mend::Checkpoint { .. } | Mend::Open => {}
        }
    }
    for (intent, commit) in decisions(storage, commits).await? {
        if rewrite(storage, &intent, &commit).await? {
            let path = commit_path(&commit.location, commit.version);
            mended(
                &path,
                format!("written again as epoch {} decided it", intent.record.epoch),
            );
        }
    }
    let epochs: BTreeSet<u64> = catalog.union(&catalog_files).copied().collect();
    for epoch in epochs {
        let path = match catalog.contains(&epoch) {
            true => publish_again(storage, epoch).await?,
            false => encode_again(storage, epoch).await?,
        };
        if let Some(path) = path {
            mended(&path, format!("written again as epoch {epoch} was decided"));
        }
    }
    for damage in damages {
        if let Mend::Checkpoint { table, version } = &damage.mend
            && checkpoint_again(storage, table, *version).await?
        {
            let path = crate::delta::path(&damage.path);
            mended(&path, "made again of the commits before it".into());
        }
    }
    if let Some(waiting) = damages.iter().find(|damage| damage.mend == Mend::Open) {
        match Lake::open_in(storage.clone()).await {
            Ok(_) => mended(&Path::from(waiting.path.as_str()), "carried out".into()),
            Err(error @ Error::Damaged { .. }) => warn!(%error, "the lake cannot be opened"),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The intents that decided these commits, as far as they are still there.
async fn decisions(
    storage: &Storage,
    mut wanted: BTreeSet<(String, i64)>,
) -> Result<Vec<(Intent, TableCommit)>> {
    let mut found = Vec::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let numbers = intents(storage).await?;
    let mut read = futures::stream::iter(numbers.into_iter().rev())
        .map(|number| async move { (number, storage.read(&Intent::path(number)).await) })
        .buffered(AT_ONCE);
    while let Some((number, bytes)) = read.next().await {
        let Some(Ok(intent)) = bytes?.map(|bytes| Intent::parse(number, &bytes)) else {
            continue;
        };
        for commit in &intent.tables {
            let key = (commit.location.clone(), commit.version);
            // Taken back, then decided anew: the later one holds.
            if wanted.contains(&key) && stands(storage, &intent, commit).await? {
                wanted.remove(&key);
                found.push((intent.clone(), commit.clone()));
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Whether that intent's commit is what belongs there, not somebody else's that came before it.
async fn stands(storage: &Storage, intent: &Intent, commit: &TableCommit) -> Result<bool> {
    let number = intent.record.epoch;
    let version = i64::try_from(number).map_err(|_| Error::NoEpoch { epoch: number })?;
    match read_commit(storage, CATALOG, version).await {
        Ok(Some(actions)) => {
            let txn = actions.iter().find_map(|action| match action {
                Action::CommitInfo(info) => info.get("radlake")?.get("txn")?.as_str(),
                _ => None,
            });
            let aborted = record(&actions).is_none_or(|record| record.aborted.is_some());
            Ok(txn == Some(intent.txn.as_str()) && !aborted)
        }
        // The catalog does not say what became of it: only what is left of the commit itself can, unless nothing came after.
        Ok(None) | Err(Error::Damaged { .. }) => {
            let there = storage
                .read(&commit_path(&commit.location, commit.version))
                .await?;
            let begun =
                there.is_some_and(|there| !there.is_empty() && commit.commit.as_bytes().starts_with(&there));
            let last = !storage.exists(&Intent::path(number + 1)).await?;
            Ok(begun || last)
        }
        Err(error) => Err(error),
    }
}

/// Writes a table's commit as it was decided, where what is there is none or the beginning of it.
async fn rewrite(storage: &Storage, intent: &Intent, commit: &TableCommit) -> Result<bool> {
    let path = commit_path(&commit.location, commit.version);
    let Some(there) = storage.read(&path).await? else {
        return storage.create(&path, commit.commit.clone()).await;
    };
    let torn = there.len() < commit.commit.len() && commit.commit.as_bytes().starts_with(&there);
    if torn || parse_commit(path.as_ref(), &there).is_err() {
        storage.write(&path, commit.commit.clone()).await?;
        return Ok(true);
    }
    if there != commit.commit.as_bytes() {
        let epoch = intent.record.epoch;
        warn!(%path, epoch, "another commit than was decided stands here, whole: left as it is");
    }
    Ok(false)
}

/// The intent of an epoch, if it is there and whole.
async fn decision(storage: &Storage, epoch: u64) -> Result<Option<Intent>> {
    let bytes = storage.read(&Intent::path(epoch)).await?;
    Ok(bytes.and_then(|bytes| Intent::parse(epoch, &bytes).ok()))
}

/// Carries an epoch out once more in place of a commit of the catalog that cannot be read.
async fn publish_again(storage: &Storage, epoch: u64) -> Result<Option<Path>> {
    let Some(intent) = decision(storage, epoch).await? else {
        return Ok(None);
    };
    // With another commit in a table's log it would be taken back this time, whatever it was the first time.
    for commit in &intent.tables {
        let there = storage
            .read(&commit_path(&commit.location, commit.version))
            .await?;
        if there.is_none_or(|there| there != commit.commit.as_bytes()) {
            return Ok(None);
        }
    }
    let version = i64::try_from(epoch).map_err(|_| Error::NoEpoch { epoch })?;
    let path = commit_path(CATALOG, version);
    let base = match epoch.checked_sub(1) {
        None => None,
        Some(before) => match load_epoch(storage, before).await {
            Ok(base) => Some(base),
            Err(Error::Damaged { .. } | Error::NoEpoch { .. }) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    // From here on it is as if its writer had died just before this commit: anybody carries it out, to the same bytes.
    match storage.store.delete(&path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    match base {
        None => {
            redo::creation(storage, &intent).await?;
        }
        Some(base) => {
            Lake::with(storage.clone(), base).redo(&intent).await?;
        }
    }
    Ok(Some(path))
}

/// Writes the catalog's file of an epoch once more, if that makes the very file that its commit names.
async fn encode_again(storage: &Storage, epoch: u64) -> Result<Option<Path>> {
    let Some(mut intent) = decision(storage, epoch).await? else {
        return Ok(None);
    };
    let version = i64::try_from(epoch).map_err(|_| Error::NoEpoch { epoch })?;
    let actions = read_commit(storage, CATALOG, version).await?.unwrap_or_default();
    let name = actions.iter().find_map(|action| match action {
        Action::Add(add) => Some(add.path.clone()),
        _ => None,
    });
    let (Some(name), Some(record)) = (name, record(&actions)) else {
        return Ok(None);
    };
    intent.record.aborted = record.aborted;
    let base = match epoch.checked_sub(1) {
        None => None,
        Some(before) => match load_epoch(storage, before).await {
            Ok(base) => Some(base),
            Err(Error::Damaged { .. } | Error::NoEpoch { .. }) => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let bytes = encode(&intent.apply(base.as_ref())?)?;
    // Its name holds its hash: other bytes are of another version of Radlake.
    let hash = blake3::hash(&bytes).to_hex();
    if !name.contains(&hash[..16]) {
        return Ok(None);
    }
    let path = Path::from(format!("{CATALOG}/{name}"));
    storage.write(&path, bytes).await?;
    Ok(Some(path))
}

/// Writes a checkpoint anew, if the log tells what it held; removes the parts of one that had another form.
async fn checkpoint_again(storage: &Storage, table: &str, version: i64) -> Result<bool> {
    let torn = checkpoint::list(storage, table, version).await?;
    let mut parts: BTreeSet<Path> = BTreeSet::new();
    for found in torn.into_iter().filter(|found| found.version == version) {
        if let Err(Error::Damaged { .. }) = found.read(storage, table).await {
            parts.extend(found.parts().iter().cloned());
        }
    }
    let readable = match table {
        CATALOG => Ok(()),
        table => load(storage, table, version).await.map(drop),
    };
    let made = match readable {
        Ok(()) => write_checkpoint(storage, table, version).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(()) => {}
        // Then the torn one stays: it is all that there is of the commits before it.
        Err(Error::Damaged { .. }) => return Ok(false),
        Err(error) => return Err(error),
    }
    let new = crate::delta::below(table, format_args!("_delta_log/{version:020}.checkpoint.parquet"));
    for part in parts.into_iter().filter(|part| *part != new) {
        match storage.store.delete(&part).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}
