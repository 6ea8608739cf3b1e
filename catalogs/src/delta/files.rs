//! The live files of a table at one version of its log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock};

use object_store::path::Path;
use percent_encoding::percent_decode_str;

use super::action::{Action, Add, Metadata, Protocol};
use super::stats::FileStats;
use crate::{Error, Result};

/// A live data file.
#[derive(Debug)]
pub struct DataFile {
    pub(crate) add: Add,
    /// Relative to the lake.
    pub(crate) location: Path,
    stats: OnceLock<FileStats>,
}

impl DataFile {
    fn new(table: &str, add: Add) -> Result<Arc<Self>> {
        let decoded = decode(table, &add.path)?;
        if decoded.contains("://") || decoded.starts_with('/') || decoded.split('/').any(|part| part == "..")
        {
            return Err(Error::Feature {
                location: table.to_owned(),
                feature: "files outside the table's folder".into(),
            });
        }
        let location = Path::parse(format!("{table}/{decoded}"))
            .map_err(|error| Error::damaged(format!("{table}/{decoded}"), error))?;
        Ok(Arc::new(Self {
            add,
            location,
            stats: OnceLock::new(),
        }))
    }

    /// Path as in the log (URL-encoded, relative to the table): what `Transaction::replace_files` takes.
    pub fn path(&self) -> &str {
        &self.add.path
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.add.size
    }

    /// Rows, where the log tells.
    pub fn rows(&self) -> Option<u64> {
        self.stats().rows
    }

    pub(crate) fn stats(&self) -> &FileStats {
        self.stats
            .get_or_init(|| FileStats::parse(self.add.stats.as_deref()))
    }
}

/// The live files of a table at a version.
#[derive(Debug, Clone)]
pub(crate) struct FileSet {
    pub(crate) location: Arc<str>,
    pub(crate) version: i64,
    pub(crate) protocol: Option<Arc<Protocol>>,
    pub(crate) metadata: Option<Arc<Metadata>>,
    /// By decoded path: writers differ in what they encode.
    pub(crate) files: BTreeMap<String, Arc<DataFile>>,
}

fn decode(table: &str, path: &str) -> Result<String> {
    let decoded = percent_decode_str(path).decode_utf8();
    Ok(decoded
        .map_err(|error| Error::damaged(format!("{table}/_delta_log"), error))?
        .into_owned())
}

impl FileSet {
    /// Before the first commit.
    pub(crate) fn empty(location: &str) -> Self {
        Self {
            location: location.into(),
            version: -1,
            protocol: None,
            metadata: None,
            files: BTreeMap::new(),
        }
    }

    /// What the next commit makes of it. Refuses, by name, features that are not read here.
    pub(crate) fn apply(&mut self, version: i64, actions: impl IntoIterator<Item = Action>) -> Result<()> {
        if version != self.version + 1 {
            return Err(Error::internal(format!(
                "commit {version} after {} of {}",
                self.version, self.location
            )));
        }
        let mut adds = Vec::new();
        for action in actions {
            match action {
                Action::Add(add) => adds.push(add),
                Action::Remove(remove) => {
                    self.files.remove(&decode(&self.location, &remove.path)?);
                }
                Action::Protocol(protocol) => {
                    protocol.check(&self.location)?;
                    self.protocol = Some(Arc::new(protocol));
                }
                Action::Metadata(metadata) => {
                    metadata.check(&self.location)?;
                    self.metadata = Some(Arc::new(metadata));
                }
                Action::Txn(_) | Action::DomainMetadata(_) | Action::CommitInfo(_) => {}
            }
        }
        // A commit that rewrites a file in place has both actions for one path, in either order: the file stays.
        for add in adds {
            self.insert(add)?;
        }
        self.version = version;
        Ok(())
    }

    pub(crate) fn insert(&mut self, add: Add) -> Result<()> {
        add.check(&self.location)?;
        let path = decode(&self.location, &add.path)?;
        self.files.insert(path, DataFile::new(&self.location, add)?);
        Ok(())
    }

    /// Takes the file of that path, encoded as in the log, out of the set.
    pub(crate) fn take(&mut self, path: &str) -> Result<Option<Arc<DataFile>>> {
        Ok(self.files.remove(&decode(&self.location, path)?))
    }

    /// The file of that path, encoded as in the log.
    pub(crate) fn get(&self, path: &str) -> Result<Option<&Arc<DataFile>>> {
        Ok(self.files.get(&decode(&self.location, path)?))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.size()).sum()
    }

    /// Rows, if the log tells them of every file.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.files.values().map(|file| file.rows()).sum()
    }
}

/// File sets by table and version: the newest few of each table that was read.
#[derive(Debug, Default)]
pub(crate) struct FileSets(Mutex<HashMap<Arc<str>, Versions>>);

type Versions = BTreeMap<i64, Arc<FileSet>>;

/// Versions of a table that are kept: those that running statements and time travel ask for.
const KEPT: usize = 8;

impl FileSets {
    /// The set at `version`, or the newest one before it.
    pub(crate) fn at_or_before(&self, location: &str, version: i64) -> Option<Arc<FileSet>> {
        let sets = self.0.lock().ok()?;
        sets.get(location)?
            .range(..=version)
            .next_back()
            .map(|(_, set)| Arc::clone(set))
    }

    pub(crate) fn put(&self, set: Arc<FileSet>) {
        if let Ok(mut sets) = self.0.lock() {
            let versions = sets.entry(Arc::clone(&set.location)).or_default();
            versions.insert(set.version, set);
            while versions.len() > KEPT {
                versions.pop_first();
            }
        }
    }
}
