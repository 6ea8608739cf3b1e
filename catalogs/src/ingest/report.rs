//! What a run says of itself: while it goes on, and at its end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::take::TakenOut;
use crate::segments::PlacedSegments;

/// How far a run is; counts since its start.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Files found so far; grows while folders are still being listed.
    pub files_found: u64,
    /// Whether all folders are listed, so that `files_found` is final (members of archives aside).
    pub listed: bool,
    /// Files and members of archives that are done with, of whatever outcome.
    pub files_done: u64,
    /// Instances ingested (committed, or waiting in the current batch).
    pub instances: u64,
    /// Files that are no readable DICOM.
    pub refused: u64,
    /// Instances that the lake has already.
    pub duplicates: u64,
    /// Files that the lake has seen as they are.
    pub unchanged: u64,
    /// Instances whose UID belongs to another one.
    pub conflicts: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Batches committed.
    pub batches: u64,
    /// Since the start.
    pub elapsed: Duration,
}

impl Snapshot {
    /// Files per second since the start.
    pub fn rate(&self) -> f64 {
        self.files_done as f64 / self.elapsed.as_secs_f64().max(1e-6)
    }

    /// Time left at this rate, once all folders are listed.
    pub fn time_left(&self) -> Option<Duration> {
        if !self.listed || self.files_done == 0 {
            return None;
        }
        let left = self.files_found.saturating_sub(self.files_done);
        Duration::try_from_secs_f64(left as f64 / self.rate()).ok()
    }
}

/// Is told how far a run is, several times a second, from one task.
pub trait Progress: Send + Sync {
    /// Takes a snapshot; must return soon.
    fn update(&self, snapshot: &Snapshot);
}

/// Nobody watches.
impl Progress for () {
    fn update(&self, _: &Snapshot) {}
}

/// The outcome of a run. `offered` = `ingested` + `unchanged` + `touched` + `duplicates` + `conflicts` + `superseded` + all `refused`
/// + all `skipped` + `archives`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IngestReport {
    /// Who brought the files.
    pub provider: String,
    /// Files offered: those found in folders, and the members of archives.
    pub offered: u64,
    /// Instances that `imaging.instances` got from this run, new versions and new places included.
    pub ingested: u64,
    /// Those of them that took the place of an earlier version.
    pub replaced: u64,
    /// Those of them whose file was somewhere else before.
    pub moved: u64,
    /// Files of the run whose instance another file of the run took the place of.
    pub superseded: u64,
    /// Files with a new time and the header and size that the lake has of them.
    pub touched: u64,
    /// Files that the lake had seen before, with the same size and modification time: not read again.
    pub unchanged: u64,
    /// Instances that were there already, from another file.
    pub duplicates: u64,
    /// Instances with the SOP Instance UID of another one, which stays.
    pub conflicts: u64,
    /// Files not readable as DICOM, by reason code.
    pub refused: BTreeMap<String, u64>,
    /// Files not read at all, by reason code.
    pub skipped: BTreeMap<String, u64>,
    /// Archives read to their end.
    pub archives: u64,
    /// Values that did not parse, of the instances ingested.
    pub warnings: u64,
    /// Series that gained instances.
    pub series: u64,
    /// Studies that gained instances.
    pub studies: u64,
    /// Patients (patient ID within its issuer, without one by study) that gained instances.
    pub patients: u64,
    /// Bytes read from files: headers only, unless hashed in full.
    pub bytes_read: u64,
    /// Wall time.
    pub seconds: f64,
    /// Epochs of the lake that the run published, one per batch.
    pub epochs: Vec<u64>,
    /// What was taken out because it is no longer there, if that was asked for.
    pub pruned: Option<TakenOut>,
    /// Segments that were placed afterwards, those of earlier runs whose images came now among them.
    pub segments: PlacedSegments,
    /// Nothing was written.
    pub dry_run: bool,
    /// The run was stopped; what it committed stays, and a new run goes on from there.
    pub cancelled: bool,
}

impl IngestReport {
    /// Adds what a second run over the same files did.
    pub(crate) fn join(&mut self, again: Self) {
        self.ingested += again.ingested;
        self.conflicts = self.conflicts.saturating_sub(again.ingested);
        self.warnings += again.warnings;
        self.series += again.series;
        self.studies += again.studies;
        self.patients += again.patients;
        self.bytes_read += again.bytes_read;
        self.seconds += again.seconds;
        self.epochs.extend(again.epochs);
        self.cancelled |= again.cancelled;
    }

    /// Files refused, whatever the reason.
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Whether no file could be read, be it that none was offered (exit code 1 of the command). Files seen before count
    /// as read.
    pub fn nothing_readable(&self) -> bool {
        let known = self.ingested + self.unchanged + self.touched + self.duplicates + self.conflicts;
        known == 0 && !self.cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_waits_for_the_listing() {
        let mut s = Snapshot {
            files_found: 300,
            files_done: 100,
            elapsed: Duration::from_secs(10),
            ..Snapshot::default()
        };
        assert_eq!(s.time_left(), None);
        s.listed = true;
        assert_eq!((s.rate(), s.time_left()), (10.0, Some(Duration::from_secs(20))));
    }

    #[test]
    fn nothing_readable_is_nothing_read_or_known() {
        let mut r = IngestReport {
            offered: 3,
            ..IngestReport::default()
        };
        assert!(r.nothing_readable());
        r.unchanged = 1;
        assert!(!r.nothing_readable());
        // No file at all: somebody gave the wrong folder.
        r = IngestReport::default();
        assert!(r.nothing_readable());
        // Stopped before it came to one: that says nothing of the files.
        r.cancelled = true;
        assert!(!r.nothing_readable());
    }
}
