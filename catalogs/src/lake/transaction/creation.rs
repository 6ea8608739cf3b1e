//! The first intent of a lake: its schemas, tables and views in one epoch.

use chrono::Utc;
use serde_json::json;

use super::objects::{check_columns, folder};
use super::seal::metadata;
use crate::delta::action::{Action, Protocol, write_commit};
use crate::delta::schema::needs_timestamp_ntz;
use crate::lake::catalog::FORMAT;
use crate::lake::intent::{Intent, TableCommit};
use crate::object::{FIRST_OID, Object};
use crate::system::{EpochRecord, TableRecord};
use crate::{Error, Result};

/// The first intent of a lake.
pub(in crate::lake) fn creation(seed: Vec<Object>) -> Result<Intent> {
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
            table.columns.follow(&table.arrow_schema);
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
        forget_after: None,
        vacuumed: None,
    };
    // Names that clash are found before anything is written.
    intent.apply(None)?;
    Ok(intent)
}
