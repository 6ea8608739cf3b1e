//! A run: batches of parsed files, each published as one epoch.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray};
use rustc_hash::FxHasher;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::decide::{Decision, Existing};
use super::outcome::{Parsed, Verdict};
use super::parse::Settings;
use super::pipeline::{self, Counters, Job};
use super::plan::BatchPlan;
use super::reads::Reader;
use super::report::{IngestReport, Progress, Snapshot};
use super::take::{What, root_uris, take};
use super::target::Target;
use super::walk;
use crate::dicom::Limits;
use crate::segments::place_segments;
use crate::{Error, Result};

/// What is ingested, for whom, and how.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// Who brings the files: `provider` of every row.
    pub provider: String,
    /// Files, folders and URLs of buckets. Zip, tar and gzip archives among them are read as folders.
    pub paths: Vec<PathBuf>,
    /// Lists of image and label volumes (CSV that names NIfTI and NRRD files).
    pub pairs: Vec<PathBuf>,
    /// Threads that parse.
    pub workers: usize,
    /// Parse and report; write nothing.
    pub dry_run: bool,
    /// Instances that are published together, at most.
    pub batch_instances: usize,
    /// Bytes in memory that are published together, about.
    pub batch_bytes: u64,
    /// Bounds on a single header.
    pub limits: Limits,
    /// Hash all bytes of every file (`imaging.files.content_hash`), not its header alone: reads everything.
    pub full_hash: bool,
    /// A file that changed, and another file with the UID of an instance, become its new version; a file that moved gets its new
    /// place.
    pub replace: bool,
    /// Afterwards, take out what the provider brought from below the paths and is no longer there.
    pub prune: bool,
}

impl IngestOptions {
    /// The defaults: a worker per processor, batches of 50,000 instances or 256 MiB.
    pub fn new(provider: impl Into<String>, paths: Vec<PathBuf>) -> Self {
        Self {
            provider: provider.into(),
            paths,
            pairs: Vec::new(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            dry_run: false,
            batch_instances: 50_000,
            batch_bytes: 256 << 20,
            limits: Limits::default(),
            full_hash: false,
            replace: false,
            prune: false,
        }
    }
}

/// Files without an instance that a batch may hold for each instance that it may hold.
const OUTCOMES_PER_INSTANCE: usize = 4;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(200);

/// Ingests into `target`; `exclude` (the lake's own folder) is not read.
pub(crate) async fn run(
    target: &dyn Target,
    exclude: Option<Url>,
    options: IngestOptions,
    progress: Arc<dyn Progress>,
    cancel: CancellationToken,
) -> Result<IngestReport> {
    if options.prune {
        for path in &options.paths {
            if walk::bucket_url(path).is_ok_and(|url| url.is_some()) {
                return Err(Error::invalid(format!(
                    "{}: files in buckets are not pruned; CALL radlake.forget takes out what a provider brought",
                    path.display()
                )));
            }
        }
        let roots = walk::roots(&options.paths).map_err(|error| Error::invalid(error.to_string()))?;
        for root in &roots {
            // Where nothing at all is, a share is not mounted more often than everything was taken away.
            if walk::walk(
                vec![root.clone()],
                exclude.as_ref().and_then(|lake| lake.to_file_path().ok()),
            )
            .next()
            .is_none()
            {
                return Err(Error::invalid(format!(
                    "{} holds no file at all: is it mounted? Nothing is pruned; CALL radlake.forget takes out what a provider brought",
                    root.display()
                )));
            }
        }
    }
    let mut report = all(target, exclude, &options, &progress, &cancel).await?;
    if !options.dry_run && !report.cancelled {
        report.segments = place_segments(target, options.workers, false, &cancel).await?;
        report.cancelled = cancel.is_cancelled();
    }
    Ok(report)
}

/// All but what is found out afterwards.
async fn all(
    target: &dyn Target,
    exclude: Option<Url>,
    options: &IngestOptions,
    progress: &Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let mut report = once(target, exclude.clone(), options, progress, cancel).await?;
    if !options.prune || report.cancelled {
        return Ok(report);
    }
    let places: Vec<PathBuf> = options.paths.iter().chain(&options.pairs).cloned().collect();
    let roots = walk::roots(&places).map_err(|error| Error::invalid(error.to_string()))?;
    let what = What::Gone {
        provider: options.provider.clone(),
        roots: root_uris(&roots),
    };
    let taken = take(target, "PRUNE", what, options.dry_run).await?;
    report.epochs.extend(taken.epoch);
    // Files that could not be taken for the sake of one that is gone.
    if taken.reopened > 0 && !options.dry_run {
        let again = once(target, exclude, options, progress, cancel).await?;
        report.join(again);
    }
    report.pruned = Some(taken);
    Ok(report)
}

/// One run over all files.
async fn once(
    target: &dyn Target,
    exclude: Option<Url>,
    options: &IngestOptions,
    progress: &Arc<dyn Progress>,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    if options.provider.trim().is_empty() {
        return Err(Error::invalid("an ingest needs a provider: who brings the files"));
    }
    let mut roots =
        walk::places(&options.paths, exclude.as_ref()).map_err(|error| Error::invalid(error.to_string()))?;
    roots.extend(walk::lists(&options.pairs).map_err(|error| Error::invalid(error.to_string()))?);
    let exclude = exclude.and_then(|lake| lake.to_file_path().ok());
    // Stages that the run leaves behind, by an error or by being dropped, must end too.
    let stages = cancel.child_token();
    let _stop = stages.clone().drop_guard();
    let counters = Arc::new(Counters::default());
    let reader = Arc::new(Reader::new(options.workers));
    let mut results = pipeline::start(Job {
        roots,
        exclude,
        workers: options.workers,
        batch_instances: options.batch_instances,
        settings: Settings {
            provider: options.provider.clone(),
            limits: options.limits.clone(),
            full_hash: options.full_hash,
            replace: options.replace,
        },
        reader: Arc::clone(&reader),
        view: target.view().await?,
        counters: Arc::clone(&counters),
        cancel: stages,
    });
    let mut run = Run::new(options, counters, Arc::clone(progress), reader);
    let mut batch = Batch::default();
    while let Some(parsed) = run.ticking(results.next()).await? {
        run.receive(&parsed);
        batch.add(parsed);
        if batch.is_full(options) {
            run.publish(target, std::mem::take(&mut batch)).await?;
        }
    }
    if !cancel.is_cancelled() && !batch.parts.is_empty() {
        run.publish(target, batch).await?;
    }
    Ok(run.finish(cancel.is_cancelled()))
}

/// Parsed files that wait to be published together.
#[derive(Default)]
struct Batch {
    parts: Vec<Parsed>,
    instances: usize,
    outcomes: usize,
    bytes: u64,
}

impl Batch {
    fn add(&mut self, parsed: Parsed) {
        self.instances += parsed.rows.num_rows();
        self.outcomes += parsed.outcomes.len();
        self.bytes += parsed.rows.get_array_memory_size() as u64;
        self.bytes += parsed
            .extracted
            .iter()
            .map(|(_, found)| found.size() as u64)
            .sum::<u64>();
        self.parts.push(parsed);
    }

