//! A local folder as an object store whose writes outlive a power cut.
//!
//! `object_store`'s own local store links a file into place without asking the disk to keep it. Here a file's content
//! is on the disk before its name is, and its name before the write is done: what is seen is whole, and stays.

use std::fmt::{Display, Formatter};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// Asks that a file need not be on the disk when its write is done: it can be made again from what is ([`super::synced`]).
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsynced;

/// A local folder with durable writes.
#[derive(Debug)]
pub(crate) struct Durable {
    inner: LocalFileSystem,
    root: PathBuf,
}

impl Durable {
    /// Over an existing folder.
    pub(crate) fn new(root: PathBuf) -> Result<Self> {
        Ok(Self {
            inner: LocalFileSystem::new_with_prefix(&root)?,
            root,
        })
    }
}

fn generic(error: io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "local folder",
        source: Box::new(error),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(generic(io::Error::other(error))),
    }
}

/// Asks the disk to keep the names in `folder`.
fn sync_folder(folder: &FilePath) -> io::Result<()> {
    // A folder cannot be opened as a file on Windows, which keeps its names by itself.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Makes `folder` and those above it up to `root`, durably.
fn make_folder(root: &FilePath, folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for made in folder
        .ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(root))
    {
        sync_folder(made)?;
    }
    Ok(())
}

fn write(
    root: &FilePath,
    target: &FilePath,
    payload: &PutPayload,
    create: bool,
    sync: bool,
) -> io::Result<()> {
    let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_folder(root, folder)?;
    let name = target
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_string_lossy();
    // Names that end so are not listed by the store.
    let staged = folder.join(format!("{name}#{}", uuid::Uuid::new_v4().as_u128()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&staged)?;
        payload.iter().try_for_each(|bytes| file.write_all(bytes))?;
        if sync {
            file.sync_all()?;
        }
        // A link fails where there is a file of that name; a rename takes its place.
        if create {
            fs::hard_link(&staged, target)
        } else {
            fs::rename(&staged, target)
        }
    })();
    if create || written.is_err() {
        // What stays behind after a crash is never listed, and vacuum removes it.
        let _gone = fs::remove_file(&staged);
    }
    written?;
    match sync {
        true => sync_folder(folder),
        false => Ok(()),
    }
}

/// In the order of names, as buckets list: who reads a log counts on it, and folders have an order of their own.
fn in_order(listed: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let sorted = listed.try_collect::<Vec<_>>().map(|all| match all {
        Ok(mut all) => {
            all.sort_unstable_by(|a, b| a.location.cmp(&b.location));
            all.into_iter().map(Ok).collect()
        }
        Err(error) => vec![Err(error)],
    });
    sorted.map(futures::stream::iter).into_stream().flatten().boxed()
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return self.inner.put_opts(location, payload, options).await,
        };
        let (root, target, location) = (
            self.root.clone(),
            self.inner.path_to_filesystem(location)?,
            location.to_string(),
        );
        let sync = options.extensions.get::<Unsynced>().is_none();
        blocking(move || match write(&root, &target, &payload, create, sync) {
            Ok(()) => Ok(PutResult {
                e_tag: None,
                version: None,
            }),
            Err(error) if create && error.kind() == io::ErrorKind::AlreadyExists => {
                Err(object_store::Error::AlreadyExists {
                    path: location,
                    source: Box::new(error),
                })
            }
            Err(error) => Err(generic(error)),
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.inner.path_to_filesystem(location)?;
        let root = self.root.clone();
        if let Some(folder) = target.parent().map(FilePath::to_path_buf) {
            blocking(move || make_folder(&root, &folder).map_err(generic)).await?;
        }
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(Upload { inner, target }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[std::ops::Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        in_order(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

impl Display for Durable {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.root.display())
    }
}

/// A file written in parts, durable once complete.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    target: PathBuf,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        // The name appears before the content is on the disk: harmless, since nobody knows it until a commit names it.
        let done = self.inner.complete().await?;
        let target = self.target.clone();
        blocking(move || {
            File::open(&target)
                .and_then(|file| file.sync_all())
                .map_err(generic)?;
            target.parent().map_or(Ok(()), sync_folder).map_err(generic)
        })
        .await?;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn a_name_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Durable::new(folder.path().canonicalize().unwrap()).unwrap();
        let path = Path::from("a/b/c.json");
        store
            .put_opts(&path, "one".into(), PutMode::Create.into())
            .await
            .unwrap();
        let again = store.put_opts(&path, "two".into(), PutMode::Create.into()).await;
        assert!(
            matches!(again, Err(object_store::Error::AlreadyExists { .. })),
            "{again:?}"
        );
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one");
        store.put(&path, "three".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "three");
        let mut upload = store.put_multipart(&Path::from("a/d/e")).await.unwrap();
        upload.put_part("four".into()).await.unwrap();
        upload.complete().await.unwrap();
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(
            fs::read_dir(folder.path().join("a/b")).unwrap().count(),
            1,
            "no staged file stays"
        );
    }
}
