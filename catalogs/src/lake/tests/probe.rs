//! A store that counts, fails from some operation on, and lets others in at a moment.

use std::fmt::{Debug, Display, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

type Hook = Box<dyn Fn(Path) -> BoxFuture<'static, ()> + Send + Sync>;

pub(super) struct Probe {
    inner: Arc<dyn ObjectStore>,
    pub(super) heads: AtomicUsize,
    pub(super) others: AtomicUsize,
    /// Writes that are still done; none after that, nor reads.
    pub(super) left: AtomicI64,
    /// The write at which it fails is done all the same: only the answer is lost.
    pub(super) answer_lost: bool,
    /// Writes over files that it was asked to leave.
    pub(super) writes_over: bool,
    /// Its clock is so far behind ours.
    pub(super) behind: chrono::TimeDelta,
    /// While there is a file of this name, there is no space.
    pub(super) full_beside: Option<Path>,
    /// Called before each write.
    pub(super) before_write: Option<Hook>,
}

impl Probe {
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            heads: AtomicUsize::new(0),
            others: AtomicUsize::new(0),
            left: AtomicI64::new(i64::MAX),
            answer_lost: false,
            writes_over: false,
            behind: chrono::TimeDelta::zero(),
            full_beside: None,
            before_write: None,
        }
    }

    fn dead() -> object_store::Error {
        object_store::Error::Generic {
            store: "probe",
            source: "killed".into(),
        }
    }

    fn check(&self) -> Result<()> {
        if self.left.load(Ordering::SeqCst) < 0 {
            Err(Self::dead())
        } else {
            Ok(())
        }
    }
}

impl Debug for Probe {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

impl Display for Probe {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

#[async_trait]
impl ObjectStore for Probe {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut options: PutOptions,
    ) -> Result<PutResult> {
        if self.writes_over {
            options.mode = PutMode::Overwrite;
        }
        if let Some(beside) = &self.full_beside
            && self.inner.head(beside).await.is_ok()
        {
            return Err(object_store::Error::Generic {
                store: "probe",
                source: Box::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
            });
        }
        self.others.fetch_add(1, Ordering::SeqCst);
        if let Some(hook) = &self.before_write {
            hook(location.clone()).await;
        }
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return self.inner.put_opts(location, payload, options).await;
        }
        if left == 0 && self.answer_lost {
            self.inner.put_opts(location, payload, options).await?;
        }
        Err(Self::dead())
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        o: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.check()?;
        self.others.fetch_add(1, Ordering::SeqCst);
        self.inner.put_multipart_opts(location, o).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.check()?;
        if options.head { &self.heads } else { &self.others }.fetch_add(1, Ordering::SeqCst);
        let mut got = self.inner.get_opts(location, options).await?;
        got.meta.last_modified -= self.behind;
        Ok(got)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.others.fetch_add(1, Ordering::SeqCst);
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check()?;
        self.others.fetch_add(1, Ordering::SeqCst);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check()?;
        self.inner.copy_opts(from, to, options).await
    }
}
