//! Rows whose keys must be new: writers of other keys do not disturb each other.

use arrow::datatypes::DataType;
use serde_json::Value;

use super::Transaction;
use crate::delta::action::Add;
use crate::delta::stats::FileStats;
use crate::epoch::Epoch;
use crate::object::TableObject;

impl Transaction {
    /// Says that the keys of the rows that it adds to a table were compared with those that are there. When another writer
    /// adds rows first, files whose bounds tell that they hold other keys do not matter; others have it built again.
    pub fn keyed(&mut self, oid: u32, columns: &[String]) -> &mut Self {
        // To what it makes itself nobody else adds.
        if oid < self.epoch.next_oid {
            self.keyed.insert(oid, columns.to_vec());
        }
        self
    }

    /// Whether what `epoch` has in the table beyond the epoch that this was built upon are other keys than this adds.
    pub(super) fn keys_are_new(&self, oid: u32, columns: &[String], epoch: &Epoch) -> bool {
        let (Some(old), Some(new)) = (self.epoch.table_by_oid(oid), epoch.table_by_oid(oid)) else {
            return false;
        };
        if old.version == new.version {
            return true;
        }
        let set = |table: &TableObject| {
            let sets = &self.lake.inner.sets;
            sets.at_or_before(&table.location, table.version)
                .filter(|set| set.version == table.version)
        };
        // What is not in memory is not looked up here: building again is right as well.
        let (Some(before), Some(after)) = (set(old), set(new)) else {
            return false;
        };
        let added = after
            .files
            .iter()
            .filter(|(path, _)| !before.files.contains_key(*path));
        let theirs: Vec<&FileStats> = added.map(|(_, file)| file.stats()).collect();
        let own = self.stats_of(oid);
        own.iter()
            .all(|own| theirs.iter().all(|theirs| apart(new, columns, own, theirs)))
    }

    /// Whether two transactions upon one epoch add different keys to a table.
    pub(super) fn keys_differ(&self, next: &Self, oid: u32, columns: &[String]) -> bool {
        let Some(table) = self.epoch.table_by_oid(oid) else {
            return false;
        };
        let (own, theirs) = (self.stats_of(oid), next.stats_of(oid));
        own.iter()
            .all(|own| theirs.iter().all(|theirs| apart(table, columns, own, theirs)))
    }

    fn stats_of(&self, oid: u32) -> Vec<FileStats> {
        let adds: &[Add] = self.tables.get(&oid).map_or(&[], |change| &change.adds);
        adds.iter()
            .map(|add| FileStats::parse(add.stats.as_deref()))
            .collect()
    }
}

/// Whether the bounds of two files tell that no key is in both: those of one of its columns do not touch.
fn apart(table: &TableObject, columns: &[String], one: &FileStats, other: &FileStats) -> bool {
    columns.iter().any(|column| {
        let Ok(field) = table.arrow_schema.field_with_name(column) else {
            return false;
        };
        let (Some(one), Some(other)) = (
            one.columns.get(column.as_str()),
            other.columns.get(column.as_str()),
        ) else {
            return false;
        };
        let less = |max: &Option<Value>, min: &Option<Value>| match (max, min) {
            (Some(max), Some(min)) => is_less(field.data_type(), max, min),
            _ => false,
        };
        less(&one.max, &other.min) || less(&other.max, &one.min)
    })
}

/// Whether one bound is below the other, for types whose bounds are exact or are cut to the safe side.
fn is_less(data_type: &DataType, one: &Value, other: &Value) -> bool {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            matches!((one.as_i64(), other.as_i64()), (Some(one), Some(other)) if one < other)
        }
        DataType::Utf8 => {
            matches!((one.as_str(), other.as_str()), (Some(one), Some(other)) if one < other)
        }
        _ => false,
    }
}
