//! Where a lake is: from an address to an object store rooted at the lake.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use datafusion::datasource::object_store::ObjectStoreUrl;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use url::Url;

use super::durable::{Durable, Unsynced};
use super::pins::Pins;
use super::synced::Synced;
use crate::delta::reader::RangeCache;
use crate::{Error, Result};

/// A lake's files. Paths are relative to the lake.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) url: Url,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Name under which scans find the store; one per lake and process.
    pub(crate) scan_url: ObjectStoreUrl,
    /// Bloom filters of its data files, kept between scans.
    pub(crate) ranges: RangeCache,
    /// What vacuum leaves alone.
    pub(crate) pins: Pins,
    /// What is on the disk for certain.
    pub(crate) synced: Synced,
}

/// Lakes of `memory:///name`, shared within the process.
static MEMORY: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);

/// Makes the folder of a new lake, which nobody but its owner may enter: it holds verifiers of passwords and patients' data.
/// An empty folder that is there already is closed too; one with something in it, such as a lake, is left as it is.
fn make_private(path: &FilePath) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => close_if_empty(path),
        done => done,
    }
}

#[cfg(unix)]
fn close_if_empty(path: &FilePath) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::read_dir(path)?.next().is_some() {
        return Ok(());
    }
    match std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)) {
        // A mounted volume that belongs to somebody else: who enters it is its owner's to say.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn close_if_empty(path: &FilePath) -> std::io::Result<()> {
    std::fs::read_dir(path).map(drop)
}

/// The store of a URL and the place in it, with the credentials of the environment.
pub(crate) fn bucket(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path)> {
    let environment = std::env::vars().filter(|(key, _)| {
        ["AWS_", "AZURE_", "GOOGLE_"]
            .iter()
            .any(|prefix| key.starts_with(prefix))
    });
    let (store, prefix) = object_store::parse_url_opts(url, environment)?;
    Ok((Arc::from(store), prefix))
}

impl Storage {
    /// Storage at `address`: a path, or a URL. Options come from the environment (`AWS_…`, `AZURE_…`, `GOOGLE_…`).
    pub(crate) fn at(address: &str, create: bool) -> Result<Self> {
        let url = match Url::parse(address) {
            // A scheme of one letter is a drive.
            Ok(url) if url.scheme().len() > 1 => url,
            _ => return Self::local(FilePath::new(address), address, create),
        };
        match url.scheme() {
            "file" => match url.to_file_path() {
                Ok(path) => Self::local(&path, address, create),
                Err(()) => Err(Error::invalid(format!("{address} is no path of this machine"))),
            },
            "memory" => {
                let mut lakes = MEMORY.lock().map_err(|_| Error::internal("lakes in memory"))?;
                let store = Arc::clone(lakes.entry(url.to_string()).or_default());
                Self::with_store(url, store)
            }
            _ => {
                let (store, prefix) = bucket(&url)?;
                Self::with_store(url, Arc::new(PrefixStore::new(store, prefix)))
            }
        }
    }

    fn local(path: &FilePath, address: &str, create: bool) -> Result<Self> {
        let io = |source| Error::Io {
            context: format!("lake at {address}"),
            source,
        };
        if create {
            make_private(path).map_err(io)?;
        } else if !path.is_dir() {
            return Err(Error::NoLake {
                url: address.to_owned(),
            });
        }
        let root = path.canonicalize().map_err(io)?;
        let url = Url::from_directory_path(&root)
            .map_err(|()| Error::invalid(format!("{address} is no absolute path")))?;
        let mut storage = Self::with_store(url, Arc::new(Durable::new(root.clone())?))?;
        storage.synced = Synced::of(root);
        Ok(storage)
    }

    /// Storage over a store that is rooted at the lake.
    pub(crate) fn with_store(url: Url, store: Arc<dyn ObjectStore>) -> Result<Self> {
        let name = blake3::hash(url.as_str().as_bytes()).to_hex();
        let scan_url = ObjectStoreUrl::parse(format!("radlake://{}", &name[..16]))?;
        Ok(Self {
            url,
            store,
            scan_url,
            ranges: RangeCache::default(),
            pins: Pins::default(),
            synced: Synced::default(),
        })
    }

