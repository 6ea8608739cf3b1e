//! What a transaction becomes to be committed: the intent, with the exact bytes of each table's commit and of the one
//! that takes it back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SubsecRound, TimeDelta, Utc};
use serde_json::json;

use super::{TableChange, Transaction, rows};
use crate::delta::action::{Action, Add, Format, Metadata, Protocol, Txn, write_commit};
use crate::delta::schema::{delta_schema, needs_timestamp_ntz};
use crate::lake::catalog::FORMAT;
use crate::lake::intent::{Intent, TableCommit};
use crate::lake::{apps, is_temporary};
use crate::object::{Object, TableObject};
use crate::system::{EpochRecord, TableRecord};
use crate::{Error, Result};

impl Transaction {
    /// The intent that decides it. A new id each time, so that every attempt is told from every other.
    pub(in crate::lake) fn seal(&mut self) -> Result<Intent> {
        // A session's own objects have left it: nobody else is ever to see them.
        if self
            .puts
            .keys()
            .chain(self.tables.keys())
            .chain(&self.drops)
            .any(|oid| is_temporary(*oid))
        {
            return Err(Error::internal("a temporary object was to be published"));
        }
        self.id = uuid::Uuid::now_v7();
        // Clocks differ, but each epoch is later than the one before it; in whole microseconds, since SQL's times have no more: the
        // time that is shown of an epoch names it.
        let at = (Utc::now().trunc_subsecs(6))
            .max(self.epoch.committed_at.trunc_subsecs(6) + TimeDelta::microseconds(1));
        let mut puts: BTreeMap<u32, Object> = self
            .puts
            .iter()
            .map(|(oid, object)| (*oid, Object::clone(object)))
            .collect();
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
        let table = records.first().map_or(0, |record| record.oid);
        apps::check_room(&self.epoch.apps, table, self.apps.len(), at)?;
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
            forget_after: self.forget_after,
            vacuumed: self.vacuumed.clone(),
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
            None if self.attached.contains(&table.oid) => {}
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
        if !change.removes.is_empty() {
            table.lost = match change.rearranges {
                true => table.lost.or(Some(table.shrunk)),
                false => Some(table.version),
            };
            table.shrunk = table.version;
        }
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

pub(super) fn metadata(table: &TableObject, now: i64) -> Result<Metadata> {
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
