//! `SELECT … FOR UPDATE` and `LOCK TABLE`.
//!
//! Nobody is kept from writing. What a transaction locks it depends upon as it is: if another writer changes such a table first, the
//! transaction ends with 40001 rather than overwrite what it has not seen. So whatever a lock would have protected is protected, and
//! who lost runs again.

use datafusion::logical_expr::LogicalPlan;
use radlake_catalogs::Relation;
use radlake_sql::ast::{LockClause, NonBlock};

use super::Inner;
use crate::planner::{Planner, tables_read};
use crate::policy::{Privilege, Rights, Verdict, decide};
use crate::{Error, Result};

impl Inner {
    /// Whether a query locks rows.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for SKIP LOCKED: nobody can tell which rows another transaction will have changed;
    /// [`Error::ReadOnly`] in a transaction that only reads.
    pub(super) fn locking(&self, locks: &[LockClause]) -> Result<bool> {
        if locks
            .iter()
            .any(|lock| lock.nonblock == Some(NonBlock::SkipLocked))
        {
            return Err(Error::Unsupported {
                what: "SKIP LOCKED".to_owned(),
                hint: Some(
                    "Take rows by UPDATE … RETURNING, and run it again when it ends with 40001.".to_owned(),
                ),
            });
        }
        if let Some(lock) = locks.first() {
            self.may_write(format!("SELECT FOR {}", lock.lock_type))?;
        }
        Ok(!locks.is_empty())
    }

    /// Has the open transaction depend upon the tables that a plan reads. Who locks rows needs a right to change them.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`].
    pub(super) fn lock_rows(&self, planner: &Planner, plan: &LogicalPlan) -> Result<()> {
        let names = &planner.names;
        let tables = tables_read(plan)?;
        let changes = [Privilege::Update, Privilege::Delete];
        for oid in &tables {
            if let Some(Relation::Table(table)) = names.epoch.relation_by_oid(*oid) {
                let may = |privilege| {
                    decide(names.subject(), Rights::of_table(table), privilege) != Verdict::Nothing
                };
                if !changes.into_iter().any(may) {
                    return Err(Error::InsufficientPrivilege(format!(
                        "permission denied for table {}",
                        table.name
                    )));
                }
            }
        }
        if !self.in_transaction() {
            return Ok(());
        }
        let work = self.take_work();
        let mut work = work.unwrap_or_else(|| self.lake().begin(names.epoch.clone()));
        for oid in tables {
            work.reads(oid);
        }
        self.keep_work(work);
        Ok(())
    }
}
