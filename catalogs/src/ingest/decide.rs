//! Which of a batch's instances are new, and what is recorded of each file: a pure function of the batch and of what the
//! lake holds, so that it can be asked again when another writer was first.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::interleave_record_batch;
use arrow::error::ArrowError;

use super::failure::{Failure, code, is_transient};
use super::files::{FileRow, Status};
use super::outcome::{Outcome, Parsed, Verdict};
use super::sources::Source;
use super::uri;

/// A file as the lake knows it: URI, size, modification time.
pub(crate) type FileKey = (String, Option<u64>, Option<i64>);

/// The rows of `imaging.files` that concern a batch: the current ones.
#[derive(Debug, Default)]
pub(crate) struct KnownFiles {
    /// Files with a lasting outcome: not to be recorded again.
    pub(crate) settled: HashSet<FileKey>,
    /// Files that failed for a reason that may pass, and that reason's code.
    pub(crate) transient: HashSet<(FileKey, String)>,
    /// URIs that have a row, be it of another size or time.
    pub(crate) there: HashSet<String>,
    /// Whether newer versions replace what is there, so that conflicts are looked at again.
    replace: bool,
    /// Archives with members that are to be looked at again.
    reopened: HashSet<String>,
}

impl KnownFiles {
    /// None yet; `replace` is the run's.
    pub(crate) fn new(replace: bool) -> Self {
        Self {
            replace,
            ..Self::default()
        }
    }

    /// Adds a current row of `imaging.files`.
    pub(crate) fn insert(
        &mut self,
        key: FileKey,
        status: &str,
        reason_code: Option<&str>,
        counterpart: Option<&str>,
    ) {
        self.there.insert(key.0.clone());
        let again = self.replace
            && match status {
                "conflict" => true,
                // Its instance may be where nothing is any more: then this is its place.
                "duplicate" => counterpart.is_some_and(uri::is_gone),
                _ => false,
            };
        if again {
            if let Some((archive, _)) = key.0.split_once("!/") {
                self.reopened.insert(archive.to_owned());
            }
            return;
        }
        match reason_code {
            Some(code) if is_transient(code) => {
                self.transient.insert((key, code.to_owned()));
            }
            _ => {
                self.settled.insert(key);
            }
        }
    }

    /// Once all rows are in: archives are opened again for the sake of a member.
    pub(crate) fn reopen(&mut self) {
        if !self.reopened.is_empty() {
            self.settled.retain(|(uri, _, _)| !self.reopened.contains(uri));
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) header_hash: String,
    pub(crate) source_uri: String,
    pub(crate) provider: String,
    pub(crate) study: String,
    pub(crate) content_hash: Option<String>,
    /// Nothing is at `source_uri` any more. Only found out where moves are followed.
    pub(crate) place_is_gone: bool,
}

/// What follows for a batch.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    /// Rows for `imaging.files`, in ascending order of URIs.
    pub(crate) files: Vec<FileRow>,
    /// New instances as (part of the batch, row in it), in ascending order of study, series and SOP Instance UID.
    pub(crate) accepted: Vec<(usize, usize)>,
    /// Files that hold an instance as the lake will have it.
    pub(crate) sources: Vec<Source>,
    /// UIDs of which the lake has another version, which goes, and the file that holds the new one.
    pub(crate) replaced: BTreeMap<String, String>,
    /// UIDs whose file is at another place now, and the place where it was.
    pub(crate) moved: BTreeMap<String, String>,
    /// Files that the lake knew as they are.
    pub(crate) unchanged: u64,
    /// Files with a new time or size, and the header that the lake has of them.
    pub(crate) touched: u64,
    pub(crate) duplicates: u64,
    /// Files of the batch whose instance another of the batch replaced.
    pub(crate) superseded: u64,
    pub(crate) conflicts: u64,
    pub(crate) archives: u64,
    pub(crate) warnings: u64,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    pub(crate) skipped: BTreeMap<&'static str, u64>,
}

/// A UID of the batch at hand, as the batch has it last.
struct Seen {
    instance: Existing,
    /// Its place among the rows of the batch, if they hold it.
    accepted: Option<(usize, usize)>,
    /// Rows of `Decision::files` whose files hold it.
    files: Vec<usize>,
    /// Which of them are further copies.
    duplicates: u64,
    /// Of which how many are only touched.
    touched: u64,
    warnings: u64,
}

