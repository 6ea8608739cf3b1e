//! An intent: a decided commit, as a file whose existence is the decision.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::apps::{self, App};
use super::vacuumed;
use crate::epoch::Epoch;
use crate::object::Object;
use crate::system::EpochRecord;
use crate::{Error, Result};

/// All that anybody needs to carry out a commit that was decided, at any later time and any number of times.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// Format of this file.
    pub(crate) format: u64,
    /// Unique id of the attempt that wrote it.
    pub(crate) txn: String,
    /// Who, when, what: becomes a row of `system.epochs`.
    pub(crate) record: EpochRecord,
    /// Commits of tables.
    pub(crate) tables: Vec<TableCommit>,
    /// Objects that are new or changed, tables with their new pins among them.
    pub(crate) puts: Vec<Object>,
    /// OIDs of objects that go.
    pub(crate) drops: Vec<u32>,
    /// The OID counter afterwards.
    pub(crate) next_oid: u32,
    /// Application transactions: id, sequence number.
    pub(crate) apps: Vec<(String, i64)>,
    /// Application transactions of later epochs are forgotten: the lake goes back to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forget_after: Option<u64>,
    /// A vacuum is about to remove what this token's file lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vacuumed: Option<String>,
}

/// A commit of one table's log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TableCommit {
    /// Qualified name, for messages.
    pub(crate) table: String,
    /// Folder.
    pub(crate) location: String,
    /// Version.
    pub(crate) version: i64,
    /// The commit, to the byte.
    pub(crate) commit: String,
    /// A commit that takes it back, for when another table's commit cannot be made.
    pub(crate) undo: String,
}

impl Intent {
    /// Where the decision over an epoch is.
    pub(crate) fn path(epoch: u64) -> Path {
        Path::from(format!("_radlake/intents/{epoch:020}.json"))
    }

    /// Reads an intent.
    pub(crate) fn parse(epoch: u64, bytes: &[u8]) -> Result<Self> {
        let intent: Self =
            serde_json::from_slice(bytes).map_err(|error| Error::damaged(Self::path(epoch), error))?;
        if intent.record.epoch != epoch {
            return Err(Error::damaged(
                Self::path(epoch),
                format!("it is of epoch {}", intent.record.epoch),
            ));
        }
        Ok(intent)
    }

    /// The epoch that it makes of `base` (`None`: a new lake). The same for everybody.
    pub(crate) fn apply(&self, base: Option<&Epoch>) -> Result<Epoch> {
        let mut apps = base.map(|base| base.apps.clone()).unwrap_or_default();
        let mut vacuums = base.map(|base| base.vacuumed.clone()).unwrap_or_default();
        let (mut puts, mut drops) = (Vec::new(), Vec::new());
        if let Some(base) = base
            && base.number + 1 != self.record.epoch
        {
            return Err(Error::internal(format!(
                "epoch {} upon {}",
                self.record.epoch, base.number
            )));
        }
        if self.record.aborted.is_none() {
            drops.clone_from(&self.drops);
            puts.extend(self.puts.iter().map(|object| Arc::new(object.clone())));
            if let Some(kept) = self.forget_after {
                apps.retain(|_, app| app.epoch <= kept);
            }
            for (id, sequence) in &self.apps {
                let app = App {
                    sequence: *sequence,
                    epoch: self.record.epoch,
                    at: self.at(),
                    table: self.record.tables.first().map_or(0, |table| table.oid),
                };
                apps.insert(id.clone(), app);
            }
            if !self.apps.is_empty() {
                apps::forget(&mut apps, self.at());
            }
            if let Some(token) = &self.vacuumed {
                vacuumed::note(&mut vacuums, token);
            }
        }
        let at = (self.record.epoch, self.at());
        let mut epoch = match base {
            Some(base) => Epoch::upon(base, at, self.next_oid, puts, drops)?,
            None => Epoch::new(at.0, at.1, self.next_oid, BTreeMap::new(), puts)?,
        };
        epoch.apps = apps;
        epoch.vacuumed = vacuums;
        Ok(epoch)
    }

    pub(crate) fn at(&self) -> DateTime<Utc> {
        self.record.at
    }
}
