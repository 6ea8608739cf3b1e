//! A session's own objects in a transaction: they join it, and leave it before it is decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::ObjectStore;

use super::Transaction;
use crate::lake::temporary::{DELETE_ROWS, DROP, ON_COMMIT, Temporary, is_temporary};
use crate::object::{Object, TableObject};
use crate::{Error, Result};

impl Transaction {
    /// Has a session's temporary objects be among those of this transaction, unless they are.
    ///
    /// # Errors
    /// [`Error::Exists`] if the lake has a schema of that name.
    pub fn join(&mut self, temporary: &Temporary) -> Result<()> {
        if self.epoch.temporary().is_none() {
            self.epoch = temporary.join(&self.epoch)?;
            self.recatalogued();
        }
        Ok(())
    }

    /// The session's objects, if they are among those of this transaction and the table is one of them.
    pub(super) fn temporary_of(&self, table: &TableObject) -> Option<&Temporary> {
        self.epoch.temporary().filter(|_| is_temporary(table.oid))
    }

    /// Where rows of a table are written to.
    pub(super) fn store_of(&self, table: &TableObject) -> Arc<dyn ObjectStore> {
        match self.temporary_of(table) {
            Some(temporary) => Arc::clone(&temporary.storage().store),
            None => self.lake.store(),
        }
    }

    pub(super) fn allocate_temporary(&mut self) -> Result<u32> {
        let temporary = self.epoch.temporary();
        let temporary = temporary.ok_or_else(|| Error::internal("no temporary schema"))?;
        let oid = self.next_temporary.unwrap_or_else(|| temporary.next_oid());
        self.next_temporary = Some(oid + 1);
        self.recatalogued();
        Ok(oid)
    }

    /// Takes the session's own objects out and gives them as they are after this transaction; what is left can be committed. If that
    /// succeeds, they are the session's from then on; else it keeps those that it had.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a table cannot be emptied or dropped.
    pub async fn leave_temporary(&mut self) -> Result<Option<Temporary>> {
        let Some(before) = self.epoch.temporary().cloned() else {
            return Ok(None);
        };
        self.on_commit().await?;
        let mut changed = BTreeMap::new();
        let own: Vec<u32> = self
            .tables
            .keys()
            .copied()
            .filter(|oid| is_temporary(*oid))
            .collect();
        for oid in own {
            let mut table = self.table(oid)?;
            let mut files = self.overlay(&table).await?.as_ref().clone();
            table.version += 1;
            files.version = table.version;
            table.rows = files.rows().unwrap_or(table.rows);
            table.bytes = files.bytes();
            table.files = files.files.len() as u64;
            self.puts.insert(oid, Arc::new(Object::Table(table)));
            changed.insert(oid, Arc::new(files));
            self.tables.remove(&oid);
        }
        let (puts, others): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.puts)
            .into_iter()
            .partition(|(oid, _)| is_temporary(*oid));
        self.puts = others;
        let drops: Vec<u32> = self
            .drops
            .iter()
            .copied()
            .filter(|oid| is_temporary(*oid))
            .collect();
        self.drops.retain(|oid| !is_temporary(*oid));
        self.reads.retain(|oid| !is_temporary(*oid));
        self.keyed.retain(|oid, _| !is_temporary(*oid));
        if let Some(plain) = self.epoch.plain().cloned() {
            self.epoch = plain;
        }
        self.recatalogued();
        let next = self.next_temporary.take().unwrap_or_else(|| before.next_oid());
        Ok(Some(match puts.is_empty() && drops.is_empty() {
            true => before,
            false => before.after(next, puts, &drops, changed),
        }))
    }

    /// What the end of a transaction does to temporary tables.
    async fn on_commit(&mut self) -> Result<()> {
        let mut tables: Vec<(TableObject, bool)> = Vec::new();
        for object in self.objects() {
            if let Object::Table(table) = object
                && is_temporary(table.oid)
            {
                match table.properties.get(ON_COMMIT).map(String::as_str) {
                    Some(DROP) => tables.push((table.clone(), true)),
                    Some(DELETE_ROWS) => tables.push((table.clone(), false)),
                    _ => {}
                }
            }
        }
        for (table, drop) in tables {
            match drop {
                true => self.drop_object(table.oid)?,
                false => self.truncate(&table).await?,
            }
        }
        Ok(())
    }
}
