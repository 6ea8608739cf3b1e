//! Looking: the catalog, the decisions that wait, then table by table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio_util::sync::CancellationToken;

use super::{CheckReport, Damage, Finding, FindingKind, Mend, content, damage_of, log};
use crate::delta::action::Action;
use crate::delta::files::{DataFile, FileSet};
use crate::delta::log::{commit_path, read_commit};
use crate::delta::present::judge;
use crate::epoch::Epoch;
use crate::lake::catalog::CATALOG;
use crate::lake::intent::Intent;
use crate::lake::{Lake, Storage, load_epoch, record};
use crate::object::TableObject;
use crate::{Error, Result};

/// Data files whose footers are read at the same time.
const FOOTERS_AT_ONCE: usize = 16;
/// Data files that are read at the same time, each of them whole.
const FILES_AT_ONCE: usize = 2;

/// A look at a lake.
pub(super) struct Examination<'a> {
    pub(super) storage: &'a Storage,
    pub(super) report: CheckReport,
    damages: Vec<Damage>,
    deep: bool,
    cancel: &'a CancellationToken,
    progress: &'a (dyn Fn(&str) + Send + Sync),
}

/// What the catalog's log says of an epoch.
struct Logged {
    aborted: bool,
    /// The catalog's file and its size.
    file: (String, u64),
}

impl<'a> Examination<'a> {
    pub(super) fn new(
        storage: &'a Storage,
        deep: bool,
        cancel: &'a CancellationToken,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Self {
        Self {
            storage,
            report: CheckReport::default(),
            damages: Vec::new(),
            deep,
            cancel,
            progress,
        }
    }

    /// The report, and each damage with what could be done about it.
    pub(super) async fn run(mut self) -> Result<(CheckReport, Vec<Damage>)> {
        let listed = list(self.storage, CATALOG).await?;
        let newest = log::versions(CATALOG, &listed).last().copied();
        let intents = intents(self.storage).await?;
        let Some(newest) = newest.and_then(|newest| u64::try_from(newest).ok()) else {
            if intents.is_empty() {
                return Err(Error::NoLake {
                    url: self.storage.url.to_string(),
                });
            }
            // Killed while it was made.
            self.waiting(&intents, None).await?;
            return Ok((self.report, self.damages));
        };
        let horizon = self.horizon().await?;
        let logged = self.catalog(&listed, newest, horizon).await?;
        self.waiting(&intents, Some(newest)).await?;
        let Some(epoch) = self.epochs(newest, horizon, &logged).await? else {
            return Ok((self.report, self.damages));
        };
        self.report.epoch = Some(epoch.number);
        if self.deep {
            self.decided(&intents, &logged).await?;
        }
        let oldest = load_epoch(self.storage, horizon.min(epoch.number)).await.ok();
        let lake = Lake::with(self.storage.clone(), epoch);
        let epoch = lake.known();
        for table in epoch.tables() {
            if self.cancelled() {
                break;
            }
            self.report.tables += 1;
            let then = oldest.as_ref().and_then(|oldest| oldest.table_by_oid(table.oid));
            self.table(&lake, table, then.map(Arc::as_ref), horizon).await?;
        }
        Ok((self.report, self.damages))
    }

    pub(super) fn say(&self, what: &str) {
        (self.progress)(what);
    }

    pub(super) fn cancelled(&mut self) -> bool {
        self.report.cancelled = self.cancel.is_cancelled();
        self.report.cancelled
    }

    /// Notes a damage, once for each file.
    pub(super) fn damage(&mut self, damage: Damage) {
        if self.damages.iter().any(|known| known.path == damage.path) {
            return;
        }
        self.report.findings.push(Finding {
            kind: FindingKind::Damaged,
            path: damage.path.clone(),
            text: damage.reason.clone(),
        });
        self.damages.push(damage);
    }

    fn note(&mut self, path: impl ToString, text: impl Into<String>) {
        self.report.findings.push(Finding {
            kind: FindingKind::Note,
            path: path.to_string(),
            text: text.into(),
        });
    }

    /// The oldest epoch that can be read.
    async fn horizon(&mut self) -> Result<u64> {
        match crate::lake::horizon::read(self.storage).await {
            Err(error) => {
                self.damage(damage_of(error, Mend::No)?);
                Ok(0)
            }
            found => found,
        }
    }