    fn is_full(&self, options: &IngestOptions) -> bool {
        self.instances >= options.batch_instances.max(1)
            || self.bytes >= options.batch_bytes
            || self.outcomes
                >= options
                    .batch_instances
                    .max(1)
                    .saturating_mul(OUTCOMES_PER_INSTANCE)
    }
}

type Keys = HashSet<u64>;

/// The state of a run beside its current batch.
struct Run<'a> {
    options: &'a IngestOptions,
    counters: Arc<Counters>,
    progress: Arc<dyn Progress>,
    reader: Arc<Reader>,
    report: IngestReport,
    received: Snapshot,
    /// The run's name in application transactions, and the next batch's number.
    app: String,
    next: i64,
    started: Instant,
    told: Option<Instant>,
    series: Keys,
    studies: Keys,
    patients: Keys,
    imagined: Option<Mutex<HashMap<String, Existing>>>,
}

impl<'a> Run<'a> {
    fn new(
        options: &'a IngestOptions,
        counters: Arc<Counters>,
        progress: Arc<dyn Progress>,
        reader: Arc<Reader>,
    ) -> Self {
        Self {
            options,
            counters,
            progress,
            reader,
            report: IngestReport {
                provider: options.provider.clone(),
                dry_run: options.dry_run,
                ..IngestReport::default()
            },
            received: Snapshot::default(),
            app: format!("ingest-{}", uuid::Uuid::now_v7()),
            next: 0,
            started: Instant::now(),
            told: None,
            series: Keys::default(),
            studies: Keys::default(),
            patients: Keys::default(),
            imagined: options.dry_run.then(Mutex::default),
        }
    }

    /// Counts what came in, for whoever watches; the report counts what was decided.
    fn receive(&mut self, parsed: &Parsed) {
        for outcome in &parsed.outcomes {
            match &outcome.verdict {
                Verdict::Instance { .. } => self.received.instances += 1,
                Verdict::Refused(_) => self.received.refused += 1,
                Verdict::Unchanged => self.received.unchanged += 1,
                Verdict::Skipped(_) | Verdict::Archive => {}
            }
        }
        self.received.files_done += parsed.outcomes.len() as u64;
        self.received.bytes_read += parsed.bytes_read;
        self.report.bytes_read += parsed.bytes_read;
        self.report.offered += parsed.outcomes.len() as u64;
        self.tell(false);
    }

    fn tell(&mut self, now: bool) {
        if !now && self.told.is_some_and(|told| told.elapsed() < TICK) {
            return;
        }
        self.told = Some(Instant::now());
        let unopened = self.counters.unchanged.load(Ordering::Relaxed);
        let mut snapshot = self.received.clone();
        // Members of archives are found as they are done.
        snapshot.files_done += unopened;
        snapshot.files_found = self
            .counters
            .found
            .load(Ordering::Relaxed)
            .max(snapshot.files_done);
        snapshot.listed = self.counters.listed.load(Ordering::Relaxed);
        snapshot.unchanged += unopened;
        snapshot.duplicates = self.report.duplicates;
        snapshot.conflicts = self.report.conflicts;
        // Counted as they came; what was no new instance is known since.
        snapshot.instances = snapshot.instances.saturating_sub(
            self.report.duplicates + self.report.conflicts + self.report.touched + self.report.superseded,
        );
        snapshot.batches = self.report.epochs.len() as u64;
        snapshot.elapsed = self.started.elapsed();
        self.progress.update(&snapshot);
    }

