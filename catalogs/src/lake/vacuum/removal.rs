//! Removing what nothing needs: every writer is told first, and what was decided until then is looked at again.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::Run;
use crate::lake::vacuumed;
use crate::{Error, Result};

/// Files that are removed at the same time.
const AT_ONCE: usize = 16;

/// Files of one folder that nothing seems to need.
pub(super) struct Found {
    pub(super) location: String,
    /// The version of the table's log that was not there yet; `None` for the folder of no table.
    pub(super) next: Option<i64>,
    pub(super) files: Vec<ObjectMeta>,
}

impl Run<'_> {
    /// Tells every writer what is about to go, looks again at what was decided until then, and removes the rest.
    pub(super) async fn condemned(&mut self) -> Result<()> {
        let mut found = std::mem::take(&mut self.found);
        found.retain(|found| !found.files.is_empty());
        if found.is_empty() || self.cancel.is_cancelled() {
            return Ok(());
        }
        if !self.options.dry_run {
            let files = found.iter().flat_map(|found| &found.files);
            let list = files.map(|file| file.location.to_string()).collect();
            let token = vacuumed::write(self.storage(), &list).await?;
            let lake = self.lake;
            let told = lake
                .transact(|epoch| {
                    let mut transaction = lake.begin(epoch);
                    transaction.statement("VACUUM");
                    transaction.vacuumed(token.clone());
                    std::future::ready(Ok(transaction))
                })
                .await?;
            let tables: HashSet<&str> = told.tables().map(|table| table.location.as_str()).collect();
            for found in &mut found {
                match found.next {
                    Some(next) => {
                        let (added, _) = self.added(&found.location, next).await?;
                        found.files.retain(|file| !added.contains(file.location.as_ref()));
                    }
                    // A table was made there meanwhile.
                    None if tables.contains(found.location.as_str()) => found.files.clear(),
                    None => {}
                }
            }
        }
        for found in found {
            self.remove_data(found.files).await?;
        }
        Ok(())
    }

    async fn remove_data(&mut self, files: Vec<ObjectMeta>) -> Result<()> {
        self.report.files += files.len() as u64;
        self.report.bytes += files.iter().map(|file| file.size).sum::<u64>();
        self.report
            .paths
            .extend(files.iter().map(|file| file.location.to_string()));
        self.remove(files.into_iter().map(|file| file.location).collect())
            .await
    }

    pub(super) async fn remove(&self, paths: Vec<Path>) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        for chunk in paths.chunks(AT_ONCE) {
            if self.cancel.is_cancelled() {
                return Ok(());
            }
            let removals = futures::stream::iter(chunk.to_vec()).map(|path| async move {
                match self.storage().store.delete(&path).await {
                    // Another vacuum was there.
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(Error::from(error)),
                }
            });
            removals
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<()>>()
                .await?;
        }
        Ok(())
    }

    /// Half-written files of processes that died: they have names that the store does not list.
    pub(super) fn unlisted(&mut self, folder: &str) -> Result<()> {
        let Ok(root) = self.storage().url.to_file_path() else {
            return Ok(());
        };
        let folder = root.join(folder);
        for folder in [folder.join("_delta_log"), folder] {
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let half = name
                    .to_str()
                    .and_then(|name| name.rsplit_once('#'))
                    .is_some_and(|(_, number)| {
                        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
                    });
                let Ok(about) = entry.metadata() else { continue };
                let old = about
                    .modified()
                    .is_ok_and(|at| DateTime::<Utc>::from(at) < self.orphans);
                if !half || !old || !about.is_file() {
                    continue;
                }
                self.report.files += 1;
                self.report.bytes += about.len();
                self.report.paths.push(entry.path().display().to_string());
                if !self.options.dry_run
                    && let Err(source) = std::fs::remove_file(entry.path())
                    && source.kind() != std::io::ErrorKind::NotFound
                {
                    return Err(Error::Io {
                        context: format!("removing {}", entry.path().display()),
                        source,
                    });
                }
            }
        }
        Ok(())
    }
}
