//! Which of a batch's instances are new, and what is recorded of each file: a pure function of the batch and of what the
//! lake holds, so that it can be asked again when another writer was first.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::error::ArrowError;

use super::failure::{Failure, code, is_transient};
use super::files::{FileRow, Status};
use super::outcome::{Outcome, Parsed, Verdict};

/// A file as the lake knows it: URI, size, modification time.
pub(crate) type FileKey = (String, Option<u64>, Option<i64>);

/// The rows of `imaging.files` that concern a batch.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles {
    /// Files with a lasting outcome: not to be recorded again.
    pub(crate) settled: HashSet<FileKey>,
    /// Files that failed for a reason that may pass, and that reason's code.
    pub(crate) transient: HashSet<(FileKey, String)>,
}

impl KnownFiles {
    /// Adds a row of `imaging.files`.
    pub(crate) fn insert(&mut self, key: FileKey, reason_code: Option<&str>) {
        match reason_code {
            Some(code) if is_transient(code) => {
                self.transient.insert((key, code.to_owned()));
            }
            _ => {
                self.settled.insert(key);
            }
        }
    }

    fn has(&self, outcome: &Outcome) -> bool {
        let key = (outcome.uri.clone(), outcome.size, outcome.modified_us);
        if self.settled.contains(&key) {
            return true;
        }
        match &outcome.verdict {
            Verdict::Refused(failure) => self.transient.contains(&(key, failure.code.to_owned())),
            _ => false,
        }
    }
}

/// An instance that the lake holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) header_hash: String,
    pub(crate) source_uri: String,
    pub(crate) content_hash: Option<String>,
}

/// What follows for a batch.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// Rows for `imaging.files`, in ascending order of URIs.
    pub(crate) files: Vec<FileRow>,
    /// New instances as (part of the batch, row in it), in ascending order of study, series and SOP Instance UID.
    pub(crate) accepted: Vec<(usize, usize)>,
    /// Files that the lake knew as they are.
    pub(crate) unchanged: u64,
    pub(crate) duplicates: u64,
    pub(crate) conflicts: u64,
    pub(crate) archives: u64,
    pub(crate) warnings: u64,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    pub(crate) skipped: BTreeMap<&'static str, u64>,
}

/// Judges a batch in the order in which its files were offered: of several instances with one UID the first is taken.
pub(crate) fn decide(batch: &[Parsed], known: &KnownFiles, existing: &HashMap<String, Existing>) -> Decision {
    let mut out = Decision::default();
    let mut seen: HashMap<&str, Existing> = HashMap::new();
    for (part, parsed) in batch.iter().enumerate() {
        let mut next_row = 0;
        for outcome in &parsed.outcomes {
            let row = next_row;
            if matches!(outcome.verdict, Verdict::Instance { .. }) {
                next_row += 1;
            }
            if matches!(outcome.verdict, Verdict::Unchanged) || known.has(outcome) {
                out.unchanged += 1;
                continue;
            }
            let mut file = FileRow {
                uri: outcome.uri.clone(),
                size: outcome.size,
                modified_us: outcome.modified_us,
                status: Status::Ingested,
                reason_code: None,
                reason: None,
                sop_instance_uid: None,
                warnings: 0,
                header_hash: None,
                content_hash: None,
            };
            match &outcome.verdict {
                Verdict::Unchanged => {}
                Verdict::Archive => {
                    out.archives += 1;
                    file.status = Status::Archive;
                }
                Verdict::Refused(failure) => {
                    *out.refused.entry(failure.code).or_default() += 1;
                    file.because(Status::Refused, failure.clone());
                }
                Verdict::Skipped(failure) => {
                    *out.skipped.entry(failure.code).or_default() += 1;
                    file.because(Status::Skipped, failure.clone());
                }
                Verdict::Instance {
                    sop_instance_uid,
                    header_hash,
                    content_hash,
                    warnings,
                } => {
                    let this = Existing {
                        header_hash: header_hash.to_hex(),
                        source_uri: outcome.uri.clone(),
                        content_hash: content_hash.clone(),
                    };
                    let first = existing
                        .get(sop_instance_uid)
                        .or_else(|| seen.get(sop_instance_uid.as_str()));
                    match first.map(|first| compare(first, &this)) {
                        None => {
                            out.accepted.push((part, row));
                            out.warnings += u64::from(*warnings);
                            seen.insert(sop_instance_uid, this.clone());
                        }
                        Some((status, failure)) => {
                            match status {
                                Status::Conflict => out.conflicts += 1,
                                _ => out.duplicates += 1,
                            }
                            file.because(status, failure);
                        }
                    }
                    file.sop_instance_uid = Some(sop_instance_uid.clone());
                    file.warnings = *warnings;
                    file.header_hash = Some(this.header_hash);
                    file.content_hash = this.content_hash;
                }
            }
            out.files.push(file);
        }
    }
    out.files.sort_by(|a, b| a.uri.cmp(&b.uri));
    sort_accepted(batch, &mut out.accepted);
    out
}

