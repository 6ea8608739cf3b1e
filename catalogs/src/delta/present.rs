//! Whether the files that a log names are there.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::files::{DataFile, FileSet};
use super::{MISSING, wrong_size};
use crate::lake::Storage;
use crate::{Error, Result};

/// Files that are asked for one by one; for more, the table's folder is listed.
const ASKED: usize = 32;

/// Looks whether every file of the set is there, with its size.
///
/// # Errors
/// [`Error::Damaged`] with the name of one that is not.
pub(crate) async fn check(storage: &Storage, set: &FileSet) -> Result<()> {
    if set.files.len() > ASKED {
        let listed = sizes(storage, &set.location).await?;
        return set
            .files
            .values()
            .try_for_each(|file| judge(file, listed.get(&file.location).copied()));
    }
    let asked = futures::stream::iter(set.files.values().cloned()).map(|file| async move {
        let found = match storage.store.head(&file.location).await {
            Ok(found) => Some(found.size),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        judge(&file, found)
    });
    asked.buffered(ASKED).try_collect().await
}

/// Files below a table's folder, with their sizes.
async fn sizes(storage: &Storage, table: &str) -> Result<HashMap<Path, u64>> {
    let listed: Vec<ObjectMeta> = storage
        .store
        .list(Some(&super::path(table)))
        .try_collect()
        .await?;
    Ok(listed
        .into_iter()
        .map(|file| (file.location, file.size))
        .collect())
}

/// Whether a file is as the log says, given its size if it is there.
pub(crate) fn judge(file: &DataFile, found: Option<u64>) -> Result<()> {
    match found {
        None => Err(Error::damaged(&file.location, MISSING)),
        Some(size) if size != file.size() => {
            Err(Error::damaged(&file.location, wrong_size(size, file.size())))
        }
        Some(_) => Ok(()),
    }
}
