//! Features of segments, computed in batches: read as a role, computed on threads, written as that role, one epoch per batch.

mod compute;
mod table;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::{StreamExt, TryStreamExt};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use radlake::radiomics::{Context, Settings};
use radlake::{Error, Identity, Incoming, Lakehouse, Response, Session};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::compute::{Job, Outcome};
use self::table::Table;
use crate::failure::Failure;

/// What is computed, as whom.
pub(crate) struct Run<'a> {
    pub(crate) lakehouse: &'a Lakehouse,
    pub(crate) identity: Identity,
    pub(crate) settings: Settings,
    /// Which segments.
    pub(crate) condition: Option<String>,
    pub(crate) workers: usize,
    /// Segments per commit.
    pub(crate) batch: usize,
    pub(crate) interrupted: CancellationToken,
}

/// What became of it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) computed: u64,
    pub(crate) failed: u64,
    /// Segments whose features of these settings were there.
    pub(crate) known: u64,
    pub(crate) seconds: f64,
    pub(crate) profile: &'static str,
    pub(crate) settings_hash: String,
    pub(crate) features: usize,
    pub(crate) batches: u64,
    pub(crate) cancelled: bool,
}

/// A segment by its object and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    instance: String,
    segment: i64,
}

/// Attempts at a batch before other writers win.
const ATTEMPTS: usize = 20;

