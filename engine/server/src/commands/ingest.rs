//! `radlake ingest`: DICOM into the lake.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use radlake::ingest::{IngestOptions, IngestReport};
use radlake::{Identity, SUPERUSER};

use super::{Resources, interrupts};
use crate::failure::Failure;
use crate::output::progress;

/// Arguments of `radlake ingest`.
#[derive(Args, Debug)]
pub(crate) struct Ingest {
    /// Directory or URL of the lake
    lake: String,
    /// Files, folders, buckets (s3://…, az://…, gs://…), zip and tar(.gz, .bz2, .xz, .zst) archives
    #[arg(required_unless_present = "pairs")]
    paths: Vec<PathBuf>,
    /// CSV file of image and label volumes (NIfTI, NRRD) to read: columns image, mask, patient_id, and modality, label, label_name,
    /// study_date … if they are known; may be given several times
    #[arg(long, value_name = "LIST")]
    pairs: Vec<PathBuf>,
    /// The hospital that brings them; stands in every row
    #[arg(long)]
    provider: String,
    /// Threads that read files [default: one per core]
    #[arg(long)]
    workers: Option<usize>,
    /// Read and report, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Compare files by a hash of all their bytes, not of their header and size
    #[arg(long)]
    full_hash: bool,
    /// A file that changed, and another file of an instance's UID, become its new version; a file that moved gets its new place
    #[arg(long)]
    replace: bool,
    /// Afterwards take out what the provider brought from below the paths and is no longer there
    #[arg(long)]
    prune: bool,
    /// Instances per commit
    #[arg(long)]
    batch_instances: Option<usize>,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = Summary::Text)]
    format: Summary,
    #[command(flatten)]
    resources: Resources,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq)]
enum Summary {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

impl Ingest {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let format = self.format;
        let done = self.carry_out().await;
        // Whoever reads JSON gets an object, whatever came of it.
        if let (Summary::Json, Err(failure)) = (format, &done) {
            println!("{}", serde_json::json!({ "error": failure.to_string() }));
        }
        done
    }

    async fn carry_out(self) -> Result<ExitCode, Failure> {
        for path in self.paths.iter().chain(&self.pairs) {
            if radlake::ingest::bucket_url(path)
                .map_err(|error| Failure::Usage(error.to_string()))?
                .is_some()
            {
                continue;
            }
            let path =
                radlake::ingest::local_path(path).map_err(|error| Failure::Usage(error.to_string()))?;
            std::fs::symlink_metadata(&path).map_err(|error| Failure::io("cannot read", &path, error))?;
        }
        let lakehouse = self.resources.open(&self.lake).await?;
        let mut options = IngestOptions::new(self.provider, self.paths);
        options.pairs = self.pairs;
        options.dry_run = self.dry_run;
        options.full_hash = self.full_hash;
        options.replace = self.replace;
        options.prune = self.prune;
        if let Some(workers) = self.workers {
            options.workers = workers.max(1);
        }
        if let Some(instances) = self.batch_instances {
            options.batch_instances = instances.max(1);
        }
        let progress = Arc::new(progress::Display::new());
        let report = lakehouse
            .ingest(
                &Identity::role(SUPERUSER),
                options,
                progress.clone(),
                interrupts()?,
            )
            .await;
        progress.finish();
        let report = report?;
        // Views alone hinder nobody; tables that are older have stopped it.
        super::upgrade::tell(&lakehouse, &self.lake).await?;
        match self.format {
            Summary::Json => {
                println!(
                    "{}",
                    serde_json::to_string(&report).map_err(|e| Failure::Output(e.to_string()))?
                );
            }
            Summary::Text => print_summary(&report),
        }
        Ok(if report.cancelled {
            eprintln!("radlake: interrupted: what was committed stays; the same command goes on from there");
            ExitCode::from(130)
        } else if report.nothing_readable() {
            eprintln!("radlake: {}", nothing(&report));
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Why a run read nothing.
fn nothing(report: &IngestReport) -> &'static str {
    if report.offered == 0 {
        "there are no files in these paths"
    } else if report.dry_run {
        "none of these files can be read as DICOM"
    } else {
        "none of these files can be read as DICOM; imaging.files says why of each"
    }
}

/// The summary for people.
pub(crate) fn print_summary(report: &IngestReport) {
    let verb = if report.dry_run {
        "would ingest"
    } else {
        "ingested"
    };
    println!(
        "{}: {verb} {} instances in {} series, {} studies, {} patients, from {} files in {:.1} s",
        report.provider,
        report.ingested,
        report.series,
        report.studies,
        report.patients,
        report.offered,
        report.seconds
    );
    for (count, what) in [
        (report.replaced, "of these took the place of an earlier version"),
        (report.moved, "of these were somewhere else before"),
        (
            report.superseded,
            "files whose instance a later one took the place of",
        ),
        (report.unchanged, "files unchanged since an earlier run"),
        (
            report.touched,
            "files with a new time, and the header and size that they had",
        ),
        (report.duplicates, "further copies of an instance"),
        (
            report.conflicts,
            "conflicts: another version of the instance is there already, and stays (--replace takes the new one)",
        ),
        (
            report.warnings,
            "values that did not parse; they are NULL in their column",
        ),
    ] {
        if count > 0 {
            println!("  {count} {what}");
        }
    }
    let segments = &report.segments;
    for (count, what) in [
        (segments.placed, "segments placed on their images"),
        (
            segments.own_grid,
            "segments measured on their own grid: their images are not in the lake",
        ),
        (
            segments.waiting,
            "segments wait for their images; they are placed when those are ingested",
        ),
        (
            segments.unplaceable,
            "segments cannot be placed; imaging.segments says why of each",
        ),
        (
            segments.unread,
            "segmentations and structure sets could not be read to place them; the next ingest tries again",
        ),
    ] {
        if count > 0 {
            println!("  {count} {what}");
        }
    }
    for (reason, count) in &report.refused {
        println!("  {count} refused: {reason}");
    }
    for (reason, count) in &report.skipped {
        println!("  {count} skipped: {reason}");
    }
    if let Some(pruned) = &report.pruned {
        let verb = if report.dry_run { "would prune" } else { "pruned" };
        println!(
            "  {verb} {} files that are no longer there: {} instances are gone, {} are another file's, {} series are gone",
            pruned.files, pruned.instances, pruned.handed_over, pruned.series
        );
    }
    if report.refused_total() > 0 {
        println!("  Each refused file stands in imaging.files with its reason.");
    }
}
