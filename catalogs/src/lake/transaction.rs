//! A transaction: what is to change, upon one epoch. Nothing of it is visible before it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use chrono::Utc;
use futures::Stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::Lake;
use super::catalog::FORMAT;
use super::intent::{Intent, TableCommit};
use crate::delta::LakeTable;
use crate::delta::action::{Action, Add, Format, Metadata, Protocol, Txn, write_commit};
use crate::delta::files::{DataFile, FileSet};
use crate::delta::log::commit_path;
use crate::delta::schema::{delta_schema, needs_timestamp_ntz};
use crate::delta::writer::DataWriter;
use crate::epoch::Epoch;
use crate::object::{FIRST_OID, Object, TableObject};
use crate::system::{EpochRecord, TableRecord};
use crate::{Error, Result};

/// What a folder's name keeps as it is.
const FOLDER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

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
    puts: BTreeMap<u32, Object>,
    drops: BTreeSet<u32>,
    next_oid: u32,
    apps: Vec<(String, i64)>,
    statement: Option<String>,
    user: Option<String>,
    serializable: bool,
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
        Self {
            lake,
            epoch,
            id: uuid::Uuid::now_v7(),
            tables: BTreeMap::new(),
            puts: BTreeMap::new(),
            drops: BTreeSet::new(),
            next_oid,
            apps: Vec::new(),
            statement: None,
            user: None,
            serializable: false,
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

    /// Has it built again whenever another writer is first, even if it only appends: for transactions whose rows
    /// depend on what they read.
    pub fn serializable(&mut self) -> &mut Self {
        self.serializable = true;
        self
    }

    /// The table as this transaction has it so far.
    pub fn table(&self, oid: u32) -> Result<TableObject> {
        if let Some(Object::Table(table)) = self.puts.get(&oid) {
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
        let adds = DataWriter::new(self.lake.store(), &table)?
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
        let adds = DataWriter::new(self.lake.store(), &table)?
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

    /// Takes all rows out of a table.
    pub async fn truncate(&mut self, table: &TableObject) -> Result<()> {
        let table = self.table(table.oid)?;
        let files = self.overlay(&table).await?;
        let paths: Vec<String> = files.files.values().map(|file| file.path().to_owned()).collect();
        self.remove_files(&table, &paths).await
    }

    /// The table's files before this transaction.
    async fn base(&self, table: &TableObject) -> Result<Arc<FileSet>> {
        if table.version < 0 {
            return Ok(Arc::new(FileSet::empty(&table.location)));
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
        Ok(Arc::new(LakeTable::new(
            table,
            files,
            self.lake.storage().clone(),
        )?))
    }

    /// The catalog as this transaction has it so far, under the number of the epoch that it is built upon.
    ///
    /// # Errors
    /// [`Error::NotFound`] if a relation is in a schema that is dropped.
    pub fn preview(&self) -> Result<Arc<Epoch>> {
        if self.puts.is_empty() && self.drops.is_empty() {
            return Ok(Arc::clone(&self.epoch));
        }
        let objects = self.objects().map(|object| Arc::new(object.clone()));
        let mut preview = Epoch::new(
            self.epoch.number,
            self.epoch.committed_at,
            self.next_oid,
            self.epoch.apps.clone(),
            objects,
        )?;
        preview.file = self.epoch.file.clone();
        Ok(Arc::new(preview))
    }

    /// Whether this transaction changes the table's rows or its entry in the catalog.
    pub fn touches(&self, oid: u32) -> bool {
        self.tables.contains_key(&oid) || self.puts.contains_key(&oid) || self.drops.contains(&oid)
    }

    /// Says that the table's rows are moved between files but not changed.
    pub(super) fn rearranges(&mut self, oid: u32) {
        self.tables.entry(oid).or_default().rearranges = true;
    }

    /// Makes a table: gives it an OID and a folder. Rows can be appended at once.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is a relation of that name, [`Error::NotFound`] if there is no such schema.
    pub async fn create_table(&mut self, mut table: TableObject) -> Result<TableObject> {
        delta_schema(&table.arrow_schema)?;
        check_columns(&table)?;
        table.oid = self.allocate(table.oid)?;
        table.version = -1;
        table.delta_id = uuid::Uuid::new_v4().to_string();
        table.location = folder(&table);
        // The folder of a table that was dropped, or of a foreign one, is left alone.
        if self
            .lake
            .storage()
            .exists(&commit_path(&table.location, 0))
            .await?
        {
            table.location = format!("{}-{}", table.location, table.oid);
        }
        self.check_name(&Object::Table(table.clone()))?;
        self.puts.insert(table.oid, Object::Table(table.clone()));
        Ok(table)
    }

    /// Puts an object into the catalog: a new one without OID, or a changed one with it. Gives the OID. A table's
    /// changed columns go into its log too; a new table comes by [`Transaction::create_table`].
    ///
    /// # Errors
    /// [`Error::Exists`] if another object has the name.
    pub fn put_object(&mut self, object: impl Into<Object>) -> Result<u32> {
        let mut object = object.into();
        if let Object::Table(table) = &mut object {
            check_columns(table)?;
            let current = self.table(table.oid)?;
            // Where the rows are is not the caller's to say.
            table.location = current.location;
            table.version = current.version;
            table.delta_id = current.delta_id;
            delta_schema(&table.arrow_schema)?;
        }
        let oid = match object.oid() {
            0 => self.allocate(0)?,
            oid if self
                .object(oid)
                .is_some_and(|there| there.kind() == object.kind()) =>
            {
                oid
            }
            oid => return Err(Error::not_found(object.kind(), format!("with OID {oid}"))),
        };
        object.set_oid(oid);
        self.check_name(&object)?;
        self.puts.insert(oid, object);
        Ok(oid)
    }

    /// Takes an object out of the catalog. A table's files stay for older epochs, until vacuum.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not there, [`Error::Invalid`] for a schema with relations in it.
    pub fn drop_object(&mut self, oid: u32) -> Result<()> {
        let object = self
            .object(oid)
            .cloned()
            .ok_or_else(|| Error::not_found("object", format!("with OID {oid}")))?;
        if let Object::Schema(schema) = &object
            && self
                .objects()
                .any(|object| object.schema() == Some(schema.name.as_str()))
        {
            return Err(Error::invalid(format!("schema \"{}\" is not empty", schema.name)));
        }
        self.puts.remove(&oid);
        self.tables.remove(&oid);
        if self.epoch.object(oid).is_some() {
            self.drops.insert(oid);
        }
        Ok(())
    }

    /// An object as this transaction has it so far.
    pub fn object(&self, oid: u32) -> Option<&Object> {
        if self.drops.contains(&oid) {
            return None;
        }
        self.puts
            .get(&oid)
            .or_else(|| self.epoch.object(oid).map(Arc::as_ref))
    }

    /// All objects as this transaction has them so far.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let old = self.epoch.objects().map(Arc::as_ref);
        let old = old
            .filter(|object| !self.drops.contains(&object.oid()) && !self.puts.contains_key(&object.oid()));
        old.chain(self.puts.values())
    }

    fn allocate(&mut self, wanted: u32) -> Result<u32> {
        if wanted != 0 {
            return Err(Error::invalid(format!(
                "OID {wanted} is not the caller's to give"
            )));
        }
        let oid = self.next_oid;
        self.next_oid = oid
            .checked_add(1)
            .ok_or_else(|| Error::invalid("the lake has no OIDs left"))?;
        Ok(oid)
    }

    fn check_name(&self, object: &Object) -> Result<()> {
        if object.name().is_empty() {
            return Err(Error::invalid(format!("a {} needs a name", object.kind())));
        }
        let space = |object: &Object| {
            object
                .schema()
                .map_or_else(|| object.kind().to_owned(), |name| format!(".{name}"))
        };
        let mine = space(object);
        if let Some(schema) = object.schema()
            && !self
                .objects()
                .any(|other| matches!(other, Object::Schema(other) if other.name == schema))
        {
            return Err(Error::not_found("schema", schema));
        }
        let taken = |other: &&Object| {
            other.oid() != object.oid() && other.name() == object.name() && space(other) == mine
        };
        match self.objects().find(taken) {
            Some(other) => Err(Error::Exists {
                kind: other.kind(),
                name: other.qualified_name(),
            }),
            None => Ok(()),
        }
    }

    /// Whether all of its application transactions were published before: committing it publishes nothing. Worth
    /// asking right after [`Transaction::app`], before anything is built in vain.
    pub fn is_published(&self) -> bool {
        let published =
            |id: &str, sequence| self.epoch.app_sequence(id).is_some_and(|known| known >= sequence);
        !self.apps.is_empty() && self.apps.iter().all(|(id, sequence)| published(id, *sequence))
    }

    /// Moves it upon a newer epoch if what it changes is there as it was: `false` if it must be built again, or is lost.
    /// Rows that are only added go with whatever others did to the table's rows. What it read may be older: whoever
    /// cares says [`Transaction::serializable`].
    pub(super) fn rebase(&mut self, epoch: &Arc<Epoch>) -> bool {
        if self.epoch.number == epoch.number {
            return true;
        }
        if self.serializable || !self.fits(epoch) {
            return false;
        }
        let shift = epoch.next_oid - self.epoch.next_oid;
        let first = self.epoch.next_oid;
        let moved = |oid: u32| {
            if oid >= first {
                oid.checked_add(shift)
            } else {
                Some(oid)
            }
        };
        if moved(self.next_oid).is_none() {
            return false;
        }
        let (old_epoch, old_puts) = (Arc::clone(&self.epoch), self.puts.clone());
        let (old_tables, old_next) = (self.tables.clone(), self.next_oid);
        // Its new objects take the numbers that follow upon those of the winners'.
        if shift > 0 {
            let puts = std::mem::take(&mut self.puts);
            self.puts = puts
                .into_iter()
                .filter_map(|(oid, mut object)| {
                    object.set_oid(moved(oid)?);
                    Some((object.oid(), object))
                })
                .collect();
            let tables = std::mem::take(&mut self.tables);
            self.tables = tables
                .into_iter()
                .filter_map(|(oid, change)| Some((moved(oid)?, change)))
                .collect();
            self.next_oid += shift;
        }
        self.epoch = Arc::clone(epoch);
        if self.puts.values().all(|object| self.check_name(object).is_ok()) {
            return true;
        }
        (self.epoch, self.puts, self.tables, self.next_oid) = (old_epoch, old_puts, old_tables, old_next);
        false
    }

    /// Whether everything that it changes is in `epoch` as it was.
    fn fits(&self, epoch: &Epoch) -> bool {
        let same = |oid: &u32| {
            let old = self.epoch.object(*oid);
            // What it makes itself is in neither.
            old.is_none_or(|old| epoch.object(*oid) == Some(old))
        };
        let appended = |(oid, change): (&u32, &TableChange)| {
            let old = self.epoch.table_by_oid(*oid);
            let Some(old) = old.filter(|_| change.removes.is_empty() && !self.puts.contains_key(oid)) else {
                return same(oid);
            };
            epoch.table_by_oid(*oid).is_some_and(|new| {
                old.location == new.location
                    && old.arrow_schema == new.arrow_schema
                    && old.cluster_key == new.cluster_key
                    && old.properties == new.properties
            })
        };
        let emptied = |oid: &u32| match self.epoch.object(*oid).map(Arc::as_ref) {
            Some(Object::Schema(schema)) => epoch
                .relations(&schema.name)
                .all(|relation| self.drops.contains(&relation.oid())),
            _ => true,
        };
        self.puts.keys().all(same)
            && self.drops.iter().all(|oid| same(oid) && emptied(oid))
            && self.tables.iter().all(appended)
    }

    /// The intent that decides it. A new id each time, so that every attempt is told from every other.
    pub(super) fn seal(&mut self) -> Result<Intent> {
        self.id = uuid::Uuid::now_v7();
        let at = Utc::now();
        let mut puts = self.puts.clone();
        let (mut tables, mut records) = (Vec::new(), Vec::new());
        let touched: BTreeSet<u32> = self
            .tables
            .keys()
            .copied()
            .chain(
                puts.values()
                    .filter(|o| matches!(o, Object::Table(_)))
                    .map(Object::oid),
            )
            .collect();
        let nothing = TableChange::default();
        for oid in touched {
            let mut table = self.table(oid)?;
            let change = self.tables.get(&oid).unwrap_or(&nothing);
            let Some((commit, record)) = self.table_commit(&mut table, change, at.timestamp_millis())? else {
                continue;
            };
            tables.push(commit);
            records.push(record);
            puts.insert(oid, Object::Table(table));
        }
        Ok(Intent {
            format: FORMAT,
            txn: self.id.to_string(),
            record: EpochRecord {
                epoch: self.epoch.number + 1,
                at,
                user: self.user.clone(),
                statement: self.statement.clone().unwrap_or_else(|| "WRITE".to_owned()),
                tables: records,
                aborted: None,
            },
            tables,
            puts: puts.into_values().collect(),
            drops: self.drops.iter().copied().collect(),
            next_oid: self.next_oid,
            apps: self.apps.clone(),
        })
    }

    /// A table's commit; moves the table's pin and counters. `None` if only the catalog has to know of the change.
    fn table_commit(
        &self,
        table: &mut TableObject,
        change: &TableChange,
        now: i64,
    ) -> Result<Option<(TableCommit, TableRecord)>> {
        let base = self.epoch.table_by_oid(table.oid);
        let (mut redo, mut undo) = (Vec::new(), Vec::new());
        let ntz = needs_timestamp_ntz(&table.arrow_schema);
        match base {
            None => {
                redo.push(Action::Protocol(Protocol::of(ntz)));
                redo.push(Action::Metadata(metadata(table, now)?));
            }
            Some(base) if delta_schema(&base.arrow_schema)? != delta_schema(&table.arrow_schema)? => {
                if ntz && !needs_timestamp_ntz(&base.arrow_schema) {
                    redo.push(Action::Protocol(Protocol::of(true)));
                }
                redo.push(Action::Metadata(metadata(table, now)?));
                undo.push(Action::Metadata(metadata(base, now)?));
            }
            Some(_) => {}
        }
        for file in change.removes.values() {
            redo.push(Action::Remove(file.add.removal(now, !change.rearranges)));
            undo.push(Action::Add(file.add.clone()));
        }
        for add in &change.adds {
            let add = Add {
                data_change: !change.rearranges,
                ..add.clone()
            };
            undo.push(Action::Remove(add.removal(now, !change.rearranges)));
            redo.push(Action::Add(add));
        }
        if redo.is_empty() {
            return Ok(None);
        }
        for (id, sequence) in &self.apps {
            redo.push(Action::Txn(Txn {
                app_id: id.clone(),
                version: *sequence,
                last_updated: Some(now),
            }));
        }
        let statement = self.statement.as_deref().unwrap_or("WRITE");
        let info = |operation: &str| {
            Action::CommitInfo(json!({
                "timestamp": now,
                "operation": operation,
                "operationParameters": {},
                "isBlindAppend": change.removes.is_empty() && base.is_some(),
                "engineInfo": concat!("radlake/", env!("CARGO_PKG_VERSION")),
                "radlake": { "txn": self.id.to_string(), "epoch": self.epoch.number + 1 },
            }))
        };
        redo.insert(0, info(statement));
        undo.insert(0, info("UNDO"));
        let rows_in: u64 = change.adds.iter().map(rows).sum();
        let rows_out: u64 = change.removes.values().filter_map(|file| file.rows()).sum();
        let bytes_in: u64 = change.adds.iter().map(|add| add.size).sum();
        let bytes_out: u64 = change.removes.values().map(|file| file.size()).sum();
        table.version += 1;
        table.rows = (table.rows + rows_in).saturating_sub(rows_out);
        table.bytes = (table.bytes + bytes_in).saturating_sub(bytes_out);
        table.files = (table.files + change.adds.len() as u64).saturating_sub(change.removes.len() as u64);
        let commit = TableCommit {
            table: table.qualified_name(),
            location: table.location.clone(),
            version: table.version,
            commit: write_commit(&redo)?,
            undo: write_commit(&undo)?,
        };
        let record = TableRecord {
            oid: table.oid,
            table: table.qualified_name(),
            version: table.version,
            rows_in,
            rows_out,
        };
        Ok(Some((commit, record)))
    }
}

fn metadata(table: &TableObject, now: i64) -> Result<Metadata> {
    Ok(Metadata {
        id: table.delta_id.clone(),
        name: Some(table.qualified_name()),
        description: table.comment.clone(),
        format: Format::default(),
        schema_string: delta_schema(&table.arrow_schema)?,
        partition_columns: Vec::new(),
        configuration: BTreeMap::new(),
        created_time: Some(now),
    })
}

fn folder(table: &TableObject) -> String {
    // Names that begin so are the lake's own, and hidden from other readers.
    let part = |name: &str| match utf8_percent_encode(name, FOLDER).to_string().replace('%', "~") {
        name if name.starts_with('_') => format!("~5F{}", &name[1..]),
        name => name,
    };
    format!("{}/{}", part(&table.schema), part(&table.name))
}

fn check_columns(table: &TableObject) -> Result<()> {
    let mut seen = BTreeSet::new();
    for field in table.arrow_schema.fields() {
        // Parquet and Delta readers elsewhere do not tell columns apart by case.
        if field.name().is_empty() || !seen.insert(field.name().to_lowercase()) {
            return Err(Error::invalid(format!(
                "table {}: column \"{}\" twice",
                table.qualified_name(),
                field.name()
            )));
        }
    }
    match table
        .cluster_key
        .iter()
        .chain(&table.bloom_columns)
        .find(|name| table.arrow_schema.index_of(name).is_err())
    {
        Some(name) => Err(Error::invalid(format!(
            "table {} has no column \"{name}\"",
            table.qualified_name()
        ))),
        None => Ok(()),
    }
}

/// The first intent of a lake.
pub(super) fn creation(seed: Vec<Object>) -> Result<Intent> {
    let at = Utc::now();
    let now = at.timestamp_millis();
    let taken = seed.iter().map(Object::oid).max().unwrap_or_default();
    let mut next_oid = FIRST_OID.max(taken.saturating_add(1));
    let (mut tables, mut records, mut puts) = (Vec::new(), Vec::new(), Vec::new());
    let txn = uuid::Uuid::now_v7().to_string();
    for mut object in seed {
        if object.oid() == 0 {
            object.set_oid(next_oid);
            next_oid = next_oid
                .checked_add(1)
                .ok_or_else(|| Error::invalid("the lake has no OIDs left"))?;
        }
        if let Object::Table(table) = &mut object {
            check_columns(table)?;
            table.version = 0;
            table.delta_id = uuid::Uuid::new_v4().to_string();
            table.location = folder(table);
            let commit = [
                Action::CommitInfo(
                    json!({ "timestamp": now, "operation": "CREATE TABLE", "operationParameters": {},
                    "engineInfo": concat!("radlake/", env!("CARGO_PKG_VERSION")), "radlake": { "txn": txn, "epoch": 0 } }),
                ),
                Action::Protocol(Protocol::of(needs_timestamp_ntz(&table.arrow_schema))),
                Action::Metadata(metadata(table, now)?),
            ];
            tables.push(TableCommit {
                table: table.qualified_name(),
                location: table.location.clone(),
                version: 0,
                commit: write_commit(&commit)?,
                undo: String::new(),
            });
            let name = table.qualified_name();
            records.push(TableRecord {
                oid: table.oid,
                table: name,
                version: 0,
                rows_in: 0,
                rows_out: 0,
            });
        }
        puts.push(object);
    }
    let statement = "CREATE LAKE".to_owned();
    let record = EpochRecord {
        epoch: 0,
        at,
        user: None,
        statement,
        tables: records,
        aborted: None,
    };
    let intent = Intent {
        format: FORMAT,
        txn,
        record,
        tables,
        puts,
        drops: Vec::new(),
        next_oid,
        apps: Vec::new(),
    };
    // Names that clash are found before anything is written.
    intent.apply(None)?;
    Ok(intent)
}
