//! A transaction: what is to change, upon one epoch. Nothing of it is visible before it is committed.

mod attach;
mod creation;
mod keyed;
mod merge;
mod objects;
mod rebase;
mod restore;
mod seal;
mod temporary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use futures::Stream;

use super::{Commitment, Lake, Pin, vacuumed};
use crate::delta::LakeTable;
use crate::delta::action::Add;
use crate::delta::files::{DataFile, FileSet};
use crate::delta::writer::DataWriter;
use crate::epoch::Epoch;
use crate::object::{Object, TableObject};
use crate::{Error, Result};

pub(super) use creation::creation;

/// Data files that are written but not yet part of a table. Dropped, they are orphans that vacuum removes.
#[derive(Debug, Clone, Default)]
pub struct StagedFiles {
    adds: Vec<Add>,
}

impl StagedFiles {
    /// Rows in them.
    pub fn rows(&self) -> u64 {
        self.adds.iter().map(rows).sum()
    }

    /// How many they are.
    pub fn files(&self) -> u64 {
        self.adds.len() as u64
    }

    /// Bytes of them.
    pub fn bytes(&self) -> u64 {
        self.adds.iter().map(|add| add.size).sum()
    }
}

fn rows(add: &Add) -> u64 {
    crate::delta::stats_rows(add.stats.as_deref()).unwrap_or_default()
}

/// Changes upon one epoch: made in [`Lake::transact`], or by [`Lake::begin`] and [`Lake::commit`].
#[derive(Debug, Clone)]
pub struct Transaction {
    lake: Lake,
    epoch: Arc<Epoch>,
    id: uuid::Uuid,
    tables: BTreeMap<u32, TableChange>,
    puts: BTreeMap<u32, Arc<Object>>,
    drops: BTreeSet<u32>,
    /// The catalog with them, once somebody asked; gone with every change ([`Transaction::recatalogued`]).
    previewed: OnceLock<Arc<Epoch>>,
    next_oid: u32,
    apps: Vec<(String, i64)>,
    statement: Option<String>,
    user: Option<String>,
    serializable: bool,
    /// Tables and views that it depends upon as they are.
    reads: BTreeSet<u32>,
    /// Tables to which it adds rows whose keys must be new, with the columns of the key.
    keyed: BTreeMap<u32, Vec<String>>,
    /// The epoch that it reads is kept while it is open, and files that are younger than it.
    _pin: Arc<Pin>,
    /// Token of the newest vacuum that did not take its files.
    saw_vacuum: Option<String>,
    vacuumed: Option<String>,
    forget_after: Option<u64>,
    /// Whether it can still be given up.
    pub(super) commitment: Commitment,
    /// Tables that somebody else made: their logs stay as they are.
    attached: BTreeSet<u32>,
    /// OID of the next temporary object, once there was one.
    next_temporary: Option<u32>,
}

#[derive(Debug, Clone, Default)]
struct TableChange {
    adds: Vec<Add>,
    removes: BTreeMap<String, Arc<DataFile>>,
    /// Rows are moved, not changed.
    rearranges: bool,
}

impl Transaction {
    pub(super) fn new(lake: Lake, epoch: Arc<Epoch>) -> Self {
        let next_oid = epoch.next_oid;
        let pin = lake.pin(&epoch);
        let saw_vacuum = epoch.vacuumed.last().cloned();
        Self {
            lake,
            epoch,
            id: uuid::Uuid::now_v7(),
            tables: BTreeMap::new(),
            puts: BTreeMap::new(),
            drops: BTreeSet::new(),
            previewed: OnceLock::new(),
            next_oid,
            apps: Vec::new(),
            statement: None,
            user: None,
            serializable: false,
            reads: BTreeSet::new(),
            keyed: BTreeMap::new(),
            _pin: pin,
            saw_vacuum,
            vacuumed: None,
            forget_after: None,
            commitment: Commitment::default(),
            attached: BTreeSet::new(),
            next_temporary: None,
        }
    }

    /// The epoch that it is built upon.
    pub fn epoch(&self) -> &Arc<Epoch> {
        &self.epoch
    }

    /// Whether it changes nothing: committing it publishes nothing.
    pub fn is_empty(&self) -> bool {
        self.tables
            .values()
            .all(|change| change.adds.is_empty() && change.removes.is_empty())
            && self.puts.is_empty()
            && self.drops.is_empty()
            && self.vacuumed.is_none()
    }

    /// Kind of statement, for `system.epochs`: `INSERT`, `CREATE TABLE`, …
    pub fn statement(&mut self, kind: impl Into<String>) -> &mut Self {
        self.statement = Some(kind.into());
        self
    }

    /// Role that asks for it, for `system.epochs`.
    pub fn user(&mut self, name: impl Into<String>) -> &mut Self {
        self.user = Some(name.into());
        self
    }