    /// Whether there is something, and no lake: what somebody else keeps there is not to be mixed with one.
    pub(crate) async fn holds_other_things(&self) -> Result<bool> {
        const LAKES: &str = "_radlake";
        if let Some(path) = self
            .url
            .to_file_path()
            .ok()
            .filter(|_| self.url.scheme() == "file")
        {
            let io = |source| Error::Io {
                context: format!("lake at {}", self.url),
                source,
            };
            let mut others = false;
            for entry in std::fs::read_dir(path).map_err(io)? {
                match entry.map_err(io)?.file_name().to_str() {
                    Some(LAKES) => return Ok(false),
                    // Where a volume is mounted.
                    Some("lost+found") => {}
                    _ => others = true,
                }
            }
            return Ok(others);
        }
        let there = self.store.list_with_delimiter(None).await?;
        let lake = there
            .common_prefixes
            .iter()
            .any(|prefix| prefix.filename() == Some(LAKES));
        Ok(!lake && (!there.common_prefixes.is_empty() || !there.objects.is_empty()))
    }

    /// Whether an operation that failed has failed, and is not still on its way.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.url.scheme(), "file" | "memory")
    }

    /// A whole file; `None` if there is none.
    pub(crate) async fn read(&self, path: &Path) -> Result<Option<Bytes>> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is a file.
    pub(crate) async fn exists(&self, path: &Path) -> Result<bool> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file if there is none of that name: `false` if there is one.
    pub(crate) async fn create(&self, path: &Path, content: impl Into<Bytes>) -> Result<bool> {
        self.put(path, content.into(), PutMode::Create.into()).await
    }

    /// A client of a bucket says of any conflict (409) that the file is there already. S3 answers so too while another request for
    /// the same name is on its way, and asks to try again: what is not there is not taken for being there.
    async fn put(&self, path: &Path, content: Bytes, options: PutOptions) -> Result<bool> {
        const PAUSE: Duration = Duration::from_millis(25);
        let create = options.mode == PutMode::Create;
        for doubled in 0..8 {
            let conflict = match self
                .store
                .put_opts(path, content.clone().into(), options.clone())
                .await
            {
                Ok(_) => return Ok(true),
                Err(conflict @ object_store::Error::AlreadyExists { .. }) => conflict,
                Err(error) => return Err(error.into()),
            };
            if create && self.exists(path).await? {
                return Ok(false);
            }
            if self.is_local() {
                return Err(conflict.into());
            }
            tokio::time::sleep(PAUSE * (1 << doubled)).await;
        }
        Err(unsettled(path).into())
    }

    /// Writes a file, in place of another if there is one.
    pub(crate) async fn write(&self, path: &Path, content: impl Into<Bytes>) -> Result<()> {
        self.store.put(path, content.into().into()).await?;
        Ok(())
    }

    /// [`Storage::create`] of a file that can be made again from a decided intent: it need not be on the disk yet.
    pub(crate) async fn create_redoable(&self, path: &Path, content: impl Into<Bytes>) -> Result<bool> {
        self.redoable(path, content.into(), PutMode::Create).await
    }

    /// [`Storage::write`] of such a file.
    pub(crate) async fn write_redoable(&self, path: &Path, content: impl Into<Bytes>) -> Result<()> {
        self.redoable(path, content.into(), PutMode::Overwrite).await?;
        Ok(())
    }

    async fn redoable(&self, path: &Path, content: Bytes, mode: PutMode) -> Result<bool> {
        let mut options = PutOptions::from(mode);
        if self.synced.is_lazy() {
            options.extensions.insert(Unsynced);
        }
        self.put(path, content, options).await
    }

    /// Removes a file.
    pub(crate) async fn remove(&self, path: &Path) -> Result<()> {
        self.store.delete(path).await?;
        Ok(())
    }

    /// Files of a folder whose names come after `after`.
    pub(crate) async fn list_after(&self, folder: &Path, after: &Path) -> Result<Vec<ObjectMeta>> {
        Ok(self
            .store
            .list_with_offset(Some(folder), after)
            .try_collect()
            .await?)
    }
}

/// A bucket that says of a file that it is there and that it is not.
pub(crate) fn unsettled(path: &Path) -> object_store::Error {
    object_store::Error::Generic {
        store: "lake",
        source: format!("{path}: the store answers with conflicts, and has no such file").into(),
    }
}
