//! The folder that statements spill into: gone with its process, even with one that was killed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "radlake-spill-";
/// Locked as long as its process lives.
const LOCK: &str = "lock";

/// A folder of one process; dropping it deletes it.
#[derive(Debug)]
pub(crate) struct SpillFolder {
    folder: TempDir,
    _lock: File,
}

impl SpillFolder {
    /// Makes a folder below `temp` and deletes those that killed processes left there.
    ///
    /// # Errors
    /// When `temp` cannot be written to.
    pub(crate) fn new(temp: &Path) -> io::Result<Self> {
        sweep(temp);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(temp)?;
        // Under another name until it is locked: nobody finds it free in between.
        let unlocked = folder.path().join("unlocked");
        let lock = File::create(&unlocked)?;
        lock.lock()?;
        fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Whatever cannot be read or deleted belongs to somebody else, and stays.
fn sweep(temp: &Path) {
    let Ok(entries) = fs::read_dir(temp) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Links are not followed.
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let abandoned = File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned && let Err(error) = fs::remove_dir_all(entry.path()) {
            tracing::debug!(folder = %entry.path().display(), %error, "an abandoned spill folder stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_dead_processes_are_deleted_and_those_of_living_ones_kept() {
        let temp = tempfile::tempdir().unwrap();
        let living = SpillFolder::new(temp.path()).unwrap();
        let dead = temp.path().join("radlake-spill-dead");
        let foreign = temp.path().join("other");
        for folder in [&dead, &foreign] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(LOCK), "").unwrap();
            fs::write(folder.join("data"), "spilled").unwrap();
        }
        let path = SpillFolder::new(temp.path()).unwrap().path().to_path_buf();
        assert!(!dead.exists());
        assert!(foreign.exists());
        assert!(living.path().exists());
        assert!(!path.exists(), "gone with its owner");
    }
}