    /// Makes it a no-op if this or a higher sequence number of the application was published.
    pub fn app(&mut self, app_id: impl Into<String>, sequence: i64) -> &mut Self {
        self.apps.push((app_id.into(), sequence));
        self
    }

    /// Lets whoever asked for it give it up until it is being decided.
    pub fn commitment(&mut self, commitment: Commitment) -> &mut Self {
        self.commitment = commitment;
        self
    }

    /// Has it built again whenever another writer is first, even if it only appends: for transactions whose rows
    /// depend on what they read.
    pub fn serializable(&mut self) -> &mut Self {
        self.serializable = true;
        self
    }

    /// Says that it depends upon a table or view as it is: when another writer has changed that one first, it is built
    /// again, or lost.
    pub fn reads(&mut self, oid: u32) -> &mut Self {
        // What it makes itself nobody else changes.
        if oid < self.epoch.next_oid {
            self.reads.insert(oid);
        }
        self
    }

    /// The table as this transaction has it so far.
    pub fn table(&self, oid: u32) -> Result<TableObject> {
        if let Some(Object::Table(table)) = self.puts.get(&oid).map(Arc::as_ref) {
            return Ok(table.clone());
        }
        let table = self
            .epoch
            .table_by_oid(oid)
            .filter(|_| !self.drops.contains(&oid));
        Ok(table
            .ok_or_else(|| Error::not_found("table", format!("with OID {oid}")))?
            .as_ref()
            .clone())
    }

    /// Adds rows to a table of this epoch, or one created in this transaction. Columns are matched by name; those that
    /// are missing are NULL. The rows are sorted by the table's cluster key and on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Invalid`] for unknown columns, NULLs where none may be; [`Error::Arrow`] for values that do not fit.
    pub async fn append(&mut self, table: &TableObject, batches: Vec<RecordBatch>) -> Result<()> {
        let table = self.table(table.oid)?;
        let adds = DataWriter::new(self.store_of(&table), &table)?
            .write_all(&batches)
            .await?;
        self.add_staged(&table, StagedFiles { adds })
    }

    /// Writes a stream of any length to data files of a table, without making them part of it.
    pub async fn stage<S, E>(&self, table: &TableObject, stream: S) -> Result<StagedFiles>
    where
        S: Stream<Item = std::result::Result<RecordBatch, E>> + Send + Unpin,
        Error: From<E>,
    {
        let table = self.table(table.oid)?;
        let adds = DataWriter::new(self.store_of(&table), &table)?
            .write_stream(stream)
            .await?;
        Ok(StagedFiles { adds })
    }

    /// Adds staged files to the table that they were staged for.
    pub fn add_staged(&mut self, table: &TableObject, staged: StagedFiles) -> Result<()> {
        self.table(table.oid)?;
        if !staged.adds.is_empty() {
            self.tables.entry(table.oid).or_default().adds.extend(staged.adds);
        }
        Ok(())
    }

    /// Takes live files out of a table and adds rows: DELETE, UPDATE, MERGE.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a file is not live at this epoch.
    pub async fn replace_files(
        &mut self,
        table: &TableObject,
        removed: &[String],
        batches: Vec<RecordBatch>,
    ) -> Result<()> {
        self.remove_files(table, removed).await?;
        if batches.is_empty() {
            Ok(())
        } else {
            self.append(table, batches).await
        }
    }

    /// Takes live files out of a table.
    ///
    /// # Errors
    /// [`Error::Conflict`] if a file is not live at this epoch.
    pub async fn remove_files(&mut self, table: &TableObject, removed: &[String]) -> Result<()> {
        let table = self.table(table.oid)?;
        if removed.is_empty() {
            return Ok(());
        }
        let files = self.base(&table).await?;
        let change = self.tables.entry(table.oid).or_default();
        let mut found = Vec::with_capacity(removed.len());
        for path in removed {
            // What this transaction wrote itself is simply not part of it any more.
            if let Some(own) = change.adds.iter().position(|add| add.path == *path) {
                change.adds.remove(own);
                continue;
            }
            let file = files.get(path)?;
            found.push(Arc::clone(file.ok_or_else(|| Error::Conflict {
                what: table.qualified_name(),
            })?));
        }
        for file in found {
            if change.removes.insert(file.path().to_owned(), file).is_some() {
                return Err(Error::invalid(format!(
                    "a file of {} is taken out twice",
                    table.qualified_name()
                )));
            }
        }
        Ok(())
    }

    /// Takes all rows out of a table. That there are none counts too: rows that come meanwhile are not moved below it.
    pub async fn truncate(&mut self, table: &TableObject) -> Result<()> {
        let table = self.table(table.oid)?;
        self.reads(table.oid);
        let files = self.overlay(&table).await?;
        let paths: Vec<String> = files.files.values().map(|file| file.path().to_owned()).collect();
        self.remove_files(&table, &paths).await
    }

