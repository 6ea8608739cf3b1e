//! One log: no gap, every commit whole, every checkpoint readable.

use std::collections::BTreeSet;

use futures::StreamExt;
use object_store::ObjectMeta;

use super::examine::Examination;
use super::{Damage, Mend, damage_of};
use crate::delta::action::Action;
use crate::delta::checkpoint;
use crate::delta::log::{commit_path, read_commit};
use crate::lake::catalog::CATALOG;
use crate::{Error, Result};

/// Commits that are read at the same time.
const AT_ONCE: usize = 16;

/// Versions whose commits are in a table's folder.
pub(super) fn versions(table: &str, listed: &[ObjectMeta]) -> BTreeSet<i64> {
    let folder = crate::delta::below(table, "_delta_log");
    let version = |file: &ObjectMeta| {
        let name = file.location.as_ref().strip_prefix(folder.as_ref())?;
        let stem = name.strip_prefix('/')?.strip_suffix(".json")?;
        (stem.len() == 20).then(|| stem.parse().ok())?
    };
    listed.iter().filter_map(version).collect()
}

/// How a commit of that log would be mended.
fn mend(table: &str, version: i64) -> Mend {
    match u64::try_from(version) {
        Ok(epoch) if table == CATALOG => Mend::Catalog { epoch },
        _ => Mend::Commit {
            table: table.to_owned(),
            version,
        },
    }
}

impl Examination<'_> {
    /// Looks through a log up to `pinned` and beyond. `each` gets every commit that is whole.
    pub(super) async fn log(
        &mut self,
        table: &str,
        listed: &[ObjectMeta],
        pinned: i64,
        mut each: impl FnMut(i64, Vec<Action>) -> Result<()> + Send,
    ) -> Result<()> {
        let versions = versions(table, listed);
        let readable = self.checkpoints(table).await?;
        let first = versions.first().copied().unwrap_or(0);
        // After vacuum a log starts at a checkpoint.
        let starts = first == 0 || readable.iter().any(|at| at + 1 >= first && *at <= pinned);
        if !starts || versions.is_empty() {
            self.damage(Damage {
                path: commit_path(table, 0).to_string(),
                reason: "the log has neither its first commit nor a checkpoint that can be read".into(),
                mend: mend(table, 0),
            });
        }
        let last = versions.last().copied().unwrap_or(0).max(pinned);
        let storage = self.storage;
        let mut commits = futures::stream::iter(first..=last)
            .map(|version| async move { (version, read_commit(storage, table, version).await) })
            .buffered(AT_ONCE);
        while let Some((version, read)) = commits.next().await {
            match read {
                Ok(Some(actions)) => {
                    self.report.commits += 1;
                    if let Err(error) = each(version, actions) {
                        self.damage(damage_of(error, Mend::No)?);
                    }
                }
                // Commits that vacuum took meanwhile were listed, and are needed by nobody.
                Ok(None) if versions.contains(&version) => {}
                Ok(None) => self.damage(Damage {
                    path: commit_path(table, version).to_string(),
                    reason: "a commit of the log is missing".into(),
                    mend: mend(table, version),
                }),
                Err(error) => self.damage(damage_of(error, mend(table, version))?),
            }
            if version % 1_000 == 999 {
                self.say(&format!("{table}: commit {version} of {last}"));
                if self.cancelled() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Versions whose checkpoints can be read.
    async fn checkpoints(&mut self, table: &str) -> Result<Vec<i64>> {
        let mut readable = Vec::new();
        for found in checkpoint::list(self.storage, table, i64::MAX).await? {
            match found.read(self.storage, table).await {
                Ok(_) => readable.push(found.version),
                Err(error @ Error::Damaged { .. }) => {
                    let mend = Mend::Checkpoint {
                        table: table.to_owned(),
                        version: found.version,
                    };
                    self.damage(damage_of(error, mend)?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }
}