    /// The catalog's log, and the file of every epoch that can be read.
    async fn catalog(
        &mut self,
        listed: &[ObjectMeta],
        newest: u64,
        horizon: u64,
    ) -> Result<BTreeMap<u64, Logged>> {
        self.say("the catalog");
        let (mut logged, mut strange) = (BTreeMap::new(), Vec::new());
        let pinned = i64::try_from(newest).map_err(|_| Error::NoEpoch { epoch: newest })?;
        self.log(CATALOG, listed, pinned, |version, actions| {
            let file = actions.iter().find_map(|action| match action {
                Action::Add(add) => Some((add.path.clone(), add.size)),
                _ => None,
            });
            let number = u64::try_from(version).unwrap_or_default();
            match (record(&actions), file) {
                (Some(record), Some(file)) if record.epoch == number => {
                    let aborted = record.aborted.is_some();
                    logged.insert(number, Logged { aborted, file });
                }
                _ => strange.push(number),
            }
            Ok(())
        })
        .await?;
        for epoch in strange {
            self.damage(Damage {
                path: commit_path(CATALOG, i64::try_from(epoch).unwrap_or_default()).to_string(),
                reason: "not a commit of the catalog".into(),
                mend: Mend::Catalog { epoch },
            });
        }
        let sizes = sizes(listed);
        for (epoch, Logged { file, .. }) in logged.range(horizon..) {
            let path = Path::from(format!("{CATALOG}/{}", file.0));
            let reason = match sizes.get(&path) {
                None => "the catalog's file is missing".to_owned(),
                Some(size) if *size != file.1 => {
                    format!("the catalog's file has {size} bytes, its log says {}", file.1)
                }
                Some(_) => continue,
            };
            self.damage(Damage {
                path: path.to_string(),
                reason,
                mend: Mend::CatalogFile { epoch: *epoch },
            });
        }
        Ok(logged)
    }

    /// The newest epoch that can be read; with everything, each of them is.
    async fn epochs(
        &mut self,
        newest: u64,
        horizon: u64,
        logged: &BTreeMap<u64, Logged>,
    ) -> Result<Option<Epoch>> {
        let mut found = None;
        for number in (horizon.min(newest)..=newest).rev() {
            if self.cancelled() || (found.is_some() && !self.deep) {
                break;
            }
            match load_epoch(self.storage, number).await {
                Ok(epoch) => found = found.or(Some(epoch)),
                Err(Error::NoEpoch { .. }) => {}
                Err(error) => {
                    let mend = match logged.contains_key(&number) {
                        true => Mend::CatalogFile { epoch: number },
                        false => Mend::Catalog { epoch: number },
                    };
                    self.damage(damage_of(error, mend)?);
                }
            }
        }
        Ok(found)
    }

    /// Decisions beyond the newest epoch.
    async fn waiting(&mut self, intents: &[u64], newest: Option<u64>) -> Result<()> {
        for number in intents
            .iter()
            .copied()
            .filter(|number| newest.is_none_or(|newest| *number > newest))
        {
            let path = Intent::path(number);
            let Some(bytes) = self.storage.read(&path).await? else {
                continue;
            };
            match Intent::parse(number, &bytes) {
                Ok(_) => {
                    self.report.intents += 1;
                    self.note(
                        &path,
                        "decided, and being carried out; if its writer died, whoever opens the lake next does it",
                    );
                    self.damages.push(Damage {
                        path: path.to_string(),
                        reason: String::new(),
                        mend: Mend::Open,
                    });
                }
                Err(error) => {
                    let mut damage = damage_of(error, Mend::No)?;
                    damage.reason += "; a decision that cannot be read holds up every writer: restore this file from a backup";
                    self.damage(damage);
                }
            }
        }
        Ok(())
    }

    /// Whether tables' commits are what was decided, to the byte.
    async fn decided(&mut self, intents: &[u64], logged: &BTreeMap<u64, Logged>) -> Result<()> {
        for number in intents {
            if logged.get(number).is_none_or(|logged| logged.aborted) || self.cancelled() {
                continue;
            }
            let path = Intent::path(*number);
            let Some(bytes) = self.storage.read(&path).await? else {
                continue;
            };
            let intent = match Intent::parse(*number, &bytes) {
                Ok(intent) => intent,
                Err(error) => {
                    self.note(path, format!("{error}; its epoch is there, so nothing needs it"));
                    continue;
                }
            };
            for commit in &intent.tables {
                let path = commit_path(&commit.location, commit.version);
                // Logs are cut short by vacuum.
                let Some(there) = self.storage.read(&path).await? else {
                    continue;
                };
                if there != commit.commit.as_bytes() {
                    self.damage(Damage {
                        path: path.to_string(),
                        reason: format!("not the commit that epoch {number} decided"),
                        mend: Mend::Commit {
                            table: commit.location.clone(),
                            version: commit.version,
                        },
                    });
                }
            }
        }
        Ok(())
    }