impl FileRow {
    fn because(&mut self, status: Status, failure: Failure) {
        self.status = status;
        self.reason_code = Some(failure.code);
        self.reason = Some(failure.reason);
    }
}

/// What an instance is beside the one that has its UID already.
fn compare(first: &Existing, this: &Existing) -> (Status, Failure) {
    let other_bytes = first.content_hash.is_some()
        && this.content_hash.is_some()
        && first.content_hash != this.content_hash;
    if first.header_hash != this.header_hash || other_bytes {
        let what = if other_bytes {
            "the same header and other pixels"
        } else {
            "another header or size"
        };
        let reason = format!(
            "the lake has an instance of this UID with {what}, from {}; that one stays",
            first.source_uri
        );
        (Status::Conflict, Failure::new(code::OTHER_CONTENT, reason))
    } else if first.source_uri == this.source_uri {
        let reason = "the file was touched since it was ingested; its header and size are the same";
        (Status::Duplicate, Failure::new(code::TOUCHED, reason))
    } else {
        let reason = format!("the lake has this instance, from {}", first.source_uri);
        (Status::Duplicate, Failure::new(code::SAME_CONTENT, reason))
    }
}

/// The order in which instances are stored (the table's cluster key): neighbours in a series are neighbours on disk.
fn sort_accepted(batch: &[Parsed], accepted: &mut [(usize, usize)]) {
    fn text<'a>(rows: &'a RecordBatch, name: &str, row: usize) -> &'a str {
        rows.column_by_name(name)
            .and_then(|c| c.as_string_opt::<i32>())
            .map_or("", |c| c.value(row))
    }
    accepted.sort_unstable_by(|a, b| {
        let (x, y) = (&batch[a.0].rows, &batch[b.0].rows);
        text(x, "study_instance_uid", a.1)
            .cmp(text(y, "study_instance_uid", b.1))
            .then_with(|| text(x, "series_instance_uid", a.1).cmp(text(y, "series_instance_uid", b.1)))
            .then_with(|| text(x, "sop_instance_uid", a.1).cmp(text(y, "sop_instance_uid", b.1)))
    });
}

/// Rows of one piece of [`assemble`].
const PIECE: usize = 8192;

/// The accepted rows, in order, in pieces of at most 8,192 rows.
///
/// # Errors
/// None that a caller could cause: all parts have one schema.
pub(crate) fn assemble(
    batch: &[Parsed],
    accepted: &[(usize, usize)],
) -> Result<Vec<RecordBatch>, ArrowError> {
    let parts: Vec<&RecordBatch> = batch.iter().map(|parsed| &parsed.rows).collect();
    accepted
        .chunks(PIECE)
        .map(|piece| interleave_record_batch(&parts, piece))
        .collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
