//! Finding and parsing, ahead of the writer: one thread lists folders, some parse, and their results come out in the order
//! in which the files were listed, so that neither the number of threads nor their luck shows in the tables.
//!
//! Memory is bounded: [`WINDOW`] chunks of files are ahead of the writer at most, each with at most [`AHEAD`] results waiting.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::decide::KnownFiles;
use super::outcome::Parsed;
use super::parse::{KnownMembers, Settings, Sink, Worker};
use super::reads::Reader;
use super::target::View;
use super::walk::{self, Offer, Root};
use crate::{Error, Result};

/// Files of one chunk, at most: what a worker takes at once.
const CHUNK: usize = 128;
/// Chunks between the listing and the writer.
const WINDOW: usize = 32;
/// Results of one chunk that wait for the writer; a large archive has many.
const AHEAD: usize = 2;
/// Files that are compared with `imaging.files` in one scan.
const LOOKUP: usize = 8192;

/// Counts that the stages share.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) found: AtomicU64,
    pub(crate) listed: AtomicBool,
    /// Files that the lake knows, and that were therefore not even opened.
    pub(crate) unchanged: AtomicU64,
}

/// Everything the stages need.
pub(crate) struct Job {
    pub(crate) roots: Vec<Root>,
    pub(crate) exclude: Option<PathBuf>,
    pub(crate) workers: usize,
    /// Instances of a batch: no chunk is larger.
    pub(crate) batch_instances: usize,
    pub(crate) settings: Settings,
    pub(crate) reader: Arc<Reader>,
    pub(crate) view: View,
    pub(crate) counters: Arc<Counters>,
    pub(crate) cancel: CancellationToken,
}

/// What a chunk's channel carries: results, then the word that there are no more.
enum Item {
    Parsed(Box<Parsed>),
    Done,
}

struct Work {
    offers: Vec<Offer>,
    results: mpsc::Sender<Item>,
}

/// The results of all chunks, in order.
pub(crate) struct Results {
    chunks: mpsc::Receiver<Result<mpsc::Receiver<Item>>>,
    current: Option<mpsc::Receiver<Item>>,
    cancel: CancellationToken,
}

impl Results {
    /// The next results; `None` at the end, or after a cancellation.
    pub(crate) async fn next(&mut self) -> Result<Option<Parsed>> {
        loop {
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
            let Some(current) = &mut self.current else {
                match self.chunks.recv().await {
                    Some(chunk) => self.current = Some(chunk?),
                    None => return Ok(None),
                }
                continue;
            };
            match current.recv().await {
                Some(Item::Parsed(parsed)) => return Ok(Some(*parsed)),
                Some(Item::Done) => self.current = None,
                // A worker that ends without a word has lost files: the run must not look complete.
                None if self.cancel.is_cancelled() => return Ok(None),
                None => {
                    return Err(Error::internal(
                        "a thread that parses files stopped; start the ingest again",
                    ));
                }
            }
        }
    }
}

/// Starts all stages. They end by themselves when everything is done, the token is cancelled, or the results are dropped.
pub(crate) fn start(job: Job) -> Results {
    let job = Arc::new(job);
    let (listed, listing) = mpsc::channel(4);
    let (order, chunks) = mpsc::channel(WINDOW);
    let (work, queue) = mpsc::channel(WINDOW);
    let walker = Arc::clone(&job);
    tokio::task::spawn_blocking(move || list(&walker, &listed));
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..job.workers.max(1) {
        let (job, queue) = (Arc::clone(&job), Arc::clone(&queue));
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || parse(&job, &queue, runtime));
    }
    let cancel = job.cancel.clone();
    tokio::spawn(async move {
        if let Err(error) = dispatch(&job, listing, &work, &order).await {
            // Nobody to tell if the writer is gone already.
            let _ = order.send(Err(error)).await;
        }
    });
    Results {
        chunks,
        current: None,
        cancel,
    }
}

