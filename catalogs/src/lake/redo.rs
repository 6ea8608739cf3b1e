//! Carrying out an intent: the tables' logs first, the catalog's last. Idempotent, by anybody, any number of times.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use object_store::path::Path;
use serde_json::json;
use tracing::warn;

use super::catalog::{CATALOG, SCHEMA, encode};
use super::intent::{Intent, TableCommit};
use super::storage::unsettled;
use super::{Lake, Storage, load_epoch, next};
use crate::delta::action::{Action, Add, Format, Metadata, Protocol, Txn, parse_commit, write_commit};
use crate::delta::files::FileSet;
use crate::delta::log::{commit_path, read_commit, write_checkpoint};
use crate::delta::schema::delta_schema;
use crate::epoch::Epoch;
use crate::{Error, Result};

/// Commits after which a log gets a checkpoint.
const CHECKPOINT_EVERY: i64 = 100;
/// Foreign commits that taking back steps over before it gives up.
const UNDO_ATTEMPTS: i64 = 64;

/// What became of an intent.
pub(super) enum Outcome {
    /// It is visible.
    Published(Arc<Epoch>),
    /// A table's log held a commit from outside Radlake in its place; what was done was taken back.
    Aborted(Arc<Epoch>),
}

/// Carries out the first intent of a lake.
pub(super) async fn creation(storage: &Storage, intent: &Intent) -> Result<Epoch> {
    if let Some(foreign) = place_tables(storage, intent).await? {
        return Err(Error::Foreign {
            table: foreign.table.clone(),
            version: foreign.version,
            reason: "stands where a new lake puts its table; choose an empty folder".into(),
        });
    }
    publish(storage, intent, None).await
}

impl Lake {
    /// Carries out intents that wait beyond the newest epoch, until there are none.
    pub(super) async fn recover(&self) -> Result<Arc<Epoch>> {
        let mut newest = self.latest().await?;
        loop {
            let number = newest.number + 1;
            let Some(bytes) = self.storage().read(&Intent::path(number)).await? else {
                return Ok(newest);
            };
            newest = match self.redo(&Intent::parse(number, &bytes)?).await? {
                Outcome::Published(epoch) | Outcome::Aborted(epoch) => epoch,
            };
        }
    }

    /// Carries out an intent upon the epoch before it.
    pub(super) async fn redo(&self, intent: &Intent) -> Result<Outcome> {
        let number = intent.record.epoch;
        // Done by somebody already? Then an intent of that number must not touch the tables again.
        if self
            .storage()
            .exists(&commit_path(CATALOG, next(number - 1)?))
            .await?
        {
            return self.published(number, intent).await;
        }
        let base = self.epoch_at(number - 1).await?;
        let foreign = place_tables(self.storage(), intent).await?;
        let mut carried_out = intent.clone();
        if let Some(foreign) = foreign {
            try_join_all(intent.tables.iter().map(|commit| self.undo(commit))).await?;
            carried_out.record.aborted = Some(format!(
                "version {} of {} was written outside Radlake",
                foreign.version, foreign.table
            ));
        }
        let epoch = Arc::new(publish(self.storage(), &carried_out, Some(&base)).await?);
        if carried_out.record.aborted.is_some() {
            self.remember(Arc::clone(&epoch));
            self.sync_soon();
            return Ok(Outcome::Aborted(epoch));
        }
        // What this process wrote it need not read.
        for commit in &intent.tables {
            self.advance_files(commit)?;
        }
        self.remember(Arc::clone(&epoch));
        self.checkpoint_if_due(&epoch, intent);
        self.sync_soon();
        Ok(Outcome::Published(epoch))
    }