    /// The table's files before this transaction.
    async fn base(&self, table: &TableObject) -> Result<Arc<FileSet>> {
        if table.version < 0 {
            return Ok(Arc::new(FileSet::empty(&table.location)));
        }
        if let Some(temporary) = self.temporary_of(table) {
            return Ok(temporary.files(table));
        }
        self.lake.files(&table.location, table.version).await
    }

    /// The table's files as this transaction has them so far.
    async fn overlay(&self, table: &TableObject) -> Result<Arc<FileSet>> {
        let base = self.base(table).await?;
        let Some(change) = self.tables.get(&table.oid) else {
            return Ok(base);
        };
        let mut files = FileSet::clone(&base);
        for removed in change.removes.values() {
            files.take(removed.path())?;
        }
        for add in &change.adds {
            files.insert(add.clone())?;
        }
        Ok(Arc::new(files))
    }

    /// A table with its rows as this transaction has them so far.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the transaction has no such table.
    pub async fn open_table(&self, oid: u32) -> Result<Arc<LakeTable>> {
        let table = self.table(oid)?;
        let files = self.overlay(&table).await?;
        let storage = match self.temporary_of(&table) {
            Some(temporary) => temporary.storage().clone(),
            None => self.lake.storage().clone(),
        };
        Ok(Arc::new(LakeTable::new(table, files, storage)?))
    }

    /// The catalog as this transaction has it so far, under the number of the epoch that it is built upon.
    ///
    /// # Errors
    /// [`Error::NotFound`] if a relation is in a schema that is dropped.
    pub fn preview(&self) -> Result<Arc<Epoch>> {
        if self.puts.is_empty() && self.drops.is_empty() {
            return Ok(Arc::clone(&self.epoch));
        }
        if let Some(preview) = self.previewed.get() {
            return Ok(Arc::clone(preview));
        }
        let puts = self.puts.values().cloned();
        let at = (self.epoch.number, self.epoch.committed_at);
        let drops = self.drops.iter().copied();
        let mut preview = Epoch::upon(&self.epoch, at, self.next_oid, puts.collect(), drops)?;
        preview.file = self.epoch.file.clone();
        Ok(Arc::clone(self.previewed.get_or_init(|| Arc::new(preview))))
    }

    /// What it changes of the catalog, or the epoch that it is built upon, is another now.
    fn recatalogued(&mut self) {
        self.previewed = OnceLock::new();
    }

    /// Whether this transaction changes the table's rows or its entry in the catalog.
    pub fn touches(&self, oid: u32) -> bool {
        self.tables.contains_key(&oid) || self.puts.contains_key(&oid) || self.drops.contains(&oid)
    }

    /// Files that it has written, relative to the lake.
    fn staged(&self) -> Result<BTreeSet<String>> {
        let mut staged = BTreeSet::new();
        for (oid, change) in self.tables.iter().filter(|(_, change)| !change.adds.is_empty()) {
            let mut set = FileSet::empty(&self.table(*oid)?.location);
            for add in &change.adds {
                set.insert(add.clone())?;
            }
            staged.extend(set.files.values().map(|file| file.location.to_string()));
        }
        Ok(staged)
    }

    /// Looks whether a vacuum that came between took its files for orphans.
    ///
    /// # Errors
    /// [`Error::Conflict`] if so.
    pub(super) async fn look_for_condemned(&mut self) -> Result<()> {
        let newest = self.epoch.vacuumed.last();
        if newest == self.saw_vacuum.as_ref() {
            return Ok(());
        }
        let staged = self.staged()?;
        if vacuumed::condemns(
            self.lake.storage(),
            &self.epoch.vacuumed,
            self.saw_vacuum.as_deref(),
            &staged,
        )
        .await?
        {
            return Err(Error::Conflict {
                what: "what a vacuum removes has files of this transaction: the lake".to_owned(),
            });
        }
        self.saw_vacuum = newest.cloned();
        Ok(())
    }

    /// Makes it say that a vacuum is about to remove what the token's file lists.
    pub(super) fn vacuumed(&mut self, token: String) {
        self.vacuumed = Some(token);
    }

    /// Says that the table's rows are moved between files but not changed.
    pub(super) fn rearranges(&mut self, oid: u32) {
        self.tables.entry(oid).or_default().rearranges = true;
    }

    /// Whether all of its application transactions were published before: committing it publishes nothing. Worth
    /// asking right after [`Transaction::app`], before anything is built in vain.
    pub fn is_published(&self) -> bool {
        let published =
            |id: &str, sequence| self.epoch.app_sequence(id).is_some_and(|known| known >= sequence);
        !self.apps.is_empty() && self.apps.iter().all(|(id, sequence)| published(id, *sequence))
    }
}