/// Lists folders, in portions that are worth a look into the lake.
fn list(job: &Job, to: &mpsc::Sender<Vec<Offer>>) {
    let mut portion = Vec::new();
    for offer in walk::offers(job.roots.clone(), job.exclude.clone()) {
        if job.cancel.is_cancelled() {
            return;
        }
        job.counters.found.fetch_add(1, Ordering::Relaxed);
        portion.push(offer);
        // The first portions are small, so that the workers start at once.
        let full = if job.counters.found.load(Ordering::Relaxed) < LOOKUP as u64 {
            8 * CHUNK
        } else {
            LOOKUP
        };
        if portion.len() >= full && to.blocking_send(std::mem::take(&mut portion)).is_err() {
            return;
        }
    }
    if !portion.is_empty() {
        let _ = to.blocking_send(portion);
    }
    job.counters.listed.store(true, Ordering::Relaxed);
}

/// Leaves out what the lake knows, and deals the rest to the workers.
async fn dispatch(
    job: &Job,
    mut listing: mpsc::Receiver<Vec<Offer>>,
    work: &mpsc::Sender<Work>,
    order: &mpsc::Sender<Result<mpsc::Receiver<Item>>>,
) -> Result<()> {
    while let Some(portion) = listing.recv().await {
        let known = known(job, &portion).await?;
        let chunk_size = CHUNK.min(job.batch_instances).max(1);
        let mut fresh = Vec::with_capacity(chunk_size);
        let total = portion.len();
        for (i, offer) in portion.into_iter().enumerate() {
            let key = (offer.uri.clone(), offer.size, offer.modified_us);
            if known.settled.contains(&key) {
                job.counters.unchanged.fetch_add(1, Ordering::Relaxed);
            } else {
                fresh.push(offer);
            }
            if fresh.len() >= chunk_size || (i + 1 == total && !fresh.is_empty()) {
                let (results, chunk) = mpsc::channel(AHEAD);
                let offers = std::mem::replace(&mut fresh, Vec::with_capacity(chunk_size));
                // First its place in the order, which waits for the writer: nothing runs further ahead than the window.
                if order.send(Ok(chunk)).await.is_err() || work.send(Work { offers, results }).await.is_err()
                {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn known(job: &Job, portion: &[Offer]) -> Result<KnownFiles> {
    let uris = || portion.iter().map(|offer| offer.uri.as_str());
    match (uris().min(), uris().max()) {
        (Some(from), Some(to)) => {
            let replace = job.settings.replace;
            job.reader
                .known_files(&job.view.files, &job.settings.provider, from, to, replace)
                .await
        }
        _ => Ok(KnownFiles::default()),
    }
}

/// A worker thread: takes chunks until there are none, or nobody wants results.
fn parse(job: &Job, queue: &Mutex<mpsc::Receiver<Work>>, runtime: Handle) {
    let mut worker = Worker::new(&job.settings);
    loop {
        // The lock is held while waiting: the others wait for the lock instead of the channel.
        let next = match queue.lock() {
            Ok(mut queue) => queue.blocking_recv(),
            Err(_) => None,
        };
        let Some(Work { offers, results }) = next else {
            return;
        };
        let mut sink = ToWriter {
            job,
            results,
            runtime: &runtime,
        };
        if !worker.run(&offers, &mut sink) || sink.results.blocking_send(Item::Done).is_err() {
            return;
        }
    }
}

struct ToWriter<'a> {
    job: &'a Job,
    results: mpsc::Sender<Item>,
    runtime: &'a Handle,
}

impl Sink for ToWriter<'_> {
    fn take(&mut self, parsed: Parsed) -> bool {
        self.results.blocking_send(Item::Parsed(Box::new(parsed))).is_ok()
    }

    fn known_members(&mut self, archive_uri: &str, modified_us: Option<i64>) -> io::Result<KnownMembers> {
        let job = self.job;
        let settings = &job.settings;
        let known = job.reader.known_members(
            &job.view.files,
            &settings.provider,
            archive_uri,
            modified_us,
            settings.replace,
        );
        self.runtime.block_on(known).map_err(io::Error::other)
    }

    fn cancelled(&self) -> bool {
        self.job.cancel.is_cancelled()
    }
}
