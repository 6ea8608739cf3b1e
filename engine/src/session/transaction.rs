//! Transactions: what is open, what has failed, which epoch a repeatable one reads.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use radlake_catalogs::{Epoch, Pin, Transaction as Work};
use radlake_sql::Statement;
use radlake_sql::session::{Command, command};

use crate::exchange::Mark;
use crate::settings::Snapshot;
use crate::{Error, Result};

/// Whether a transaction is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransactionStatus {
    /// No: each statement is one of its own.
    #[default]
    Idle,
    /// Yes.
    Open,
    /// Yes, and it has failed: only its end is accepted.
    Failed,
}

/// A session's transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    status: TransactionStatus,
    /// Begun by no BEGIN: the statements of one text, or of one pipeline.
    implicit: bool,
    /// Whether something was read or written in it.
    pub(super) started: bool,
    /// Tables whose rows a serializable one has read.
    pub(super) reads: Arc<Mutex<BTreeSet<u32>>>,
    /// How many cursors the session had declared before it.
    pub(super) cursors: u64,
    /// Savepoints, oldest first.
    savepoints: Vec<Savepoint>,
    /// What has been written so far.
    pub(super) work: Option<Work>,
    /// How often `work` has changed, never counted back.
    pub(super) changes: u64,
    /// The epoch that a repeatable transaction read first.
    pub(super) pinned: Option<Arc<Epoch>>,
    /// Keeps that epoch from vacuum.
    pub(super) pin: Option<Arc<Pin>>,
}

/// What ROLLBACK TO goes back to.
#[derive(Debug)]
struct Savepoint {
    name: String,
    /// What had been written.
    work: Option<Work>,
    /// What was set: who acts is among it.
    settings: Snapshot,
    /// How many cursors had been declared.
    cursors: u64,
    /// What had been said to channels, and locked.
    said: Mark,
}

impl Transaction {
    /// As clients see it: one that no BEGIN began is none.
    pub(super) fn status(&self) -> TransactionStatus {
        match self.implicit {
            true => TransactionStatus::Idle,
            false => self.status,
        }
    }

    /// True between BEGIN and its end, and between the statements of one text.
    pub(super) fn is_open(&self) -> bool {
        self.status != TransactionStatus::Idle
    }

    /// True if no BEGIN began the open one.
    pub(super) fn is_implicit(&self) -> bool {
        self.implicit
    }

    /// BEGIN among the statements of one text: what came before belongs to its transaction.
    pub(super) fn make_explicit(&mut self) {
        self.implicit = false;
    }

    pub(super) fn begin(&mut self, implicit: bool, cursors: u64) {
        *self = Self {
            status: TransactionStatus::Open,
            implicit,
            cursors,
            changes: self.changes + 1,
            ..Self::default()
        };
    }

    pub(super) fn end(&mut self) -> Option<Work> {
        let work = self.work.take();
        *self = Self {
            changes: self.changes + 1,
            ..Self::default()
        };
        work
    }

    pub(super) fn fail(&mut self) {
        if self.status == TransactionStatus::Open {
            self.status = TransactionStatus::Failed;
        }
    }

    /// Refuses a statement in a failed transaction unless it can end it.
    pub(super) fn admit(&self, statement: &Statement) -> Result<()> {
        if self.status != TransactionStatus::Failed {
            return Ok(());
        }
        match command(statement.ast()) {
            Some(Command::Commit { .. } | Command::Rollback { .. } | Command::RollbackTo(_)) => Ok(()),
            _ => Err(Error::FailedTransaction),
        }
    }

    pub(super) fn savepoint(
        &mut self,
        name: String,
        settings: Snapshot,
        cursors: u64,
        said: Mark,
    ) -> Result<()> {
        if !self.is_open() || self.implicit {
            return Err(Error::NoTransaction("SAVEPOINT"));
        }
        self.savepoints.push(Savepoint {
            name,
            work: self.work.clone(),
            settings,
            cursors,
            said,
        });
        Ok(())
    }

    pub(super) fn release(&mut self, name: &str) -> Result<()> {
        if !self.is_open() || self.implicit {
            return Err(Error::NoTransaction("RELEASE SAVEPOINT"));
        }
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// Goes back to a savepoint; gives what was set then, how many cursors had been declared, and what had been said.
    pub(super) fn roll_back_to(&mut self, name: &str) -> Result<(Snapshot, u64, Mark)> {
        if !self.is_open() || self.implicit {
            return Err(Error::NoTransaction("ROLLBACK TO SAVEPOINT"));
        }
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        let savepoint = &self.savepoints[at];
        self.work = savepoint.work.clone();
        self.changes += 1;
        self.status = TransactionStatus::Open;
        Ok((savepoint.settings.clone(), savepoint.cursors, savepoint.said))
    }

    /// Whether a savepoint is open.
    pub(super) fn is_nested(&self) -> bool {
        !self.savepoints.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name)
            .ok_or_else(|| Error::UndefinedSavepoint(name.to_owned()))
    }
}
