//! Vacuum: removes files that no epoch within retention needs, and what transactions that never committed left behind.
//!
//! What is kept: every epoch of the retention time and the one that was newest when it began; what this process reads or has
//! open, however old ([`super::pins`]). Readers of other processes are kept by the retention time alone: it must be longer
//! than the longest of them. The horizon is written before the first file goes, so that nobody begins to read an epoch of
//! which something is missing. Writers are told what is about to go, and by it find out ([`super::vacuumed`]).

mod removal;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::removal::Found;
use super::Lake;
use super::catalog::CATALOG;
use super::storage::Storage;
use super::{probed, reserve, sequences, vacuumed};
use crate::delta::action::Action;
use crate::delta::checkpoint;
use crate::delta::log::{commit_path, read_commit, write_checkpoint};
use crate::epoch::Epoch;
use crate::{Error, Result};

/// Files of the catalog that writers may still be about to read are kept at least so long.
const CATALOG_GRACE: Duration = Duration::from_secs(3600);
/// Its commits too: whoever knows none of them any more asks at least every minute ([`super::awake`]).
const COMMIT_GRACE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 3600 });

/// What vacuum may remove.
#[derive(Debug, Clone)]
pub struct VacuumOptions {
    /// Only this table, by OID; otherwise the whole lake.
    pub table: Option<u32>,
    /// Epochs younger than this stay readable, files younger than this are left alone.
    pub retention: Duration,
    /// Commits of logs that are older than this, and before a checkpoint, go.
    pub log_retention: Duration,
    /// Remove nothing, only count.
    pub dry_run: bool,
}

/// What vacuum removed, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VacuumReport {
    /// Oldest epoch that can be read afterwards.
    pub horizon: u64,
    /// Data files, and their bytes.
    pub files: u64,
    /// Bytes of the data files.
    pub bytes: u64,
    /// Commits and checkpoints of logs, intents and files of the catalog.
    pub logs: u64,
    /// Stopped before the end; running it again goes on.
    pub cancelled: bool,
    /// Paths of the data files, relative to the lake.
    pub paths: Vec<String>,
}

impl Lake {
    /// Removes files that nothing needs any more. May be run again, at any time, and be stopped at any; on a full disk too.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a table that the newest epoch does not have.
    pub async fn vacuum(&self, options: &VacuumOptions, cancel: &CancellationToken) -> Result<VacuumReport> {
        let done = self.vacuum_once(options, cancel).await;
        let again = match &done {
            Err(error) => is_full(error) && !options.dry_run && reserve::give_free(self.storage()).await,
            Ok(_) => false,
        };
        let done = match again {
            true => self.vacuum_once(options, cancel).await,
            false => done,
        };
        if done.is_ok() && !options.dry_run {
            reserve::put_aside(self.storage()).await;
        }
        done
    }

    async fn vacuum_once(&self, options: &VacuumOptions, cancel: &CancellationToken) -> Result<VacuumReport> {
        let newest = self.recover().await?;
        // By the clock that dates the files: ours may be wrong.
        let now = probed::now(self.storage()).await?;
        let cutoff = now - options.retention;
        let kept = self.oldest_kept(cutoff).await?;
        let ahead = Utc::now() - now;
        let orphans = self
            .storage()
            .pins
            .oldest_start()
            .map_or(cutoff, |start| (start - ahead).min(cutoff));
        let mut run = Run {
            lake: self,
            options,
            cancel,
            orphans,
            logs: now - options.log_retention.max(options.retention),
            found: Vec::new(),
            report: VacuumReport {
                horizon: kept.number,
                ..VacuumReport::default()
            },
        };
        let tables = run.tables(&newest, &kept)?;
        if !options.dry_run {
            // What a power cut tears is made again from what is about to go.
            self.sync_now().await?;
        }
        if !options.dry_run && kept.number > self.horizon().await? {
            self.set_horizon(kept.number).await?;
        }
        for (location, version) in &tables {
            run.table(location, *version).await?;
        }
        if options.table.is_none() {
            run.strangers(&tables, &newest, &kept).await?;
            run.catalog(&kept, now).await?;
        }
        run.condemned().await?;
        run.report.cancelled = cancel.is_cancelled();
        Ok(run.report)
    }

