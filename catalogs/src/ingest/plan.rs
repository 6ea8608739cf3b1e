//! One batch as a plan: what it changes, asked anew for whichever epoch it is to be built on.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use arrow::array::{AsArray, RecordBatch};
use async_trait::async_trait;

use super::decide::{Decision, KnownFiles, assemble, decide};
use super::files;
use super::outcome::{Parsed, Verdict};
use super::reads::Reader;
use super::target::{Changes, Plan, SeriesKey, View};
use crate::Result;
use crate::dicom::series::{aggregate, source_columns};
use crate::dicom::with_epoch;

/// A batch of parsed files, and what was decided of it last.
pub(crate) struct BatchPlan<'a> {
    pub(crate) parts: &'a [Parsed],
    pub(crate) provider: &'a str,
    pub(crate) reader: &'a Reader,
    pub(crate) full_hash: bool,
    /// Instances of earlier batches of a dry run, which no lake has.
    pub(crate) imagined: Option<&'a Mutex<HashMap<String, super::decide::Existing>>>,
    /// The decision of the latest call: of the one that was published, once it is.
    pub(crate) decided: Mutex<Decision>,
}

impl<'a> BatchPlan<'a> {
    /// Judges the batch against the lake as `view` shows it.
    pub(crate) async fn decide(&self, view: &View) -> Result<Decision> {
        let known = self.known_files(view).await?;
        let uids: HashSet<&str> = self.parts.iter().flat_map(instances).collect();
        let files = self.full_hash.then_some(&view.files);
        let mut existing = self.reader.existing(&view.instances, files, &uids).await?;
        if let Some(imagined) = self.imagined
            && let Ok(imagined) = imagined.lock()
        {
            let also = uids.iter().filter_map(|uid| imagined.get_key_value(*uid));
            existing.extend(also.map(|(uid, instance)| (uid.clone(), instance.clone())));
        }
        Ok(decide(self.parts, &known, &existing))
    }

    async fn known_files(&self, view: &View) -> Result<KnownFiles> {
        let uris = || {
            self.parts
                .iter()
                .flat_map(|part| &part.outcomes)
                .map(|outcome| outcome.uri.as_str())
        };
        match (uris().min(), uris().max()) {
            (Some(from), Some(to)) => {
                self.reader
                    .known_files(&view.files, self.provider, from, to)
                    .await
            }
            _ => Ok(KnownFiles::default()),
        }
    }
}

#[async_trait]
impl Plan for BatchPlan<'_> {
    async fn changes(&self, view: &View) -> Result<Option<Changes>> {
        let decision = self.decide(view).await?;
        let epoch = view.epoch as i64 + 1;
        let pieces = assemble(self.parts, &decision.accepted)?;
        let instances: Vec<RecordBatch> = pieces
            .iter()
            .map(|piece| with_epoch(piece, epoch))
            .collect::<std::result::Result<_, _>>()?;
        let touched = series_of(&instances);
        let replaced_series = self.reader.existing_series(&view.series, &touched).await?;
        let mut members = self
            .reader
            .instances_of(&view.instances, &replaced_series)
            .await?;
        for piece in &instances {
            members.push(sources(piece)?);
        }
        let series = aggregate(&members, epoch)?;
        let files = files::to_batch(&decision.files, self.provider, epoch)?;
        let nothing = decision.files.is_empty();
        if let Ok(mut decided) = self.decided.lock() {
            *decided = decision;
        }
        Ok((!nothing).then_some(Changes {
            instances,
            files,
            series,
            replaced_series,
        }))
    }
}

fn instances(part: &Parsed) -> impl Iterator<Item = &str> {
    part.outcomes.iter().filter_map(|outcome| match &outcome.verdict {
        Verdict::Instance { sop_instance_uid, .. } => Some(sop_instance_uid.as_str()),
        _ => None,
    })
}

/// The columns that a series is made of.
fn sources(rows: &RecordBatch) -> Result<RecordBatch> {
    let mut wanted = source_columns()
        .iter()
        .map(|name| rows.schema().index_of(name))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    wanted.push(rows.schema().index_of("dataset")?);
    Ok(rows.project(&wanted)?)
}

/// The series that rows of `imaging.instances` belong to.
pub(crate) fn series_of(batches: &[RecordBatch]) -> BTreeSet<SeriesKey> {
    let mut keys = BTreeSet::new();
    for batch in batches {
        let column = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>());
        let (Some(study), Some(series), Some(provider)) = (
            column("study_instance_uid"),
            column("series_instance_uid"),
            column("provider"),
        ) else {
            continue;
        };
        let mut last = ("", "");
        for row in 0..batch.num_rows() {
            let this = (study.value(row), series.value(row));
            // Rows are sorted: most have the series of the row before.
            if this != last || row == 0 {
                keys.insert((
                    this.0.to_owned(),
                    this.1.to_owned(),
                    provider.value(row).to_owned(),
                ));
                last = this;
            }
        }
    }
    keys
}
