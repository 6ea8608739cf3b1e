//! What is asked of a storage before a lake is trusted to it.

use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tracing::debug;

use super::Storage;
use crate::{Error, Result};

/// A clock that is further ahead of the storage's decides no epochs.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Makes sure that a file is not written where there is one, if that is what was asked: all decisions hang on it, and
/// some services that speak S3 pass over `If-None-Match`.
///
/// # Errors
/// [`Error::Invalid`] if the second of two such writes succeeds. A storage that lets nobody write passes.
pub(super) async fn refuses_a_second(storage: &Storage) -> Result<()> {
    // Folders of this machine, and memory, are written by code of ours and of object_store's.
    if storage.is_local() {
        return Ok(());
    }
    let path = Path::from("_radlake/probe");
    for _ in 0..2 {
        match storage
            .create(&path, "A second file of this name must be refused.\n")
            .await
        {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                debug!(%error, "the storage could not be probed");
                return Ok(());
            }
        }
    }
    Err(Error::invalid(format!(
        "the storage at {} writes over files that it was asked to leave: two writers could decide the same epoch. Use a \
         storage that honours If-None-Match on PUT",
        storage.url
    )))
}

/// The time by the clock that dates the storage's files.
pub(super) async fn now(storage: &Storage) -> Result<DateTime<Utc>> {
    if storage.is_local() {
        return Ok(Utc::now());
    }
    let path = Path::from(format!("_radlake/clocks/{}", uuid::Uuid::new_v4()));
    storage.write(&path, "").await?;
    let dated = storage.store.head(&path).await;
    // It is of no use to anybody else; vacuum removes what is left.
    let _gone = storage.remove(&path).await;
    Ok(dated?.last_modified)
}

/// Refuses to decide an epoch by a clock that is ahead: each epoch is later than the one before it, so that all that
/// follow would have its time, and `AS OF` a time in between would find nothing of them.
///
/// # Errors
/// [`Error::Invalid`] with the difference.
pub(super) async fn check_clock(storage: &Storage) -> Result<()> {
    if storage.is_local() {
        return Ok(());
    }
    let ours = Utc::now();
    let theirs = match now(storage).await {
        Ok(theirs) => theirs,
        Err(error) => {
            debug!(%error, "the storage did not tell its time");
            return Ok(());
        }
    };
    let ahead = ours - theirs;
    if ahead <= AHEAD {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "this machine's clock is {} seconds ahead of the storage's: set it, then run the statement again",
        ahead.num_seconds()
    )))
}
