//! Compaction: many small files become few, sorted by the table's cluster key. Rows stay the same.

use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;

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

impl Lake {
    /// Merges a table's small files, and sorts those that are not sorted by its cluster key. Gives the epoch in which
    /// that is done: the newest if there was nothing to do. Appends go on meanwhile; a DELETE or another compaction
    /// that is first has this one start over.
    pub async fn optimize(&self, oid: u32) -> Result<Arc<Epoch>> {
        let _alone = self.lock_table(oid).await?;
        self.transact(|epoch| async move {
            let mut transaction = self.begin(epoch);
            transaction.statement("OPTIMIZE");
            let table = transaction.table(oid)?;
            if let Some((old, new)) = self.compact(&transaction, &table).await? {
                transaction.remove_files(&table, &old).await?;
                transaction.add_staged(&table, new)?;
                transaction.rearranges(oid);
            }
            Ok(transaction)
        })
        .await
    }

    async fn compact(
        &self,
        transaction: &Transaction,
        table: &TableObject,
    ) -> Result<Option<(Vec<String>, StagedFiles)>> {
        let provider = self.table(table).await?;
        let unsorted = |file: &DataFile| !table.cluster_key.is_empty() && !sorted_by_key(file.path(), table);
        let worth = provider
            .files()
            .filter(|file| file.size() < SMALL || unsorted(file));
        let chosen: Vec<Arc<DataFile>> = worth.take(AT_ONCE).cloned().collect();
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
        Ok(Some((
            chosen.iter().map(|file| file.path().to_owned()).collect(),
            staged,
        )))
    }
}