    /// The oldest epoch that is to stay readable: the one that was newest at `cutoff`, by the dates of the commits' files.
    async fn oldest_kept(&self, cutoff: DateTime<Utc>) -> Result<std::sync::Arc<Epoch>> {
        let oldest = self.horizon().await?;
        let newest = self.known().number;
        let log = Path::from(format!("{CATALOG}/_delta_log"));
        let after = commit_path(CATALOG, super::next(oldest)? - 1);
        let mut kept = newest;
        for file in self.storage().list_after(&log, &after).await? {
            let number = file
                .location
                .filename()
                .and_then(|name| name.strip_suffix(".json"));
            let number = number.and_then(|number| number.parse::<u64>().ok());
            if let Some(number) = number
                && file.last_modified > cutoff
                && number > oldest
            {
                kept = kept.min(number - 1);
            }
        }
        if let Some(pinned) = self.storage().pins.oldest_epoch() {
            kept = kept.min(pinned);
        }
        self.epoch_at(kept.max(oldest)).await
    }

    /// Writes a checkpoint of a table's log at its newest version, or of the catalog's without a table.
    pub async fn checkpoint(&self, table: Option<u32>) -> Result<()> {
        let epoch = self.recover().await?;
        let (location, version) = match table {
            Some(oid) => {
                let table = epoch.table_by_oid(oid);
                let table = table.ok_or_else(|| Error::not_found("table", format!("with OID {oid}")))?;
                (table.location.clone(), table.version)
            }
            None => (CATALOG.to_owned(), super::next(epoch.number)? - 1),
        };
        write_checkpoint(self.storage(), &location, version).await
    }
}

struct Run<'a> {
    lake: &'a Lake,
    options: &'a VacuumOptions,
    cancel: &'a CancellationToken,
    /// Files that are younger may belong to a transaction that is open.
    orphans: DateTime<Utc>,
    /// Commits that are younger stay.
    logs: DateTime<Utc>,
    /// What is to be removed, once everybody has been told.
    found: Vec<Found>,
    report: VacuumReport,
}

/// Whether there is no space left.
fn is_full(error: &Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            )
        {
            return true;
        }
        source = error.source();
    }
    false
}

