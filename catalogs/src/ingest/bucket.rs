//! Files in buckets: listed as the store lists them, read by ranges that follow what is asked for.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;
use url::Url;

use super::failure::{Failure, code};
use super::uri;
use super::walk::Offer;

/// Bytes of the first range of a file: most headers are shorter.
const FIRST: u64 = 64 << 10;
/// Bytes of each further one.
const FURTHER: u64 = 1 << 20;
/// Objects between the listing and whoever takes them.
const LISTED: usize = 1024;

/// A bucket, or what is below a prefix in it.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// URL of the bucket itself, without a slash at its end.
    base: String,
    /// Keys below it are not offered: a lake.
    exclude: Option<Path>,
    runtime: Handle,
}

/// A file in a bucket.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    bucket: Arc<Bucket>,
    path: Path,
    size: u64,
    modified_us: Option<i64>,
}

impl Bucket {
    /// The bucket of a URL (`s3://bucket/prefix`, `az://…`, `gs://…`), with the credentials of the environment.
    pub(crate) fn open(url: &Url, lake: Option<&Url>) -> io::Result<Self> {
        let (store, prefix) = crate::lake::bucket(url).map_err(io::Error::other)?;
        Ok(Self::over(store, prefix, url, lake))
    }

    pub(crate) fn over(store: Arc<dyn ObjectStore>, prefix: Path, url: &Url, lake: Option<&Url>) -> Self {
        let base = url.as_str().strip_suffix(url.path()).unwrap_or(url.as_str());
        let within = lake.and_then(|lake| lake.as_str().strip_prefix(base));
        Self {
            store,
            prefix,
            base: base.trim_end_matches('/').to_owned(),
            exclude: within.and_then(|path| Path::from_url_path(path).ok()),
            runtime: Handle::current(),
        }
    }

    /// All files below the prefix, in the order of the store, which for buckets is that of their keys.
    pub(crate) fn walk(self: Arc<Self>) -> impl Iterator<Item = Offer> + Send {
        let (to, mut from) = tokio::sync::mpsc::channel(LISTED);
        let this = Arc::clone(&self);
        self.runtime.spawn(async move {
            let mut listing = this.store.list(Some(&this.prefix));
            while let Some(found) = listing.next().await {
                let offer = match found {
                    Ok(meta) if this.excludes(&meta.location) => continue,
                    Ok(meta) => this.offer(meta),
                    Err(error) => this.unlisted(&error),
                };
                if to.send(offer).await.is_err() {
                    return;
                }
            }
        });
        std::iter::from_fn(move || from.blocking_recv())
    }

    fn excludes(&self, path: &Path) -> bool {
        self.exclude
            .as_ref()
            .is_some_and(|lake| path.prefix_matches(lake))
    }

    fn offer(self: &Arc<Self>, meta: ObjectMeta) -> Offer {
        let modified_us = Some(meta.last_modified.timestamp_micros());
        Offer {
            uri: uri::of_object(&self.base, meta.location.as_ref()),
            path: std::path::PathBuf::from(meta.location.filename().unwrap_or_default()),
            size: Some(meta.size),
            modified_us,
            pairs: false,
            failure: None,
            object: Some(Object {
                bucket: Arc::clone(self),
                path: meta.location,
                size: meta.size,
                modified_us,
            }),
        }
    }

    fn unlisted(&self, error: &object_store::Error) -> Offer {
        Offer {
            uri: uri::of_object(&self.base, self.prefix.as_ref()),
            path: std::path::PathBuf::new(),
            size: None,
            modified_us: None,
            pairs: false,
            failure: Some(failure(error)),
            object: None,
        }
    }
}

/// An object by its URL, and its size; with the credentials of the environment. Blocking, within a runtime.
pub(crate) fn open_object(url: &Url) -> io::Result<(Ranges, u64)> {
    let (store, path) = crate::lake::bucket(url).map_err(io::Error::other)?;
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let meta = runtime.block_on(store.head(&path)).map_err(of_store)?;
    let bucket = Bucket {
        store,
        prefix: Path::default(),
        base: String::new(),
        exclude: None,
        runtime,
    };
    let object = Object {
        bucket: Arc::new(bucket),
        path,
        size: meta.size,
        modified_us: None,
    };
    Ok((object.open().0, meta.size))
}

/// What a store says, as an error of files.
fn of_store(error: object_store::Error) -> io::Error {
    let kind = match failure(&error).code {
        code::VANISHED => io::ErrorKind::NotFound,
        code::PERMISSION_DENIED => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, "the store failed")
}

/// What a store says, without the keys and URLs that it says it with.
fn failure(error: &object_store::Error) -> Failure {
    match error {
        object_store::Error::NotFound { .. } => Failure::new(code::VANISHED, "it is not there any more"),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Failure::new(code::PERMISSION_DENIED, "the store refuses to show it")
        }
        _ => Failure::new(code::IO_ERROR, "the store failed"),
    }
}

impl Object {
    /// Its bytes, its size and when it was modified.
    pub(crate) fn open(&self) -> (Ranges, u64, Option<i64>) {
        let ranges = Ranges {
            object: self.clone(),
            at: 0,
            from: 0,
            held: Bytes::new(),
        };
        (ranges, self.size, self.modified_us)
    }

    fn range(&self, from: u64, to: u64) -> io::Result<Bytes> {
        let range = self.bucket.store.get_range(&self.path, from..to);
        self.bucket.runtime.block_on(range).map_err(of_store)
    }
}

/// An object as a file: a range of it is in memory.
#[derive(Debug)]
pub(crate) struct Ranges {
    object: Object,
    at: u64,
    from: u64,
    held: Bytes,
}

impl Read for Ranges {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.object.size || buf.is_empty() {
            return Ok(0);
        }
        let end = self.from + self.held.len() as u64;
        if self.at < self.from || self.at >= end {
            let most = if self.at == 0 { FIRST } else { FURTHER };
            let to = self.object.size.min(self.at + most);
            self.held = self.object.range(self.at, to)?;
            self.from = self.at;
        }
        let held = &self.held[(self.at - self.from) as usize..];
        let n = held.len().min(buf.len());
        buf[..n].copy_from_slice(&held[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.object.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
