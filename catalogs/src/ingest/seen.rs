//! The UIDs that a lake has, as one run remembers them: eight bytes each, so that a batch reads the files that are new
//! since the batch before and not the whole column again.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use rustc_hash::FxBuildHasher;

use super::reads::for_each_text;
use crate::delta::DataFile;
use crate::{LakeTable, Result};

/// UIDs that are remembered at most: 256 MiB. In a lake of more the column is read for each batch.
const MOST: u64 = 32 << 20;

/// Hashes of the UIDs in some of a table's files. A hash says that a UID may be there, never that it is.
#[derive(Default)]
pub(crate) struct Seen {
    /// Paths of the files that were read. Files never change.
    files: HashSet<String>,
    /// Sorted.
    hashes: Vec<u64>,
}

impl Seen {
    /// Reads the files of `table` that it has not read. Gives how many that were; `None` if the table is too large.
    pub(crate) async fn refresh(
        &mut self,
        context: &SessionContext,
        table: &LakeTable,
        column: &str,
    ) -> Result<Option<usize>> {
        if table.rows().is_none_or(|rows| rows > MOST) {
            *self = Self::default();
            return Ok(None);
        }
        let still_there = table
            .files()
            .filter(|file| self.files.contains(file.path()))
            .count();
        if still_there < self.files.len() {
            // Rewritten by somebody: their rows are in files that are new to us.
            *self = Self::default();
        }
        let new: Vec<Arc<DataFile>> = table
            .files()
            .filter(|file| !self.files.contains(file.path()))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(Some(0));
        }
        let projection = vec![table.object().arrow_schema.index_of(column)?];
        let scan = table.scan_files(&context.state(), Some(&projection), &new, None)?;
        let mut stream = execute_stream(scan, context.task_ctx())?;
        let mut hashes = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            hashes.reserve(batch.num_rows());
            for_each_text(batch.column(0), |uid| hashes.push(hash(uid)))?;
        }
        hashes.sort_unstable();
        self.hashes.reserve_exact(hashes.len());
        self.hashes.append(&mut hashes);
        // Two sorted runs: the stable sort merges them, in linear time.
        self.hashes.sort();
        self.files.extend(new.iter().map(|file| file.path().to_owned()));
        Ok(Some(new.len()))
    }

    /// Whether `uid` may be in the files that were read; if not, it is not.
    pub(crate) fn may_have(&self, uid: &str) -> bool {
        self.hashes.binary_search(&hash(uid)).is_ok()
    }
}

/// Fast rather than safe against collisions: whoever makes one costs himself a look into the table.
fn hash(uid: &str) -> u64 {
    FxBuildHasher.hash_one(uid)
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
