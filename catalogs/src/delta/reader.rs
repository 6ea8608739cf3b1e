//! Readers of data files that keep what point queries ask for again and again: the Bloom filters.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::cache::lru_queue::LruQueue;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::Error;
use crate::lake::Pin;

/// Bytes of filters that a lake keeps: those of some fifty million rows.
const CACHED_BYTES: usize = 64 << 20;
/// Longer ranges are no filters of ours: see the writer's row groups.
const MAX_RANGE: u64 = 1 << 20;
/// What an entry costs besides its bytes: its key twice, nodes, counters.
const ENTRY_BYTES: usize = 256;

type Key = (Path, u64, u64);

/// Ranges of data files, those asked for last, shared by all scans of a lake. Data files never change, so neither do these.
#[derive(Clone)]
pub(crate) struct RangeCache {
    inner: Arc<Mutex<Ranges>>,
}

struct Ranges {
    entries: LruQueue<Key, Bytes>,
    bytes: usize,
}

impl Default for RangeCache {
    fn default() -> Self {
        let entries = LruQueue::new();
        Self {
            inner: Arc::new(Mutex::new(Ranges { entries, bytes: 0 })),
        }
    }
}

impl fmt::Debug for RangeCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RangeCache")
    }
}

impl RangeCache {
    fn get(&self, key: &Key) -> Option<Bytes> {
        let mut ranges = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        ranges.entries.get(key).cloned()
    }

    fn put(&self, key: Key, range: &Bytes) {
        let cost = |bytes: &Bytes| bytes.len() + ENTRY_BYTES;
        // A copy: what was read may be a part of a longer buffer.
        let range = Bytes::copy_from_slice(range);
        let mut ranges = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        ranges.bytes += cost(&range);
        if let Some(replaced) = ranges.entries.put(key, range) {
            ranges.bytes -= cost(&replaced);
        }
        while ranges.bytes > CACHED_BYTES
            && let Some((_, oldest)) = ranges.entries.pop()
        {
            ranges.bytes -= cost(&oldest);
        }
    }
}

/// Which pages of a file a scan reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pages {
    /// All that hold columns asked for.
    All,
    /// Those whose bounds let a filter's rows be in them. The bounds are read with the footer and kept with it: the scan itself
    /// would read and decode them anew each time.
    ByBounds,
}

/// Makes readers over another factory's, with a lake's cache between.
#[derive(Debug)]
pub(super) struct CachingReaderFactory<F> {
    pub(super) inner: F,
    pub(super) cache: RangeCache,
    pub(super) pages: Pages,
    /// Where the files are, to be asked what is wrong with one that cannot be read.
    pub(super) store: Arc<dyn ObjectStore>,
    /// Keeps the files from vacuum while they are read.
    pub(super) _pin: Arc<Pin>,
}

impl<F: ParquetFileReaderFactory> ParquetFileReaderFactory for CachingReaderFactory<F> {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> DataFusionResult<Box<dyn AsyncFileReader + Send>> {
        let (path, size) = (file.object_meta.location.clone(), file.object_meta.size);
        let inner = self
            .inner
            .create_reader(partition, file, metadata_size_hint, metrics)?;
        let cache = self.cache.clone();
        Ok(Box::new(CachingReader {
            inner,
            file: Named {
                path,
                size,
                store: Arc::clone(&self.store),
            },
            cache,
            pages: self.pages,
        }))
    }
}

struct CachingReader {
    inner: Box<dyn AsyncFileReader + Send>,
    file: Named,
    cache: RangeCache,
    pages: Pages,
}

/// A file that is read.
#[derive(Clone)]
struct Named {
    path: Path,
    /// Bytes, as the log says.
    size: u64,
    store: Arc<dyn ObjectStore>,
}

impl Named {
    /// What `error` comes from: the file itself, then by its name, or something else.
    async fn blame(&self, error: ParquetError) -> ParquetError {
        let reason = match self.store.head(&self.path).await {
            Err(object_store::Error::NotFound { .. }) => super::MISSING.to_owned(),
            Ok(found) if found.size != self.size => super::wrong_size(found.size, self.size),
            Ok(_) => match unreadable(&error) {
                Some(reason) => reason,
                None => return error,
            },
            Err(_) => return error,
        };
        ParquetError::External(Box::new(Error::damaged(&self.path, reason)))
    }
}

/// What is wrong with the content of a file, unless it is the store that failed.
fn unreadable(error: &ParquetError) -> Option<String> {
    match error {
        ParquetError::External(_) => None,
        // DataFusion tells of what it met while it read a footer as text.
        ParquetError::General(text) if text.starts_with("Failed to fetch metadata") => {
            let (_, reason) = text.split_once("Parquet error: ")?;
            (!reason.starts_with("External")).then(|| reason.to_owned())
        }
        other => Some(other.to_string()),
    }
}

impl AsyncFileReader for CachingReader {
    /// One range: scans ask so for Bloom filters alone. Pages of data come by [`Self::get_byte_ranges`], past the cache.
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let file = self.file.clone();
            if range.end.saturating_sub(range.start) > MAX_RANGE {
                let read = self.inner.get_bytes(range).await;
                return or_blame(&file, read).await;
            }
            let key = (file.path.clone(), range.start, range.end);
            if let Some(kept) = self.cache.get(&key) {
                return Ok(kept);
            }
            let read = self.inner.get_bytes(range).await;
            let read = or_blame(&file, read).await?;
            self.cache.put(key, &read);
            Ok(read)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move {
            let read = self.inner.get_byte_ranges(ranges).await;
            or_blame(&self.file, read).await
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        let paged = match self.pages {
            Pages::All => None,
            Pages::ByBounds => {
                let options = options.cloned().unwrap_or_default();
                Some(options.with_page_index_policy(PageIndexPolicy::Optional))
            }
        };
        async move {
            let read = self.inner.get_metadata(paged.as_ref().or(options)).await;
            or_blame(&self.file, read).await
        }
        .boxed()
    }
}

async fn or_blame<T>(file: &Named, read: ParquetResult<T>) -> ParquetResult<T> {
    match read {
        Ok(read) => Ok(read),
        Err(error) => Err(file.blame(error).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_forgets_what_was_asked_for_longest_ago() {
        let cache = RangeCache::default();
        let key = |at: u64| (Path::from("part-1.parquet"), at, at + 1);
        let range = Bytes::from(vec![7; 1 << 20]);
        for at in 0..100 {
            cache.put(key(at), &range);
            // Asked for again and again, so kept.
            cache.get(&key(1));
        }
        assert!(cache.get(&key(0)).is_none());
        assert_eq!(cache.get(&key(1)).as_deref(), Some(&range[..]));
        assert!(cache.get(&key(99)).is_some());
        let ranges = cache.inner.lock().unwrap();
        assert!(ranges.bytes <= CACHED_BYTES);
        assert_eq!(ranges.entries.len(), ranges.bytes / ((1 << 20) + ENTRY_BYTES));
    }
}
