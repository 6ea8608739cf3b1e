//! Fairness between processes.
//!
//! Which process decides the next epoch is a race, and one that commits again and again wins it again and again: it knows
//! the newest epoch, others have to read it first. A process that was late several times asks for its turn by a file;
//! the others look for it now and then and wait a moment. Safety does not hang on it, nor does progress: a file that is
//! old is nobody's.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::Lake;
use super::catalog::CATALOG;
use crate::delta::log::commit_path;

/// How long others wait at most.
const WAIT: Duration = Duration::from_millis(500);
/// A file that is older, or of a clock that is so far ahead, does not count.
const STALE: Duration = Duration::from_secs(3);

#[derive(Serialize, Deserialize)]
struct Turn {
    process: String,
    at: DateTime<Utc>,
}

fn path() -> Path {
    Path::from("_radlake/turn.json")
}

/// What a process knows of turns.
#[derive(Debug)]
pub(super) struct Turns {
    process: String,
    looked: std::sync::Mutex<Instant>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            process: uuid::Uuid::new_v4().to_string(),
            looked: std::sync::Mutex::new(Instant::now()),
        }
    }
}

impl Lake {
    /// Asks other processes to wait a moment.
    pub(super) async fn ask_for_turn(&self) {
        let turn = Turn {
            process: self.inner.turns.process.clone(),
            at: Utc::now(),
        };
        let Ok(bytes) = serde_json::to_vec(&turn) else {
            return;
        };
        if let Err(error) = self.storage().write_redoable(&path(), bytes).await {
            debug!(%error, "no turn could be asked for");
        }
    }

    /// Lets the others go on.
    pub(super) async fn end_turn(&self) {
        // It is stale soon anyhow.
        let _gone = self.storage().remove(&path()).await;
    }

    /// Waits a moment if another process asks for its turn.
    pub(super) async fn give_way(&self) {
        let (every, pause) = match self.storage().is_local() {
            true => (Duration::from_millis(20), Duration::from_millis(2)),
            false => (Duration::from_secs(1), Duration::from_millis(50)),
        };
        {
            let looked = self.inner.turns.looked.lock();
            let mut looked = looked.unwrap_or_else(std::sync::PoisonError::into_inner);
            if looked.elapsed() < every {
                return;
            }
            *looked = Instant::now();
        }
        let Ok(Some(bytes)) = self.storage().read(&path()).await else {
            return;
        };
        let Ok(turn) = serde_json::from_slice::<Turn>(&bytes) else {
            return;
        };
        let age = (Utc::now() - turn.at).abs().to_std().unwrap_or(STALE);
        if turn.process == self.inner.turns.process || age >= STALE {
            return;
        }
        let Ok(next) = super::next(self.known().number) else {
            return;
        };
        let began = Instant::now();
        while began.elapsed() < WAIT {
            tokio::time::sleep(pause).await;
            let theirs = self.storage().exists(&commit_path(CATALOG, next)).await;
            let waits = self.storage().exists(&path()).await;
            if theirs.unwrap_or(true) || !waits.unwrap_or(false) {
                return;
            }
        }
    }
}