    /// Waits for `future`, telling progress meanwhile.
    async fn ticking<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            match tokio::time::timeout(TICK, future.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.tell(true),
            }
        }
    }

    /// Publishes a batch as one epoch, or, in a dry run, decides what publishing it would do.
    async fn publish(&mut self, target: &dyn Target, batch: Batch) -> Result<()> {
        let (app, number) = (self.app.clone(), self.next);
        self.next += 1;
        let reader = Arc::clone(&self.reader);
        let imagined = self.imagined.take();
        let provider = self.options.provider.clone();
        let plan = BatchPlan {
            parts: &batch.parts,
            provider: &provider,
            reader: &reader,
            full_hash: self.options.full_hash,
            replace: self.options.replace,
            imagined: imagined.as_ref(),
            decided: Mutex::default(),
        };
        let decision = if self.options.dry_run {
            let view = target.view().await?;
            self.ticking(plan.decide(&view)).await?.0
        } else {
            if let Some(epoch) = self.ticking(target.commit((&app, number), &plan)).await? {
                self.report.epochs.push(epoch);
            }
            plan.decided.into_inner().unwrap_or_default()
        };
        self.count(&batch.parts, &decision);
        self.imagined = imagined;
        if let Some(imagined) = &self.imagined
            && let Ok(mut imagined) = imagined.lock()
        {
            remember(&batch.parts, &decision, &provider, &mut imagined);
        }
        self.tell(true);
        Ok(())
    }

    fn count(&mut self, parts: &[Parsed], decision: &Decision) {
        let report = &mut self.report;
        report.ingested += decision.accepted.len() as u64;
        report.unchanged += decision.unchanged;
        report.replaced += decision.replaced.len() as u64;
        report.moved += decision.moved.len() as u64;
        report.touched += decision.touched;
        report.superseded += decision.superseded;
        report.duplicates += decision.duplicates;
        report.conflicts += decision.conflicts;
        report.archives += decision.archives;
        report.warnings += decision.warnings;
        for (counts, of) in [
            (&decision.refused, &mut report.refused),
            (&decision.skipped, &mut report.skipped),
        ] {
            for (code, n) in counts {
                *of.entry((*code).to_owned()).or_default() += n;
            }
        }
        for (part, row) in &decision.accepted {
            let rows = &parts[*part].rows;
            let hash = |names: &[&str]| {
                let values: Vec<Option<&str>> = names
                    .iter()
                    .map(|name| cell(rows.column_by_name(name), *row))
                    .collect();
                BuildHasherDefault::<FxHasher>::default().hash_one(values)
            };
            self.series
                .insert(hash(&["study_instance_uid", "series_instance_uid"]));
            self.studies.insert(hash(&["study_instance_uid"]));
            // Who has no ID is told apart by study, as in `imaging.patients`.
            let identified = cell(rows.column_by_name("patient_id"), *row).is_some();
            self.patients.insert(if identified {
                hash(&["issuer_of_patient_id", "patient_id"])
            } else {
                hash(&["issuer_of_patient_id", "patient_id", "study_instance_uid"])
            });
        }
    }

    fn finish(mut self, cancelled: bool) -> IngestReport {
        self.tell(true);
        let unopened = self.counters.unchanged.load(Ordering::Relaxed);
        IngestReport {
            offered: self.report.offered + unopened,
            unchanged: self.report.unchanged + unopened,
            series: self.series.len() as u64,
            studies: self.studies.len() as u64,
            patients: self.patients.len() as u64,
            seconds: self.started.elapsed().as_secs_f64(),
            cancelled,
            ..self.report
        }
    }
}

fn cell(column: Option<&ArrayRef>, row: usize) -> Option<&str> {
    let column = column?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}

/// Keeps what a dry run would have ingested, for the batches that follow.
fn remember(parts: &[Parsed], decision: &Decision, provider: &str, imagined: &mut HashMap<String, Existing>) {
    let accepted: HashSet<&(usize, usize)> = decision.accepted.iter().collect();
    for (part, parsed) in parts.iter().enumerate() {
        let instances = parsed
            .outcomes
            .iter()
            .filter_map(|outcome| match &outcome.verdict {
                Verdict::Instance {
                    sop_instance_uid,
                    header_hash,
                    content_hash,
                    ..
                } => Some((
                    sop_instance_uid,
                    Existing {
                        header_hash: header_hash.to_hex(),
                        source_uri: outcome.uri.clone(),
                        content_hash: content_hash.clone(),
                        provider: provider.to_owned(),
                        ..Existing::default()
                    },
                )),
                _ => None,
            });
        for (row, (uid, instance)) in instances.enumerate() {
            if accepted.contains(&(part, row)) {
                imagined.insert(uid.clone(), instance);
            }
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