impl Run<'_> {
    fn storage(&self) -> &Storage {
        self.lake.storage()
    }

    /// Folders of tables, with the version from which on files are needed; -1 for those made since.
    fn tables(&self, newest: &Epoch, kept: &Epoch) -> Result<BTreeMap<String, i64>> {
        let of = |epoch: &Epoch| -> Vec<(u32, String, i64)> {
            let tables = epoch.tables();
            tables
                .map(|table| (table.oid, table.location.clone(), table.version))
                .collect()
        };
        let mut tables = BTreeMap::new();
        for (oid, location, _) in of(newest) {
            if self.options.table.is_none_or(|wanted| wanted == oid) {
                tables.insert(location, -1);
            }
        }
        if let (Some(oid), true) = (self.options.table, tables.is_empty()) {
            return Err(Error::not_found("table", format!("with OID {oid}")));
        }
        for (oid, location, version) in of(kept) {
            if self.options.table.is_none_or(|wanted| wanted == oid) {
                tables.insert(location, version);
            }
        }
        for (location, version) in &mut tables {
            if let Some(pinned) = self.storage().pins.oldest_version(location) {
                *version = pinned.min(*version);
            }
        }
        Ok(tables)
    }

    /// Files of one table that are needed at `version` or later stay.
    async fn table(&mut self, location: &str, version: i64) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Ok(());
        }
        // Listed first: what is committed while the log is read is in the log.
        let listed = self.list(location).await?;
        let mut needed: HashSet<String> = HashSet::new();
        if version >= 0 {
            let files = self.lake.files(location, version).await?;
            needed.extend(files.files.values().map(|file| file.location.to_string()));
        }
        let (added, at) = self.added(location, version + 1).await?;
        needed.extend(added);
        let log = format!("{location}/_delta_log/");
        let (logs, data): (Vec<ObjectMeta>, Vec<ObjectMeta>) = listed
            .into_iter()
            .partition(|file| file.location.as_ref().starts_with(&log));
        let unneeded = data
            .into_iter()
            .filter(|file| !needed.contains(file.location.as_ref()) && file.last_modified < self.orphans);
        self.found.push(Found {
            location: location.to_owned(),
            next: Some(at),
            files: unneeded.collect(),
        });
        self.unlisted(location)?;
        self.log(location, &logs, version).await
    }

    /// Files that a table's log adds from a version on, and the first version that is not there.
    async fn added(&self, location: &str, from: i64) -> Result<(HashSet<String>, i64)> {
        let (mut added, mut at) = (HashSet::new(), from);
        while let Some(actions) = read_commit(self.storage(), location, at).await? {
            for action in &actions {
                if let Action::Add(add) = action {
                    added.insert(data_path(location, &add.path)?);
                }
            }
            at += 1;
        }
        Ok((added, at))
    }

    /// Commits and checkpoints before the newest checkpoint that is not after `version`, if they are old enough.
    async fn log(&mut self, table: &str, listed: &[ObjectMeta], version: i64) -> Result<()> {
        let numbered: Vec<(i64, &ObjectMeta)> = listed
            .iter()
            .filter_map(|file| {
                let name = file.location.filename()?;
                Some((name.get(..20)?.parse::<i64>().ok()?, file))
            })
            .collect();
        let start = numbered
            .iter()
            .filter(|(at, file)| *at <= version && file.location.as_ref().ends_with(".checkpoint.parquet"))
            .map(|(at, _)| *at)
            .max();
        let Some(start) = start else { return Ok(()) };
        let mut old: Vec<(i64, &ObjectMeta)> = numbered.into_iter().filter(|(at, _)| *at < start).collect();
        old.sort_by_key(|(at, _)| *at);
        let expired: Vec<Path> = old
            .into_iter()
            .take_while(|(_, file)| file.last_modified < self.logs)
            .map(|(_, file)| file.location.clone())
            .collect();
        if expired.is_empty() {
            return Ok(());
        }
        // What came before a checkpoint that cannot be read is all that there is of it.
        for found in checkpoint::list(self.storage(), table, start).await? {
            if found.version == start
                && let Err(error) = found.read(self.storage(), table).await
            {
                warn!(table, version = start, %error, "a checkpoint cannot be read; the commits before it stay");
                return Ok(());
            }
        }
        self.report.logs += expired.len() as u64;
        self.remove(expired).await
    }

    /// Folders that look like ours and belong to no table that is needed: of dropped tables, and of tables that were never
    /// committed.
    async fn strangers(
        &mut self,
        tables: &BTreeMap<String, i64>,
        newest: &Epoch,
        kept: &Epoch,
    ) -> Result<()> {
        let schemas = self
            .storage()
            .store
            .list_with_delimiter(None)
            .await?
            .common_prefixes;
        let mut folders = BTreeSet::new();
        for schema in schemas
            .iter()
            .filter(|schema| !schema.as_ref().starts_with("_radlake"))
        {
            let found = self.storage().store.list_with_delimiter(Some(schema)).await?;
            folders.extend(found.common_prefixes.iter().map(Path::to_string));
        }
        for folder in folders.into_iter().filter(|folder| !tables.contains_key(folder)) {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let listed = self.list(&folder).await?;
            let log = format!("{folder}/_delta_log/");
            let (logs, data): (Vec<&ObjectMeta>, Vec<&ObjectMeta>) = listed
                .iter()
                .partition(|file| file.location.as_ref().starts_with(&log));
            // Folders of people's own are theirs: ours have files of ours only.
            if !data.iter().all(|file| is_ours(&folder, file)) || !self.is_our_log(&folder, &logs).await? {
                continue;
            }
            let dropped_before =
                |file: &&ObjectMeta| kept.number == newest.number || file.last_modified < kept.committed_at;
            let young = |file: &ObjectMeta| file.last_modified >= self.orphans;
            if listed.iter().any(young) || !logs.iter().all(dropped_before) {
                continue;
            }
            // The log stays, so that no table of that name is ever taken for this one.
            self.found.push(Found {
                location: folder.clone(),
                next: None,
                files: data.into_iter().cloned().collect(),
            });
            self.unlisted(&folder)?;
        }
        Ok(())
    }

    /// Whether the first commit that is left of a log was written by Radlake; without a log, there is nobody else's.
    async fn is_our_log(&self, folder: &str, logs: &[&ObjectMeta]) -> Result<bool> {
        let versions = logs.iter().filter_map(|file| {
            file.location
                .filename()?
                .strip_suffix(".json")?
                .parse::<i64>()
                .ok()
        });
        let Some(first) = versions.min() else {
            return Ok(logs.is_empty());
        };
        let actions = read_commit(self.storage(), folder, first)
            .await?
            .unwrap_or_default();
        Ok(actions
            .iter()
            .any(|action| matches!(action, Action::CommitInfo(info) if info.get("radlake").is_some())))
    }

    /// The catalog's own files and log, and intents that nobody can come back to.
    async fn catalog(&mut self, kept: &Epoch, now: DateTime<Utc>) -> Result<()> {
        let listed = self.list(CATALOG).await?;
        let log = format!("{CATALOG}/_delta_log/");
        let (logs, data): (Vec<ObjectMeta>, Vec<ObjectMeta>) = listed
            .into_iter()
            .partition(|file| file.location.as_ref().starts_with(&log));
        let young = self.orphans.min(now - CATALOG_GRACE);
        let old = data.into_iter().filter(|file| {
            let number = file
                .location
                .filename()
                .and_then(|name| name.strip_prefix("epoch-")?.get(..20)?.parse::<u64>().ok());
            number.is_some_and(|number| number < kept.number) && file.last_modified < young
        });
        let mut old: Vec<Path> = old.map(|file| file.location).collect();
        let intents = self.list("_radlake/intents").await?;
        old.extend(intents.into_iter().filter_map(|file| {
            let number = file
                .location
                .filename()?
                .strip_suffix(".json")?
                .parse::<u64>()
                .ok()?;
            (number < kept.number && file.last_modified < self.logs.min(young)).then_some(file.location)
        }));
        // Lists of vacuums that the epochs no longer remember, and what `probed::now` left.
        let newest = self.lake.known();
        let remembered: HashSet<&str> = newest.vacuumed.iter().map(String::as_str).collect();
        for file in self.list(vacuumed::FOLDER).await? {
            let token = file
                .location
                .filename()
                .and_then(|name| name.strip_suffix(".json"));
            if !token.is_some_and(|token| remembered.contains(token))
                && file.last_modified < self.logs.min(young)
            {
                old.push(file.location);
            }
        }
        // Positions of sequences that no epoch has: those of one that was made since `kept` are younger.
        let counted: HashSet<&str> = kept
            .sequences()
            .chain(newest.sequences())
            .map(|sequence| sequence.generation.as_str())
            .collect();
        for file in self.list(sequences::FOLDER).await? {
            let generation = file.location.parts().nth(2);
            if !generation.is_some_and(|part| counted.contains(part.as_ref()))
                && file.last_modified < self.logs.min(young)
            {
                old.push(file.location);
            }
        }
        let clocks = self.list("_radlake/clocks").await?.into_iter();
        old.extend(
            clocks
                .filter(|file| file.last_modified < young)
                .map(|file| file.location),
        );
        self.report.logs += old.len() as u64;
        self.remove(old).await?;
        let version = super::next(kept.number)? - 1;
        self.logs = self.logs.min(now - COMMIT_GRACE);
        self.log(CATALOG, &logs, version).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<ObjectMeta>> {
        Ok(self
            .storage()
            .store
            .list(Some(&crate::delta::path(folder)))
            .try_collect()
            .await?)
    }
}

/// Where a file of a log is, relative to the lake.
fn data_path(table: &str, path: &str) -> Result<String> {
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .map_err(|error| Error::damaged(format!("{table}/_delta_log"), error))?;
    let location = Path::parse(format!("{table}/{decoded}"));
    Ok(location
        .map_err(|error| Error::damaged(format!("{table}/{decoded}"), error))?
        .to_string())
}

/// Names that the writer gives.
fn is_ours(folder: &str, file: &ObjectMeta) -> bool {
    let within = file.location.as_ref().strip_prefix(folder);
    let name = within
        .and_then(|within| within.strip_prefix('/'))
        .unwrap_or_default();
    let id = name.strip_prefix("part-").and_then(|name| name.get(..36));
    name.ends_with(".parquet") && id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}