    /// What the catalog says of an epoch that is there.
    async fn published(&self, number: u64, intent: &Intent) -> Result<Outcome> {
        let epoch = Arc::new(load_epoch(self.storage(), number).await?);
        let record = self.catalog_txn(number).await?;
        self.remember(Arc::clone(&epoch));
        match record {
            (txn, true) if txn == intent.txn => Ok(Outcome::Aborted(epoch)),
            (txn, false) if txn == intent.txn => Ok(Outcome::Published(epoch)),
            // Only if the decision's file was removed before its time.
            _ => Err(Error::Conflict {
                what: format!("epoch {number}"),
            }),
        }
    }

    /// Id of the intent that made an epoch, and whether it was taken back.
    async fn catalog_txn(&self, number: u64) -> Result<(String, bool)> {
        let actions = read_commit(self.storage(), CATALOG, next(number - 1)?)
            .await?
            .unwrap_or_default();
        let info = actions.iter().find_map(|action| match action {
            Action::CommitInfo(info) => info.get("radlake"),
            _ => None,
        });
        let txn = info
            .and_then(|info| info.get("txn")?.as_str())
            .unwrap_or_default();
        let aborted = super::record(&actions).is_some_and(|record| record.aborted.is_some());
        Ok((txn.to_owned(), aborted))
    }

    fn advance_files(&self, commit: &TableCommit) -> Result<()> {
        let before = match commit.version {
            0 => Some(Arc::new(FileSet::empty(&commit.location))),
            version => self.inner.sets.at_or_before(&commit.location, version - 1),
        };
        if let Some(before) = before.filter(|before| before.version == commit.version - 1) {
            let mut set = before.as_ref().clone();
            let path = commit_path(&commit.location, commit.version);
            set.apply(
                commit.version,
                parse_commit(path.as_ref(), commit.commit.as_bytes())?,
            )?;
            self.inner.sets.put(Arc::new(set));
        }
        Ok(())
    }

    /// Takes a commit back, if it was made.
    async fn undo(&self, commit: &TableCommit) -> Result<()> {
        let path = commit_path(&commit.location, commit.version);
        if self
            .storage()
            .read(&path)
            .await?
            .is_none_or(|bytes| bytes != commit.commit.as_bytes())
        {
            return Ok(());
        }
        for version in commit.version + 1..=commit.version + UNDO_ATTEMPTS {
            let path = commit_path(&commit.location, version);
            if self.storage().create(&path, commit.undo.clone()).await?
                || self
                    .storage()
                    .read(&path)
                    .await?
                    .is_some_and(|bytes| bytes == commit.undo.as_bytes())
            {
                return Ok(());
            }
        }
        Err(Error::Foreign {
            table: commit.table.clone(),
            version: commit.version + 1,
            reason: "more follow without end".into(),
        })
    }

    /// Writes checkpoints in the background: nobody waits for them, and the next one makes up for one that failed.
    fn checkpoint_if_due(&self, epoch: &Epoch, intent: &Intent) {
        let mut due: Vec<(String, i64)> = intent
            .tables
            .iter()
            .filter(|commit| commit.version > 0 && commit.version % CHECKPOINT_EVERY == 0)
            .map(|commit| (commit.location.clone(), commit.version))
            .collect();
        if let Ok(version) = i64::try_from(epoch.number)
            && version > 0
            && version % CHECKPOINT_EVERY == 0
        {
            due.push((CATALOG.to_owned(), version));
        }
        for (location, version) in due {
            let storage = self.storage().clone();
            tokio::spawn(async move {
                if let Err(error) = write_checkpoint(&storage, &location, version).await {
                    warn!(table = location, version, %error, "no checkpoint written; the next one makes up for it");
                }
            });
        }
    }
}

/// Puts each table's commit into its log. Gives the first table whose log holds another commit in its place.
async fn place_tables<'a>(storage: &Storage, intent: &'a Intent) -> Result<Option<&'a TableCommit>> {
    let placed = try_join_all(intent.tables.iter().map(|commit| async move {
        let path = commit_path(&commit.location, commit.version);
        if storage.create_redoable(&path, commit.commit.clone()).await? {
            return Ok(None);
        }
        // What is not there was not written by anybody else.
        let there = storage.read(&path).await?;
        let there = there.ok_or_else(|| unsettled(&path))?;
        Ok::<_, Error>((there != commit.commit.as_bytes()).then_some(commit))
    }));
    Ok(placed.await?.into_iter().flatten().next())
}

