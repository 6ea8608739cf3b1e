//! Whether a lake's `imaging` tables are those that this Radlake fills.

use super::tables;
use crate::{Epoch, Error, Result};

/// What the newest epoch's tables lack, as names of tables and columns; empty if ingestion can begin.
pub fn lacking(epoch: &Epoch) -> Vec<String> {
    let (mut lacking, mut columns) = (Vec::new(), Vec::new());
    for wanted in tables() {
        let name = wanted.qualified_name();
        let Some(there) = epoch.table(&wanted.schema, &wanted.name) else {
            lacking.push(name);
            continue;
        };
        for field in wanted.arrow_schema.fields() {
            if there.arrow_schema.field_with_name(field.name()).is_err() {
                columns.push(format!("{name}.{}", field.name()));
            }
        }
    }
    lacking.extend(columns);
    lacking
}

/// Refuses a lake whose tables are older.
///
/// # Errors
/// [`Error::Older`].
pub(super) fn check(epoch: &Epoch) -> Result<()> {
    let lacking = lacking(epoch);
    match lacking.is_empty() {
        true => Ok(()),
        false => Err(Error::Older { lacking }),
    }
}
