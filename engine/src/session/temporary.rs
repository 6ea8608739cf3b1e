//! The session's temporary tables and views, as the last commit left them.

use std::sync::{Arc, MutexGuard, PoisonError};

use radlake_catalogs::{Epoch, Temporary};

use super::Inner;
use crate::Result;
use crate::pg_catalog::SessionView;

/// What a session keeps for itself.
#[derive(Debug, Default)]
pub(super) struct Own {
    temporary: Option<Temporary>,
    /// The epoch that was joined last: who reads it again is to find the same one.
    joined: Option<Arc<Epoch>>,
}

impl Inner {
    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch with the session's temporary objects among its own.
    pub(crate) fn joined(&self, epoch: Arc<Epoch>) -> Result<Arc<Epoch>> {
        let mut own = self.own();
        let Some(temporary) = &own.temporary else {
            return Ok(epoch);
        };
        let known = own.joined.as_ref().filter(|joined| {
            let same = |of: &Temporary| of.generation() == temporary.generation();
            joined.number == epoch.number && joined.temporary().is_some_and(same)
        });
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let joined = temporary.join(&epoch)?;
        own.joined = Some(Arc::clone(&joined));
        Ok(joined)
    }

    /// The newest epoch that is known, with the session's temporary objects.
    pub(super) fn known(&self) -> Arc<Epoch> {
        let known = self.lakehouse.lake().known();
        // It has no schema of that name: nobody can make one.
        self.joined(Arc::clone(&known)).unwrap_or(known)
    }

    /// The session's temporary objects; nothing yet, if it had none.
    ///
    /// # Errors
    /// [`crate::Error::Storage`] if there is no room for their rows.
    pub(crate) fn temporary(&self) -> Result<Temporary> {
        if let Some(temporary) = &self.own().temporary {
            return Ok(temporary.clone());
        }
        let session = u32::try_from(self.facts.backend_pid()).unwrap_or_default();
        let made = Temporary::new(
            session,
            self.facts.login(),
            self.lakehouse.resources().spill_folder(),
        )?;
        self.facts.has_temporary(made.schema());
        self.own().temporary = Some(made.clone());
        Ok(made)
    }

    /// What a transaction that is committed has made of them.
    pub(crate) fn keep_temporary(&self, temporary: Option<Temporary>) {
        let Some(after) = temporary else { return };
        let mut own = self.own();
        let before = own.temporary.replace(after.clone());
        if before
            .as_ref()
            .is_some_and(|before| before.generation() == after.generation())
        {
            return;
        }
        own.joined = None;
        drop(own);
        if let Some(before) = before {
            after.remove_files_not_in(&before);
        }
    }

    /// Drops all of them.
    pub(super) fn discard_temporary(&self) {
        let emptied = self.own().temporary.as_ref().map(Temporary::emptied);
        self.keep_temporary(emptied);
    }
}