impl Run<'_> {
    /// # Errors
    /// What the role may not do, conditions that are none, a lake that cannot be read or written. What was committed stays.
    pub(crate) async fn run(&self) -> Result<Report, Failure> {
        let started = Instant::now();
        let session = self.lakehouse.session(self.identity.clone()).await?;
        let (handle, token) = (session.cancel_handle(), self.interrupted.clone());
        tokio::spawn(async move {
            token.cancelled().await;
            handle.cancel();
        });
        let table = Table::new(&self.settings);
        let mut report = Report {
            profile: self.settings.profile().name(),
            settings_hash: table.hash.clone(),
            features: table.names.len(),
            ..Report::default()
        };
        let found = self.all(&session, &table, &mut report).await;
        report.seconds = started.elapsed().as_secs_f64();
        match found {
            Ok(()) => Ok(report),
            Err(_) if self.interrupted.is_cancelled() => {
                report.cancelled = true;
                Ok(report)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn all(&self, session: &Session, table: &Table, report: &mut Report) -> Result<(), Failure> {
        for attempt in 1.. {
            match table.make(session).await {
                Ok(()) => break,
                // Another run makes the same.
                Err(Failure::Engine(Error::Serialization(_))) if attempt < ATTEMPTS => {}
                Err(failure) => return Err(failure),
            }
        }
        let (wanted, known) = self.wanted(session, table).await?;
        report.known = known;
        self.set_margin(session, &wanted).await?;
        let bar = progress(wanted.len());
        let mut told = Instant::now();
        let started = Instant::now();
        for keys in wanted.chunks(self.batch) {
            if self.interrupted.is_cancelled() {
                report.cancelled = true;
                break;
            }
            let (computed, failed) = self.batch(session, table, keys, &bar).await?;
            report.computed += computed;
            report.failed += failed;
            report.batches += 1;
            if bar.is_hidden() && told.elapsed() >= Duration::from_secs(10) {
                told = Instant::now();
                let done = report.computed + report.failed;
                let left = started.elapsed().as_secs_f64() / done.max(1) as f64
                    * (wanted.len() as f64 - done as f64);
                tracing::info!(
                    "{done} of {} segments, {} left",
                    wanted.len(),
                    HumanDuration(Duration::from_secs_f64(left.max(0.0)))
                );
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// The segments that are to be computed, and how many of those that are meant are known.
    async fn wanted(&self, session: &Session, table: &Table) -> Result<(Vec<Key>, u64), Failure> {
        let condition = self.condition.as_deref().unwrap_or("true");
        let meant = format!(
            "SELECT sop_instance_uid, segment_number::int8 AS segment_number, ingested_epoch, source_series_instance_uid \
             FROM imaging.segments WHERE ({condition}\n)"
        );
        let known = format!(
            "SELECT sop_instance_uid, segment_number::int8 AS segment_number, segments_epoch FROM radiomics.features \
             WHERE settings_hash = '{}' AND status <> 'unread'",
            table.hash
        );
        let query = format!(
            "SELECT m.sop_instance_uid, m.segment_number, k.segments_epoch IS NOT NULL AS known FROM ({meant}) AS m LEFT JOIN ({known}) AS k \
             ON k.sop_instance_uid = m.sop_instance_uid AND k.segment_number = m.segment_number \
             AND k.segments_epoch = m.ingested_epoch ORDER BY m.source_series_instance_uid, m.sop_instance_uid, m.segment_number"
        );
        let (mut keys, mut there) = (Vec::new(), 0);
        for batch in rows(session, &query).await? {
            let (instances, segments) = (text(&batch, 0)?, batch.column(1).as_primitive::<Int64Type>());
            let known = batch.column(2).as_boolean();
            for row in 0..batch.num_rows() {
                if known.value(row) {
                    there += 1;
                    continue;
                }
                keys.push(Key {
                    instance: instances.as_string::<i32>().value(row).to_owned(),
                    segment: segments.value(row),
                });
            }
        }
        Ok((keys, there))
    }

    /// How much of the image is read around a region: what the settings look at.
    async fn set_margin(&self, session: &Session, wanted: &[Key]) -> Result<(), Failure> {
        let margin = match self.settings.context() {
            Context::Whole => "whole".to_owned(),
            Context::Voxels(n) => n.max(1).to_string(),
            Context::Millimetres(mm) if !wanted.is_empty() => {
                let query = "SELECT min(least(voxel_spacing[1], voxel_spacing[2], voxel_spacing[3])) FROM imaging.segments";
                let mut least = None;
                for batch in rows(session, query).await? {
                    let column = batch.column(0).as_primitive::<arrow::datatypes::Float64Type>();
                    least = column.iter().flatten().next().or(least);
                }
                let voxels = (mm / least.unwrap_or(1.0).max(1e-3)).ceil();
                if voxels <= 1000.0 {
                    format!("{voxels}")
                } else {
                    "whole".to_owned()
                }
            }
            Context::Millimetres(_) => "1".to_owned(),
        };
        session.set("radlake.roi_margin", &margin)?;
        Ok(())
    }

    /// Computes and commits one batch; gives how many were computed and failed.
    async fn batch(
        &self,
        session: &Session,
        table: &Table,
        keys: &[Key],
        bar: &ProgressBar,
    ) -> Result<(u64, u64), Failure> {
        let mut rows = match self.outcomes(session, keys, bar).await {
            Ok(rows) => rows,
            Err(failure) if self.interrupted.is_cancelled() => return Err(failure),
            Err(_) => {
                // One of them cannot be read at all, for want of memory perhaps: it must not keep the others from being computed.
                let mut rows = Vec::new();
                for key in keys {
                    match self.outcomes(session, std::slice::from_ref(key), bar).await {
                        Ok(one) => rows.extend(one),
                        Err(failure) if self.interrupted.is_cancelled() => return Err(failure),
                        Err(failure) => rows.push(Outcome::unread(key.clone(), &failure.to_string())),
                    }
                }
                rows
            }
        };
        // The order of the batch, whichever thread was first.
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let failed = rows.iter().filter(|row| row.values.is_err()).count() as u64;
        let computed = rows.len() as u64 - failed;
        for attempt in 1.. {
            match table.write(session, &rows).await {
                Ok(()) => break,
                Err(Failure::Engine(error)) if attempt < ATTEMPTS && was_first(&error) => {
                    session.sql("ROLLBACK").await?;
                }
                Err(failure) => {
                    session.sql("ROLLBACK").await?;
                    return Err(failure);
                }
            }
        }
        Ok((computed, failed))
    }

    /// Reads regions and computes their features, so many at a time as there are workers.
    async fn outcomes(
        &self,
        session: &Session,
        keys: &[Key],
        bar: &ProgressBar,
    ) -> Result<Vec<Outcome>, Failure> {
        let instances: BTreeSet<&str> = keys.iter().map(|key| key.instance.as_str()).collect();
        let instances: Vec<String> = instances.iter().map(|uid| literal(uid)).collect();
        let both: Vec<String> = keys
            .iter()
            .map(|key| literal(&format!("{}/{}", key.instance, key.segment)))
            .collect();
        let query = format!(
            "SELECT sop_instance_uid, segment_number::int8 AS segment_number, provider, patient_id, issuer_of_patient_id, \
             study_instance_uid, source_series_instance_uid, label, ingested_epoch, roi_reason, roi FROM imaging.regions \
             WHERE sop_instance_uid IN ({}) AND sop_instance_uid || '/' || segment_number IN ({})",
            instances.join(", "),
            both.join(", ")
        );
        let statement = one(session, &query)?;
        let Response::Rows { stream, .. } = session.run(&statement).await? else {
            return Err(Failure::Output("a query without rows".to_owned()));
        };
        let job = Job {
            settings: self.settings.clone().into(),
            interrupted: self.interrupted.clone(),
        };
        let outcomes: Vec<Vec<Outcome>> = stream
            .map(|batch| {
                let job = job.clone();
                async move {
                    let batch = batch.map_err(Error::from)?;
                    tokio::task::spawn_blocking(move || job.batch(&batch))
                        .await
                        .map_err(|error| Failure::Output(format!("computing features: {error}")))?
                }
            })
            .buffered(self.workers)
            .inspect_ok(|done| bar.inc(done.len() as u64))
            .try_collect()
            .await?;
        Ok(outcomes.into_iter().flatten().collect())
    }
}

/// Whether another writer was first: perhaps with the same segments, between our DELETE and our rows.
fn was_first(error: &Error) -> bool {
    match error {
        Error::Serialization(_) | Error::UniqueViolation(_) => true,
        Error::Row { error, .. } => was_first(error),
        _ => false,
    }
}

fn progress(segments: usize) -> ProgressBar {
    let bar = ProgressBar::new(segments as u64);
    if let Ok(style) = ProgressStyle::with_template(
        "[{elapsed_precise}] {bar:30} {pos}/{len} segments, {per_sec}, {eta} left",
    ) {
        bar.set_style(style);
    }
    bar
}

fn one(session: &Session, text: &str) -> Result<radlake::Statement, Failure> {
    let mut statements = session.parse(text)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(Failure::Usage("--where is one condition".to_owned())),
    }
}

/// The rows of a query.
pub(crate) async fn rows(session: &Session, text: &str) -> Result<Vec<RecordBatch>, Failure> {
    let statement = one(session, text)?;
    match session.run(&statement).await? {
        Response::Rows { stream, .. } => Ok(stream
            .map_err(|error| Failure::from(Error::from(error)))
            .try_collect()
            .await?),
        _ => Err(Failure::Output("a query without rows".to_owned())),
    }
}

/// A column of texts, in Arrow's plain encoding.
pub(crate) fn text(batch: &RecordBatch, column: usize) -> Result<arrow::array::ArrayRef, Failure> {
    arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8)
        .map_err(|error| Failure::Output(error.to_string()))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Rows for COPY.
fn incoming(schema: arrow::datatypes::SchemaRef, batch: RecordBatch) -> Incoming {
    Incoming::new(schema, futures::stream::iter([Ok(batch)]), None)
}