/// Judges a batch in the order in which its files were offered: of several instances with one UID the first is taken, or with
/// `replace` the last.
pub(crate) fn decide(
    batch: &[Parsed],
    known: &KnownFiles,
    existing: &HashMap<String, Existing>,
    provider: &str,
) -> Decision {
    let mut out = Decision::default();
    let mut seen: HashMap<&str, Seen> = HashMap::new();
    let (studies, series) = (
        Texts::of(batch, "study_instance_uid"),
        Texts::of(batch, "series_instance_uid"),
    );
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
            let mut file = FileRow::new(outcome);
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
                    warned,
                } => {
                    let this = Existing {
                        header_hash: header_hash.to_hex(),
                        source_uri: outcome.uri.clone(),
                        content_hash: content_hash.clone(),
                        provider: provider.to_owned(),
                        study: studies.get((part, row)).to_owned(),
                        place_is_gone: false,
                    };
                    file.sop_instance_uid = Some(sop_instance_uid.clone());
                    file.warnings = *warnings;
                    file.warned.clone_from(warned);
                    file.header_hash = Some(this.header_hash.clone());
                    file.content_hash.clone_from(&this.content_hash);
                    let first = seen
                        .get(sop_instance_uid.as_str())
                        .map(|seen| &seen.instance)
                        .or_else(|| existing.get(sop_instance_uid));
                    let beside = first.map_or(Beside::Nothing, |first| compare(first, &this));
                    let number = out.files.len();
                    let taken = |instance| Seen {
                        instance,
                        accepted: Some((part, row)),
                        files: vec![number],
                        duplicates: 0,
                        touched: 0,
                        warnings: u64::from(*warnings),
                    };
                    match (beside, first) {
                        (Beside::Other { .. }, Some(first)) if known.replace => {
                            if existing.contains_key(sop_instance_uid) {
                                out.replaced.insert(sop_instance_uid.clone(), outcome.uri.clone());
                            }
                            if first.source_uri == this.source_uri && first.provider == this.provider {
                                file.because(Status::Ingested, Failure::changed());
                            }
                            if let Some(before) = seen.insert(sop_instance_uid, taken(this)) {
                                out.superseded += before.files.len() as u64;
                                out.duplicates -= before.duplicates;
                                out.touched -= before.touched;
                                for older in before.files {
                                    out.files[older].replaced_by(&outcome.uri);
                                }
                            }
                        }
                        (Beside::Other { pixels_only }, Some(first)) => {
                            out.conflicts += 1;
                            file.conflicts_with(first, &this, pixels_only);
                        }
                        (Beside::Same, Some(first))
                            if known.replace && first.place_is_gone && first.provider == provider =>
                        {
                            let reason =
                                "it was at the place that is named beside, where nothing is any more";
                            file.because(Status::Ingested, Failure::new(code::MOVED, reason));
                            file.counterpart = Some(first.source_uri.clone());
                            out.moved
                                .insert(sop_instance_uid.clone(), first.source_uri.clone());
                            seen.insert(sop_instance_uid, taken(this));
                        }
                        (Beside::Same | Beside::Itself, Some(first)) => {
                            let itself = matches!(beside, Beside::Itself) && first.provider == provider;
                            if itself {
                                out.touched += 1;
                                file.because(Status::Ingested, Failure::touched());
                            } else {
                                out.duplicates += 1;
                                file.duplicates(first);
                            }
                            let first = first.clone();
                            let seen = seen.entry(sop_instance_uid).or_insert_with(|| Seen {
                                instance: first,
                                accepted: None,
                                files: Vec::new(),
                                duplicates: 0,
                                touched: 0,
                                warnings: 0,
                            });
                            seen.files.push(number);
                            seen.duplicates += u64::from(!itself);
                            seen.touched += u64::from(itself);
                        }
                        (_, _) => {
                            seen.insert(sop_instance_uid, taken(this));
                        }
                    }
                    file.at = Some((part, row));
                }
            }
            out.files.push(file);
        }
    }
    for seen in seen.values() {
        out.warnings += seen.warnings;
        out.accepted.extend(seen.accepted);
        out.sources.extend(seen.files.iter().filter_map(|number| {
            let file = out.files.get(*number)?;
            let at = file.at?;
            Some(Source {
                study: studies.get(at).to_owned(),
                series: series.get(at).to_owned(),
                instance: file.sop_instance_uid.clone()?,
                provider: provider.to_owned(),
                uri: file.uri.clone(),
            })
        }));
    }
    // A stable sort: of members of one name the last is what the archive holds.
    out.files.sort_by(|a, b| a.uri.cmp(&b.uri));
    for next in 1..out.files.len() {
        if out.files[next - 1].uri == out.files[next].uri {
            out.files[next - 1].current = false;
        }
    }
    sort_accepted(batch, &mut out.accepted);
    out
}

