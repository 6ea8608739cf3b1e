//! Whether a lake is what its logs say: each commit, each checkpoint, each data file; and what of it can be mended.
//!
//! Without repair nothing is written, so that it may be done beside servers. What is mended was decided once and is written
//! down a second time: commits in the intent that decided them, checkpoints in the commits before them. Nothing that holds
//! rows is ever removed.

mod content;
mod examine;
mod log;
mod repair;

use tokio_util::sync::CancellationToken;

use self::examine::Examination;
use super::{Lake, Storage};
use crate::{Error, Result};

/// How a lake is checked.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions {
    /// Mend what can be.
    pub repair: bool,
    /// Read all data, and every epoch's catalog and intent, instead of what tells of them.
    pub deep: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub kind: FindingKind,
    /// File or folder, relative to the lake.
    pub path: String,
    /// What is wrong with it, or was done to it.
    pub text: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// Something is missing, or is not what it must be.
    Damaged,
    /// It was, and has been mended.
    Repaired,
    /// Worth a word, nothing wrong.
    Note,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The newest epoch that can be read, if one can.
    pub epoch: Option<u64>,
    /// Tables of that epoch.
    pub tables: u64,
    /// Commits of all logs, the catalog's too.
    pub commits: u64,
    /// Data files of that epoch.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// Files in the tables' folders that no readable epoch names: of transactions that are open or were never committed, or for vacuum.
    pub orphans: u64,
    /// Their bytes.
    pub orphan_bytes: u64,
    /// Commits that are decided and not yet carried out.
    pub intents: u64,
    /// Everything found, in the order of looking.
    pub findings: Vec<Finding>,
    /// Stopped before the end.
    pub cancelled: bool,
}

impl CheckReport {
    /// Findings of damage.
    pub fn damaged(&self) -> usize {
        let damaged = |finding: &&Finding| finding.kind == FindingKind::Damaged;
        self.findings.iter().filter(damaged).count()
    }
}

/// Something that is wrong, and where what it ought to be is written down.
#[derive(Debug, Clone)]
struct Damage {
    path: String,
    reason: String,
    mend: Mend,
}

/// How a damage could be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mend {
    /// Not at all.
    No,
    /// A table's commit, from the intent that decided it.
    Commit { table: String, version: i64 },
    /// The catalog's commit, from the intent.
    Catalog { epoch: u64 },
    /// The catalog's file, from the intent and the epoch before it.
    CatalogFile { epoch: u64 },
    /// A checkpoint, from the commits before it.
    Checkpoint { table: String, version: i64 },
    /// A decision that waits: by opening the lake.
    Open,
}

impl Lake {
    /// Checks the lake at an address, also one that cannot be opened any more. `progress` hears of what is looked at.
    ///
    /// # Errors
    /// [`Error::NoLake`]; storage that fails. What is wrong with the lake itself is in the report.
    pub async fn check(
        url: &str,
        options: CheckOptions,
        cancel: &CancellationToken,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<CheckReport> {
        Self::check_in(Storage::at(url, false)?, options, cancel, progress).await
    }

    pub(crate) async fn check_in(
        storage: Storage,
        options: CheckOptions,
        cancel: &CancellationToken,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<CheckReport> {
        let (report, damages) = Examination::new(&storage, options.deep, cancel, progress)
            .run()
            .await?;
        let mendable = damages.iter().any(|damage| damage.mend != Mend::No);
        if !options.repair || !mendable || report.cancelled {
            return Ok(report);
        }
        progress("mending");
        let mut findings = repair::repair(&storage, &damages).await?;
        // What is left is said by looking once more, not by what was done.
        let (mut report, _) = Examination::new(&storage, options.deep, cancel, progress)
            .run()
            .await?;
        findings.append(&mut report.findings);
        report.findings = findings;
        Ok(report)
    }
}

/// A damage with its file's name out of an error; other errors are nothing to report on, the check fails of them.
fn damage_of(error: Error, mend: Mend) -> Result<Damage> {
    match error {
        Error::Damaged { path, reason } => Ok(Damage { path, reason, mend }),
        // What a table asks for that is not read here is for its owner to know.
        Error::Feature { ref location, .. } => Ok(Damage {
            path: location.clone(),
            reason: error.to_string(),
            mend,
        }),
        other => Err(other),
    }
}
