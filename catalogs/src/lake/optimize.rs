//! Compaction: many small files become few, sorted by the table's cluster key. Rows stay the same.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use tokio_util::sync::CancellationToken;

use super::{Lake, StagedFiles, Transaction};
use crate::delta::DataFile;
use crate::delta::writer::sorted_by_key;
use crate::epoch::Epoch;
use crate::object::TableObject;
use crate::{Error, Result};

/// Files below this are worth merging.
const SMALL: u64 = 64 << 20;
/// Files that are merged at once, each of which is open meanwhile.
const AT_ONCE: usize = 512;
/// Bytes that sorting may take before it goes to disk.
const MEMORY: usize = 512 << 20;

/// Times that a compaction is built anew when others were first.
const ATTEMPTS: u32 = 20;

/// What a compaction may take.
#[derive(Debug, Clone, Default)]
pub struct OptimizeOptions {
    /// Bytes that are read at most, for one that runs beside other work; at least two files.
    pub bytes: Option<u64>,
    /// Files of this size are merged at most; unless said otherwise those below 64 MiB.
    pub small: Option<u64>,
    /// Role that asks for it, for `system.epochs`.
    pub user: Option<String>,
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OptimizeReport {
    /// Files that were merged.
    pub removed: u64,
    /// Files that they became.
    pub added: u64,
    /// Bytes of the files that were merged.
    pub bytes_removed: u64,
    /// Bytes of the files that they became.
    pub bytes_added: u64,
    /// Commits that it took.
    pub commits: u64,
    /// Stopped before the end; running it again goes on.
    pub cancelled: bool,
}

impl Lake {
    /// Merges a table's small files, and sorts those that are not sorted by its cluster key. Gives the epoch in which
    /// that is done: the newest if there was nothing to do. Appends go on meanwhile; a DELETE or another compaction
    /// that is first has this one start over.
    pub async fn optimize(&self, oid: u32) -> Result<Arc<Epoch>> {
        self.optimize_once(oid, &OptimizeOptions::default(), &mut OptimizeReport::default())
            .await
    }

    /// [`Lake::optimize`] until nothing is left to be done, a commit at a time.
    ///
    /// # Errors
    /// [`Error::Contention`] if others were first each time.
    pub async fn optimize_all(
        &self,
        oid: u32,
        options: &OptimizeOptions,
        cancel: &CancellationToken,
        progress: &(dyn Fn(&OptimizeReport) + Send + Sync),
    ) -> Result<OptimizeReport> {
        let mut report = OptimizeReport::default();
        loop {
            let before = report.commits;
            let done = tokio::select! {
                // What is half done are files that vacuum removes.
                () = cancel.cancelled() => None,
                done = self.optimize_once(oid, options, &mut report) => Some(done),
            };
            match done {
                None => {
                    report.cancelled = true;
                    return Ok(report);
                }
                Some(done) => done?,
            };
            if report.commits == before || options.bytes.is_some() {
                return Ok(report);
            }
            progress(&report);
        }
    }

    async fn optimize_once(
        &self,
        oid: u32,
        options: &OptimizeOptions,
        report: &mut OptimizeReport,
    ) -> Result<Arc<Epoch>> {
        let _alone = self.lock_table(oid).await?;
        for _ in 0..ATTEMPTS {
            let epoch = self.latest().await?;
            let mut transaction = self.begin(Arc::clone(&epoch));
            transaction.statement("OPTIMIZE");
            if let Some(user) = &options.user {
                transaction.user(user);
            }
            let table = transaction.table(oid)?;
            let Some((old, new)) = self.compact(&transaction, &table, options).await? else {
                return Ok(epoch);
            };
            let mut merged = *report;
            merged.removed += old.len() as u64;
            merged.bytes_removed += old.iter().map(|file| file.size()).sum::<u64>();
            merged.added += new.files();
            merged.bytes_added += new.bytes();
            merged.commits += 1;
            let paths: Vec<String> = old.iter().map(|file| file.path().to_owned()).collect();
            transaction.remove_files(&table, &paths).await?;
            transaction.add_staged(&table, new)?;
            transaction.rearranges(oid);
            match self.commit(transaction).await {
                Ok(epoch) => {
                    *report = merged;
                    return Ok(epoch);
                }
                // Files that were merged are gone: what was written is left to vacuum.
                Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contention { attempts: ATTEMPTS })
    }

    async fn compact(
        &self,
        transaction: &Transaction,
        table: &TableObject,
        options: &OptimizeOptions,
    ) -> Result<Option<(Vec<Arc<DataFile>>, StagedFiles)>> {
        let provider = self.table(table).await?;
        let unsorted = |file: &DataFile| !table.cluster_key.is_empty() && !sorted_by_key(file.path(), table);
        let worth = provider
            .files()
            .filter(|file| file.size() < options.small.unwrap_or(SMALL) || unsorted(file));
        let mut bytes = 0;
        let mut chosen: Vec<Arc<DataFile>> = Vec::new();
        for file in worth.take(AT_ONCE) {
            bytes += file.size();
            if chosen.len() >= 2 && options.bytes.is_some_and(|most| bytes > most) {
                break;
            }
            chosen.push(Arc::clone(file));
        }
        if chosen.len() < 2 && !chosen.iter().any(|file| unsorted(file)) {
            return Ok(None);
        }
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(MEMORY, 1.0)
            .build_arc()?;
        let context = SessionContext::new_with_config_rt(SessionConfig::new(), runtime);
        // Files that are sorted already, which is all of ours, are merged as they stream by.
        let plan = provider.merged(&context.state(), &chosen)?;
        let rows = execute_stream(plan, context.task_ctx())?;
        let staged = transaction.stage(table, rows).await?;
        let before: Option<u64> = chosen.iter().map(|file| file.rows()).sum();
        if before.is_some_and(|before| before != staged.rows()) {
            return Err(Error::internal(format!(
                "compaction of {} read {} rows of {before:?}",
                table.qualified_name(),
                staged.rows()
            )));
        }
        Ok(Some((chosen, staged)))
    }
}