impl FileRow {
    fn new(outcome: &Outcome) -> Self {
        Self {
            uri: outcome.uri.clone(),
            size: outcome.size,
            modified_us: outcome.modified_us,
            status: Status::Ingested,
            current: true,
            reason_code: None,
            reason: None,
            counterpart: None,
            sop_instance_uid: None,
            warnings: 0,
            warned: Vec::new(),
            header_hash: None,
            content_hash: None,
            at: None,
        }
    }

    fn because(&mut self, status: Status, failure: Failure) {
        self.status = status;
        self.reason_code = Some(failure.code);
        self.reason = Some(failure.reason);
    }

    /// Another file's version of its instance is in the lake now.
    pub(crate) fn replaced_by(&mut self, uri: &str) {
        self.because(Status::Replaced, Failure::replaced());
        self.counterpart = Some(uri.to_owned());
    }

    fn duplicates(&mut self, first: &Existing) {
        let failure = Failure::new(
            code::SAME_CONTENT,
            "the lake has this instance, from the file that is named beside",
        );
        self.because(Status::Duplicate, failure);
        self.counterpart = Some(first.source_uri.clone());
    }

    fn conflicts_with(&mut self, first: &Existing, this: &Existing, pixels_only: bool) {
        let what = match pixels_only {
            true => "the same header and other pixels",
            false => "another header or size",
        };
        let failure = if first.source_uri == this.source_uri && first.provider == this.provider {
            let reason = format!(
                "the file has changed since it was ingested ({what}); the lake keeps what it held then, and takes what it holds now with --replace"
            );
            Failure::new(code::CHANGED, reason)
        } else {
            let reason = format!(
                "the lake has an instance of this UID with {what}, from the file that is named beside; that one stays, unless this one is ingested with --replace"
            );
            Failure::new(code::OTHER_CONTENT, reason)
        };
        self.because(Status::Conflict, failure);
        self.counterpart = Some(first.source_uri.clone());
    }
}

/// What an instance is beside the one that has its UID already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// There is none.
    Nothing,
    /// The same, in another file.
    Same,
    /// The same, in the same file.
    Itself,
    /// Another one.
    Other {
        /// Their headers are the same.
        pixels_only: bool,
    },
}

fn compare(first: &Existing, this: &Existing) -> Beside {
    let other_bytes = first.content_hash.is_some()
        && this.content_hash.is_some()
        && first.content_hash != this.content_hash;
    if first.header_hash != this.header_hash || other_bytes {
        Beside::Other {
            pixels_only: first.header_hash == this.header_hash,
        }
    } else if first.source_uri == this.source_uri {
        Beside::Itself
    } else {
        Beside::Same
    }
}

/// A column of text of each part of a batch: found once, not for each row.
struct Texts<'a>(Vec<Option<&'a StringArray>>);

impl<'a> Texts<'a> {
    fn of(batch: &'a [Parsed], name: &str) -> Self {
        let column = |parsed: &'a Parsed| parsed.rows.column_by_name(name)?.as_string_opt::<i32>();
        Self(batch.iter().map(column).collect())
    }

    fn get(&self, (part, row): (usize, usize)) -> &'a str {
        let column = self.0.get(part).copied().flatten();
        column.map_or("", |column| column.value(row))
    }
}

/// The order in which instances are stored (the table's cluster key): neighbours in a series are neighbours on disk.
fn sort_accepted(batch: &[Parsed], accepted: &mut [(usize, usize)]) {
    let keys =
        ["study_instance_uid", "series_instance_uid", "sop_instance_uid"].map(|name| Texts::of(batch, name));
    let key = |at: &(usize, usize)| keys.each_ref().map(|texts| texts.get(*at));
    accepted.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
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
