//! What one session keeps for itself: temporary tables and views, in no epoch, no log and no bucket.
//!
//! A session's state is a value: a transaction is built upon one, and leaves another when it is committed. It joins whatever epoch a
//! statement reads, so that names, rights and catalogs find temporary objects as they find any other; and it leaves a transaction
//! before that is decided, so that nothing of it is ever published.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use tempfile::TempDir;
use url::Url;

use super::{Lake, Storage};
use crate::delta::LakeTable;
use crate::delta::files::{DataFile, FileSet};
use crate::epoch::Epoch;
use crate::object::{Object, SchemaObject, TableObject};
use crate::{Error, Result};

/// Temporary objects have OIDs from here on, which no epoch ever gives; below 2³¹, since not every client reads OIDs as unsigned.
pub const TEMPORARY_OIDS: u32 = 0x7000_0000;

/// Schemas of this prefix are sessions' own.
const PREFIX: &str = "pg_temp_";

/// Property of a temporary table: what COMMIT does to it.
pub const ON_COMMIT: &str = "on_commit";
/// Value of [`ON_COMMIT`]: its rows go.
pub const DELETE_ROWS: &str = "delete rows";
/// Value of [`ON_COMMIT`]: it goes itself.
pub const DROP: &str = "drop";

/// Each state differs from every other of this process: plans are kept by it.
static GENERATION: AtomicU64 = AtomicU64::new(1);

/// The temporary objects of one session, as a commit left them. Immutable and cheap to copy; its files go with the last copy.
#[derive(Clone)]
pub struct Temporary {
    space: Arc<Space>,
    generation: u64,
    next_oid: u32,
    objects: BTreeMap<u32, Arc<Object>>,
    files: BTreeMap<u32, Arc<FileSet>>,
}

/// Where a session's rows are.
struct Space {
    schema: String,
    storage: Storage,
    folder: TempDir,
}

impl fmt::Debug for Temporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Temporary")
            .field("schema", &self.space.schema)
            .field("generation", &self.generation)
            .field("objects", &self.objects.len())
            .finish_non_exhaustive()
    }
}

/// Whether a schema is a session's own.
pub fn is_temporary_schema(schema: &str) -> bool {
    schema.starts_with(PREFIX)
}

pub(crate) fn is_temporary(oid: u32) -> bool {
    oid >= TEMPORARY_OIDS
}

impl Temporary {
    /// Nothing yet: a schema of the session's own, whose rows are kept in files below `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] if no folder can be made there.
    pub fn new(session: u32, owner: u32, folder: &FilePath) -> Result<Self> {
        let io = |source| Error::Io {
            context: format!("a folder for temporary tables in {}", folder.display()),
            source,
        };
        let own = tempfile::Builder::new()
            .prefix("temporary-")
            .tempdir_in(folder)
            .map_err(io)?;
        // What goes with the session needs not be on the disk.
        let store = LocalFileSystem::new_with_prefix(own.path())?;
        let url = Url::from_directory_path(own.path())
            .map_err(|()| Error::invalid(format!("{} is no absolute path", own.path().display())))?;
        let storage = Storage::with_store(url, Arc::new(store))?;
        let schema = SchemaObject {
            oid: TEMPORARY_OIDS,
            name: format!("{PREFIX}{session}"),
            owner,
            comment: None,
            grants: Vec::new(),
            settled: true,
            functions: BTreeMap::new(),
        };
        Ok(Self {
            space: Arc::new(Space {
                schema: schema.name.clone(),
                storage,
                folder: own,
            }),
            generation: GENERATION.fetch_add(1, Ordering::Relaxed),
            next_oid: TEMPORARY_OIDS + 1,
            objects: BTreeMap::from([(TEMPORARY_OIDS, Arc::new(Object::Schema(schema)))]),
            files: BTreeMap::new(),
        })
    }

    /// Name of the schema.
    pub fn schema(&self) -> &str {
        &self.space.schema
    }

    /// Differs from that of every other state that this process has had.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether there is no table and no view.
    pub fn is_empty(&self) -> bool {
        self.objects.len() <= 1
    }

    /// The same without any object.
    pub fn emptied(&self) -> Self {
        let mut emptied = self.clone();
        emptied.generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        emptied.objects.retain(|oid, _| *oid == TEMPORARY_OIDS);
        emptied.files.clear();
        emptied
    }

    /// An epoch with these objects among its own.
    ///
    /// # Errors
    /// [`Error::Exists`] if it has a schema of that name.
    pub fn join(&self, epoch: &Arc<Epoch>) -> Result<Arc<Epoch>> {
        let plain = match epoch.temporary() {
            Some(there) if there.generation == self.generation => return Ok(Arc::clone(epoch)),
            _ => epoch.plain().unwrap_or(epoch),
        };
        let objects = self.objects.values().cloned().collect();
        let at = (plain.number, plain.committed_at);
        let mut joined = Epoch::upon(plain, at, plain.next_oid, objects, [])?;
        joined.file = plain.file.clone();
        joined.set_joined(self.clone(), Arc::clone(plain));
        Ok(Arc::new(joined))
    }

    /// The rows of a table of these.
    pub(crate) fn files(&self, table: &TableObject) -> Arc<FileSet> {
        match self.files.get(&table.oid) {
            Some(files) => Arc::clone(files),
            None => Arc::new(FileSet::empty(&table.location)),
        }
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.space.storage
    }

    pub(crate) fn next_oid(&self) -> u32 {
        self.next_oid
    }

    /// What a transaction has made of it.
    pub(crate) fn after(
        &self,
        next_oid: u32,
        puts: BTreeMap<u32, Arc<Object>>,
        drops: &[u32],
        changed: BTreeMap<u32, Arc<FileSet>>,
    ) -> Self {
        let mut after = self.clone();
        after.generation = GENERATION.fetch_add(1, Ordering::Relaxed);
        after.next_oid = next_oid;
        after.objects.extend(puts);
        after.files.extend(changed);
        for oid in drops {
            after.objects.remove(oid);
            after.files.remove(oid);
        }
        after
    }

    /// Deletes the files of `before` that are not among these and that nobody is reading: cursors and other statements of the session may
    /// still be, and then the files go with the session.
    pub fn remove_files_not_in(&self, before: &Self) {
        let kept: HashSet<&Path> = self
            .files
            .values()
            .flat_map(|set| set.files.values())
            .map(|file| &file.location)
            .collect();
        for set in before.files.values() {
            if self.storage().pins.oldest_version(&set.location).is_some() {
                continue;
            }
            let gone = set.files.values().filter(|file| !kept.contains(&file.location));
            for file in gone {
                self.remove(file);
            }
        }
    }

    fn remove(&self, file: &DataFile) {
        let path = self.space.folder.path().join(file.location.as_ref());
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!(path = %path.display(), %error, "a file of a temporary table stays until its session ends");
        }
    }
}

impl Lake {
    /// A table of an epoch that may be joined by a session's temporary ones.
    ///
    /// # Errors
    /// Those of [`Lake::table`].
    pub async fn table_in(&self, epoch: &Epoch, table: &TableObject) -> Result<Arc<LakeTable>> {
        match epoch.temporary() {
            Some(temporary) if is_temporary(table.oid) => Ok(Arc::new(LakeTable::new(
                table.clone(),
                temporary.files(table),
                temporary.storage().clone(),
            )?)),
            _ => self.table(table).await,
        }
    }
}