/// Makes the epoch visible: the catalog's file, then its commit.
async fn publish(storage: &Storage, intent: &Intent, base: Option<&Epoch>) -> Result<Epoch> {
    let (epoch, commit) = catalog_file(storage, intent, base).await?;
    let version = next(epoch.number).map(|version| version - 1)?;
    if storage
        .create_redoable(&commit_path(CATALOG, version), commit)
        .await?
    {
        return Ok(epoch);
    }
    // Somebody else carried it out, maybe with another outcome in what can only be one: theirs holds.
    load_epoch(storage, epoch.number).await
}

/// The same where what is there is not whole.
pub(super) async fn publish_over(storage: &Storage, intent: &Intent, base: &Epoch) -> Result<()> {
    let (epoch, commit) = catalog_file(storage, intent, Some(base)).await?;
    let version = next(epoch.number).map(|version| version - 1)?;
    storage.write(&commit_path(CATALOG, version), commit).await
}

/// Writes the catalog's file of an epoch; gives the commit that names it.
async fn catalog_file(storage: &Storage, intent: &Intent, base: Option<&Epoch>) -> Result<(Epoch, String)> {
    let mut epoch = intent.apply(base)?;
    let bytes = encode(&epoch)?;
    // Helpers of another version may write other bytes: the name tells them apart, the commit chooses.
    let hash = blake3::hash(&bytes).to_hex();
    let name = format!("epoch-{:020}-{}.parquet", epoch.number, &hash[..16]);
    epoch.file = (name.clone(), bytes.len() as u64);
    storage
        .write_redoable(&Path::from(format!("{CATALOG}/{name}")), bytes)
        .await?;
    let commit = write_commit(&catalog_commit(intent, base, &epoch)?)?;
    Ok((epoch, commit))
}

fn catalog_commit(intent: &Intent, base: Option<&Epoch>, epoch: &Epoch) -> Result<Vec<Action>> {
    let now = intent.at().timestamp_millis();
    let mut actions = vec![Action::CommitInfo(json!({
        "timestamp": now,
        "operation": intent.record.statement,
        "operationParameters": {},
        "engineInfo": concat!("radlake/", env!("CARGO_PKG_VERSION")),
        "radlake": { "txn": intent.txn, "record": intent.record },
    }))];
    let add = |(path, size): &(String, u64)| Add {
        path: path.clone(),
        partition_values: BTreeMap::new(),
        size: *size,
        modification_time: now,
        data_change: true,
        stats: None,
        tags: None,
        deletion_vector: None,
    };
    match base {
        None => {
            actions.push(Action::Protocol(Protocol::of(false)));
            actions.push(Action::Metadata(Metadata {
                id: uuid::Uuid::new_v4().to_string(),
                name: Some("catalog".into()),
                description: Some(
                    "Objects of the lake; the version of this table is the lake's epoch".into(),
                ),
                format: Format::default(),
                schema_string: delta_schema(&SCHEMA)?,
                partition_columns: Vec::new(),
                configuration: BTreeMap::new(),
                created_time: Some(now),
            }));
        }
        Some(base) => actions.push(Action::Remove(add(&base.file).removal(now, true))),
    }
    actions.push(Action::Add(add(&epoch.file)));
    if intent.record.aborted.is_none() {
        actions.extend(intent.apps.iter().map(|(id, sequence)| {
            Action::Txn(Txn {
                app_id: id.clone(),
                version: *sequence,
                last_updated: Some(now),
            })
        }));
    }
    Ok(actions)
}
