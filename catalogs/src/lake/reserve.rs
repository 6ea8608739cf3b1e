//! Space that is kept for vacuum, so that it can begin on a disk that is full.

use object_store::path::Path;
use tracing::debug;

use super::Storage;

/// Bytes of it: the horizon, a list, an intent and a catalog of some thousand objects.
const SIZE: usize = 1 << 20;

fn path() -> Path {
    Path::from("_radlake/reserve")
}

/// Puts the space aside, if it is not yet. A disk that has none left has none.
pub(super) async fn put_aside(storage: &Storage) {
    if storage.url.scheme() != "file" || storage.exists(&path()).await.unwrap_or(true) {
        return;
    }
    // Not zeros: some file systems store those in no space at all.
    let mut content = vec![0; SIZE];
    blake3::Hasher::new().finalize_xof().fill(&mut content);
    if let Err(error) = storage.create(&path(), content).await {
        debug!(%error, "no space could be put aside for vacuum");
    }
}

/// Gives it free: whether there was any.
pub(super) async fn give_free(storage: &Storage) -> bool {
    storage.url.scheme() == "file" && storage.remove(&path()).await.is_ok()
}