    async fn table(
        &mut self,
        lake: &Lake,
        table: &TableObject,
        then: Option<&TableObject>,
        horizon: u64,
    ) -> Result<()> {
        let location = table.location.as_str();
        self.say(location);
        let listed = list(self.storage, location).await?;
        // Files that earlier epochs read, by place.
        let mut named: HashMap<Path, Arc<DataFile>> = HashMap::new();
        let since = then.map_or(-1, |then| then.version);
        let mut added = FileSet::empty(location);
        self.log(location, &listed, table.version, |version, actions| {
            for action in actions {
                if let (Action::Add(add), true) = (action, version > since) {
                    added.insert(add)?;
                }
            }
            Ok(())
        })
        .await?;
        let mut name = |set: &FileSet| {
            let files = set.files.values();
            named.extend(files.map(|file| (file.location.clone(), Arc::clone(file))));
        };
        name(&added);
        if since >= 0 {
            match lake.files(location, since).await {
                Ok(set) => name(&set),
                Err(error) => self.damage(damage_of(error, Mend::No)?),
            }
        }
        let set = match lake.files(location, table.version).await {
            Ok(set) => set,
            Err(error) => {
                self.damage(damage_of(error, Mend::No)?);
                return Ok(());
            }
        };
        let counted = (set.files.len() as u64, set.rows());
        if counted.0 != table.files || counted.1.is_some_and(|rows| rows != table.rows) {
            let rows = counted.1.map_or_else(|| "?".to_owned(), |rows| rows.to_string());
            self.damage(Damage {
                path: commit_path(location, table.version).to_string(),
                reason: format!(
                    "the log has {} files of {rows} rows, the catalog says {} of {}",
                    counted.0, table.files, table.rows
                ),
                mend: Mend::Commit {
                    table: location.to_owned(),
                    version: table.version,
                },
            });
        }
        self.beyond(table).await?;
        let sizes = sizes(&listed);
        self.earlier(&set, &named, &sizes, horizon).await?;
        self.files(location, &set, &sizes).await?;
        let log = format!("{location}/_delta_log/");
        let live: HashSet<&Path> = set.files.values().map(|file| &file.location).collect();
        for file in &listed {
            let path = &file.location;
            if !path.as_ref().starts_with(&log) && !named.contains_key(path) && !live.contains(path) {
                self.report.orphans += 1;
                self.report.orphan_bytes += file.size;
            }
        }
        Ok(())
    }

    /// Commits after the version that the catalog pins.
    async fn beyond(&mut self, table: &TableObject) -> Result<()> {
        let next = table.version + 1;
        if let Ok(Some(_)) = read_commit(self.storage, &table.location, next).await {
            self.note(
                commit_path(&table.location, next),
                "after the version that the catalog names: being published, or written outside Radlake; the next writer of the table takes it in or refuses it",
            );
        }
        Ok(())
    }

    /// Files that only earlier epochs read.
    async fn earlier(
        &mut self,
        set: &FileSet,
        named: &HashMap<Path, Arc<DataFile>>,
        sizes: &HashMap<Path, u64>,
        horizon: u64,
    ) -> Result<()> {
        let live: HashSet<&Path> = set.files.values().map(|file| &file.location).collect();
        let mut gone: Vec<&Path> = named
            .keys()
            .filter(|path| !live.contains(path) && !sizes.contains_key(*path))
            .collect();
        gone.sort();
        // A vacuum that began meanwhile has said so before it took the first.
        if gone.is_empty() || self.horizon().await? > horizon {
            return Ok(());
        }
        for path in gone {
            // Committed after the folder was listed.
            if self.storage.exists(path).await? {
                continue;
            }
            self.damage(Damage {
                path: path.to_string(),
                reason: "the data file is missing; the newest epoch does without it, earlier ones do not"
                    .into(),
                mend: Mend::No,
            });
        }
        Ok(())
    }

    /// The data files of the newest epoch.
    async fn files(&mut self, table: &str, set: &FileSet, sizes: &HashMap<Path, u64>) -> Result<()> {
        let mut present = Vec::new();
        for file in set.files.values() {
            match judge(file, sizes.get(&file.location).copied()) {
                Ok(()) => present.push(Arc::clone(file)),
                Err(error) => self.damage(damage_of(error, Mend::No)?),
            }
        }
        self.report.files += set.files.len() as u64;
        self.report.bytes += set.bytes();
        let (storage, deep, all) = (self.storage, self.deep, present.len());
        let mut looked = futures::stream::iter(present)
            .map(|file| async move {
                let rows = content::footer(storage, &file).await?;
                if deep {
                    content::rows(storage, &file).await?;
                }
                Ok::<_, Error>(rows)
            })
            .buffered(if deep { FILES_AT_ONCE } else { FOOTERS_AT_ONCE });
        let mut done = 0;
        while let Some(looked) = looked.next().await {
            match looked {
                Ok(rows) => self.report.rows += rows,
                Err(error) => self.damage(damage_of(error, Mend::No)?),
            }
            done += 1;
            if done % 64 == 0 {
                self.say(&format!("{table}: file {done} of {all}"));
                if self.cancelled() {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Every file below a folder.
async fn list(storage: &Storage, folder: &str) -> Result<Vec<ObjectMeta>> {
    let folder = crate::delta::path(folder);
    Ok(storage.store.list(Some(&folder)).try_collect().await?)
}

fn sizes(listed: &[ObjectMeta]) -> HashMap<Path, u64> {
    let files = listed.iter();
    files.map(|file| (file.location.clone(), file.size)).collect()
}

/// Epochs whose intents are there, the oldest first.
pub(super) async fn intents(storage: &Storage) -> Result<Vec<u64>> {
    let listed = list(storage, "_radlake/intents").await?;
    let number = |file: &ObjectMeta| file.location.filename()?.strip_suffix(".json")?.parse().ok();
    let mut numbers: Vec<u64> = listed.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
