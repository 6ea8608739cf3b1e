//! The oldest epoch that can be read: what vacuum has taken nothing of.

use chrono::{DateTime, SubsecRound, Utc};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::catalog::CATALOG;
use super::{Lake, Storage, load_epoch, record};
use crate::delta::log::read_commit;
use crate::epoch::Epoch;
use crate::{Error, Result};
use std::sync::Arc;

/// Written before vacuum removes the first file, so that nobody begins to read what is about to go.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Horizon {
    epoch: u64,
    at: DateTime<Utc>,
}

const PATH: &str = "_radlake/horizon.json";

/// Number of the oldest epoch that can be read.
pub(super) async fn read(storage: &Storage) -> Result<u64> {
    let path = Path::from(PATH);
    match storage.read(&path).await? {
        Some(bytes) => {
            let horizon: Horizon =
                serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, error))?;
            Ok(horizon.epoch)
        }
        None => Ok(0),
    }
}

impl Lake {
    /// Number of the oldest epoch that can be read.
    pub async fn horizon(&self) -> Result<u64> {
        read(self.storage()).await
    }

    pub(super) async fn set_horizon(&self, epoch: u64) -> Result<()> {
        let horizon = Horizon {
            epoch,
            at: Utc::now(),
        };
        self.storage()
            .write(&Path::from(PATH), serde_json::to_vec(&horizon)?)
            .await?;
        if let Ok(mut epochs) = self.inner.epochs.lock() {
            epochs.retain(|number, _| *number >= epoch);
        }
        Ok(())
    }

    /// An epoch by its number.
    ///
    /// # Errors
    /// [`Error::NoEpoch`] if it is not there yet, [`Error::ExpiredEpoch`] if retention removed it.
    pub async fn at(&self, epoch: u64) -> Result<Arc<Epoch>> {
        let known = self.known();
        if known.number == epoch {
            return Ok(known);
        }
        if epoch > known.number && epoch > self.latest().await?.number {
            return Err(Error::NoEpoch { epoch });
        }
        let oldest = self.horizon().await?;
        if epoch < oldest {
            return Err(Error::ExpiredEpoch { epoch, oldest });
        }
        self.epoch_at(epoch).await
    }

    /// An epoch by its number, whatever vacuum has taken of its tables.
    pub(super) async fn epoch_at(&self, number: u64) -> Result<Arc<Epoch>> {
        let known = self.known();
        if known.number == number {
            return Ok(known);
        }
        let kept = self.inner.epochs.lock();
        let kept = kept.ok().and_then(|epochs| epochs.get(&number).cloned());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let epoch = Arc::new(load_epoch(self.storage(), number).await?);
        self.keep(&epoch);
        Ok(epoch)
    }

    /// The epoch that was the newest at a time; the newest of all for a time to come.
    ///
    /// # Errors
    /// [`Error::NoEpochAt`] if the lake was not there yet, or retention removed what was.
    pub async fn at_time(&self, time: DateTime<Utc>) -> Result<Arc<Epoch>> {
        let newest = self.latest().await?;
        if newest.committed_at.trunc_subsecs(6) <= time {
            return Ok(newest);
        }
        let oldest = self.horizon().await?;
        let missing = || Error::NoEpochAt { time, oldest };
        // Times of epochs never go back: `before` was committed by then, `after` was not.
        let (mut before, mut after) = (None, newest.number);
        let mut low = oldest;
        while low < after {
            let middle = low + (after - low) / 2;
            if self.committed_at(middle).await?.is_some_and(|at| at <= time) {
                before = Some(middle);
                low = middle + 1;
            } else {
                after = middle;
            }
        }
        self.epoch_at(before.ok_or_else(missing)?).await
    }

    async fn committed_at(&self, epoch: u64) -> Result<Option<DateTime<Utc>>> {
        let version = i64::try_from(epoch).map_err(|_| Error::NoEpoch { epoch })?;
        let actions = read_commit(self.storage(), CATALOG, version).await?;
        Ok(actions
            .and_then(|actions| record(&actions))
            .map(|record| record.at.trunc_subsecs(6)))
    }
}
