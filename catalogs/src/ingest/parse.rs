//! The workers' part: from files to rows of `imaging.instances` and outcomes, without knowing what the lake holds.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::archive::{self, Input, Kind, Member, SNIFF};
use super::failure::{Failure, code};
use super::outcome::{Outcome, Parsed, Verdict};
use super::streams::{Counting, Tee};
use super::walk::{self, Offer};
use super::{pairs, uri};
use crate::dicom::{
    FileSource, HeaderSource, InstanceRows, Limits, Origin, Scratch, StreamSource, read_header,
};
use crate::segments::{Extracted, extract};

/// Outcomes that are handed on together, at most.
const MAX_OUTCOMES: usize = 256;
/// Arrow bytes that are handed on together, about.
const MAX_BYTES: usize = 8 << 20;

/// What a worker asks and tells while it parses.
pub(crate) trait Sink {
    /// Takes some outcomes, in order. `false`: nobody wants more.
    fn take(&mut self, parsed: Parsed) -> bool;
    /// Which members of this archive the lake knows already, by their URIs, given the archive's modification time.
    fn known_members(&mut self, archive_uri: &str, modified_us: Option<i64>) -> io::Result<KnownMembers>;
    /// Whether the run was cancelled.
    fn cancelled(&self) -> bool;
}

/// URIs of members that the lake knows, with their sizes.
pub(crate) type KnownMembers = std::collections::HashMap<String, Option<u64>>;

/// How files are parsed; the same for all workers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) provider: String,
    pub(crate) limits: Limits,
    pub(crate) full_hash: bool,
    pub(crate) replace: bool,
}

/// One worker: buffers that are used again for every file.
pub(crate) struct Worker<'w> {
    settings: &'w Settings,
    scratch: Scratch,
    rows: InstanceRows,
    outcomes: Vec<Outcome>,
    extracted: Vec<(usize, Extracted)>,
    /// Bytes of `extracted`, about.
    extracted_bytes: usize,
    bytes_read: u64,
}

/// Why a worker stops before the end of its files.
enum Stop {
    /// Nobody wants the outcomes.
    Unwanted,
    /// The item of this number made `append` panic: the rows are lost, and must be made again without it.
    Poisoned(usize),
}

impl<'w> Worker<'w> {
    pub(crate) fn new(settings: &'w Settings) -> Self {
        Self {
            settings,
            scratch: Scratch::default(),
            rows: InstanceRows::new(MAX_OUTCOMES),
            outcomes: Vec::new(),
            extracted: Vec::new(),
            extracted_bytes: 0,
            bytes_read: 0,
        }
    }

    /// Parses `offers` and hands the outcomes to `sink`, in order. `false`: the sink wants no more.
    pub(crate) fn run(&mut self, offers: &[Offer], sink: &mut dyn Sink) -> bool {
        let mut pass = Pass {
            poisoned: BTreeSet::new(),
            emitted: 0,
            item: 0,
        };
        loop {
            pass.item = 0;
            match self.pass(offers, sink, &mut pass) {
                Ok(()) => return true,
                Err(Stop::Unwanted) => return false,
                Err(Stop::Poisoned(item)) => {
                    // Builders that a panic left half filled are of no use; what was handed on stays handed on.
                    self.rows = InstanceRows::new(MAX_OUTCOMES);
                    self.outcomes.clear();
                    self.extracted.clear();
                    self.extracted_bytes = 0;
                    pass.poisoned.insert(item);
                }
            }
        }
    }

    fn pass(&mut self, offers: &[Offer], sink: &mut dyn Sink, pass: &mut Pass) -> Result<(), Stop> {
        for offer in offers {
            if sink.cancelled() {
                return Err(Stop::Unwanted);
            }
            match &offer.failure {
                Some(failure) => {
                    let verdict = match failure.code {
                        code::SPECIAL_FILE | code::LINK_LOOP => Verdict::Skipped(failure.clone()),
                        _ => Verdict::Refused(failure.clone()),
                    };
                    self.push(outcome(offer, verdict), sink, pass)?;
                }
                None => self.file(offer, sink, pass)?,
            }
        }
        self.flush(sink, pass)
    }

    fn file(&mut self, offer: &Offer, sink: &mut dyn Sink, pass: &mut Pass) -> Result<(), Stop> {
        if pass.is_emitted() {
            // Only a pass after a panic gets here; an archive is opened again, since it may be half done.
            if !may_be_archive(offer) {
                pass.item += 1;
                return Ok(());
            }
        }
        let opened = open(offer);
        let (mut file, size, modified_us, kind) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let verdict = Verdict::Refused(Failure::of_io(&error));
                return self.push(outcome(offer, verdict), sink, pass);
            }
        };
        let at = At {
            uri: &offer.uri,
            size: Some(size),
            modified_us,
        };
        match kind {
            Kind::Plain => {}
            // As it was looked at: it is as new as the newest of its volumes.
            Kind::Pairs => {
                let at = At {
                    uri: &offer.uri,
                    size: offer.size,
                    modified_us: offer.modified_us,
                };
                return self.archive(kind, file, &offer.path, &at, sink, pass);
            }
            _ => return self.archive(kind, file, &offer.path, &at, sink, pass),
        }
        let content_hash = match self.settings.full_hash.then(|| hash_file(&mut *file)).transpose() {
            Ok(hash) => hash,
            Err(error) => return self.push(at.outcome(Verdict::Refused(Failure::of_io(&error))), sink, pass),
        };
        let mut source = Counting::new(FileSource::new(file, size));
        let verdict = self.instance(&mut source, &at, pass)?;
        self.bytes_read += source.read;
        self.push(at.outcome(with_content(verdict, content_hash)), sink, pass)
    }

    fn archive(
        &mut self,
        kind: Kind,
        file: Box<dyn Input>,
        path: &Path,
        at: &At<'_>,
        sink: &mut dyn Sink,
        pass: &mut Pass,
    ) -> Result<(), Stop> {
        let known = match sink.known_members(at.uri, at.modified_us) {
            Ok(known) => known,
            Err(error) => return self.push(at.outcome(Verdict::Refused(Failure::of_io(&error))), sink, pass),
        };
        let mut stop = None;
        let mut visit = |member: Member<'_>| {
            if sink.cancelled() {
                stop = Some(Stop::Unwanted);
                return ControlFlow::Break(());
            }
            match self.member(member, at, &known, sink, pass) {
                Ok(()) => ControlFlow::Continue(()),
                Err(reason) => {
                    stop = Some(reason);
                    ControlFlow::Break(())
                }
            }
        };
        let read = match kind {
            Kind::Pairs => pairs::read(path, &mut visit),
            _ => archive::read(kind, file, at.size.unwrap_or_default(), path, &mut visit),
        };
        if let Some(stop) = stop {
            return Err(stop);
        }
        let verdict = match read {
            Ok(()) => Verdict::Archive,
            Err(failure) => Verdict::Refused(failure),
        };
        self.push(at.outcome(verdict), sink, pass)
    }

    fn member(
        &mut self,
        member: Member<'_>,
        archive: &At<'_>,
        known: &KnownMembers,
        sink: &mut dyn Sink,
        pass: &mut Pass,
    ) -> Result<(), Stop> {
        if pass.is_emitted() {
            pass.item += 1;
            return Ok(());
        }
        let uri = uri::of_member(archive.uri, member.name);
        let mut at = At {
            uri: &uri,
            size: member.size,
            modified_us: archive.modified_us,
        };
        // The size of a file packed by gzip alone is not known before it is read.
        if known
            .get(&uri)
            .is_some_and(|size| member.size.is_none() || *size == member.size)
        {
            return self.push(at.outcome(Verdict::Unchanged), sink, pass);
        }
        let content = match member.content {
            Ok(content) => content,
            Err(failure) => {
                let verdict = match failure.code {
                    code::SPECIAL_FILE | code::LINK_MEMBER => Verdict::Skipped(failure),
                    _ => Verdict::Refused(failure),
                };
                return self.push(at.outcome(verdict), sink, pass);
            }
        };
        let mut head = Vec::with_capacity(SNIFF);
        if let Err(error) = Read::take(&mut *content, SNIFF as u64).read_to_end(&mut head) {
            return self.push(at.outcome(Verdict::Refused(Failure::of_io(&error))), sink, pass);
        }
        if archive::sniff(&head) != Kind::Plain {
            let failure = Failure::new(
                code::NESTED_ARCHIVE,
                "an archive within an archive; unpack it to have it read",
            );
            return self.push(at.outcome(Verdict::Skipped(failure)), sink, pass);
        }
        let mut tee = Tee {
            head: &head,
            inner: content,
            read: 0,
            hasher: self.settings.full_hash.then(blake3::Hasher::new),
        };
        let mut source = Counting::new(StreamSource::new(&mut tee, member.size));
        let verdict = self.instance(&mut source, &at, pass)?;
        at.size = at.size.or_else(|| source.all());
        let content_hash = match tee.finish() {
            Ok(hash) => hash,
            Err(error) => return self.push(at.outcome(Verdict::Refused(Failure::of_io(&error))), sink, pass),
        };
        self.bytes_read += tee.read;
        self.push(at.outcome(with_content(verdict, content_hash)), sink, pass)
    }

    /// Reads one header and appends its row. A panic of the parser is this file's fault alone.
    fn instance<S: HeaderSource>(
        &mut self,
        source: &mut Counting<S>,
        at: &At<'_>,
        pass: &Pass,
    ) -> Result<Verdict, Stop> {
        if pass.poisoned.contains(&pass.item) {
            return Ok(Verdict::Refused(Failure::new(
                code::INTERNAL,
                "the parser failed on it; please report the file",
            )));
        }
        let mut appending = false;
        let (settings, scratch, rows) = (self.settings, &mut self.scratch, &mut self.rows);
        let (extracted, extracted_bytes) = (&mut self.extracted, &mut self.extracted_bytes);
        let parsed = catch_unwind(AssertUnwindSafe(|| {
            match read_header(source, &settings.limits, scratch) {
                Ok(header) => {
                    // A file that gzip alone packs does not say its size beforehand.
                    let Some(size) = at.size.or_else(|| source.all()) else {
                        return Verdict::Refused(Failure::new(
                            code::IO_ERROR,
                            "it cannot be read to its end",
                        ));
                    };
                    let header_hash = header.hash(size);
                    let sop_instance_uid = header.sop_instance_uid().to_owned();
                    let origin = Origin {
                        provider: &settings.provider,
                        source_uri: at.uri,
                        file_size: size,
                        header_hash,
                    };
                    let found = extract(&header);
                    appending = true;
                    let row = rows.len();
                    let appended = rows.append(&header, &origin);
                    if let Some(found) = found {
                        *extracted_bytes += found.size();
                        extracted.push((row, found));
                    }
                    Verdict::Instance {
                        sop_instance_uid,
                        header_hash,
                        content_hash: None,
                        warnings: appended.warnings,
                        warned: rows.warned().to_vec(),
                    }
                }
                Err(refusal) => Verdict::Refused(Failure::new(refusal.code(), refusal.reason())),
            }
        }));
        match parsed {
            Ok(verdict) => Ok(verdict),
            Err(_) if appending => Err(Stop::Poisoned(pass.item)),
            Err(_) => {
                self.scratch = Scratch::default();
                let failure = Failure::new(code::INTERNAL, "the parser failed on it; please report the file");
                Ok(Verdict::Refused(failure))
            }
        }
    }

    fn push(&mut self, outcome: Outcome, sink: &mut dyn Sink, pass: &mut Pass) -> Result<(), Stop> {
        if !pass.is_emitted() {
            self.outcomes.push(outcome);
        }
        pass.item += 1;
        if self.outcomes.len() >= MAX_OUTCOMES || self.rows.bytes() + self.extracted_bytes >= MAX_BYTES {
            self.flush(sink, pass)?;
        }
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn Sink, pass: &mut Pass) -> Result<(), Stop> {
        if self.outcomes.is_empty() {
            return Ok(());
        }
        let Ok(rows) = self.rows.finish() else {
            // Builders that do not fit together: as if the last item had panicked.
            return Err(Stop::Poisoned(pass.item.saturating_sub(1)));
        };
        pass.emitted = pass.item;
        let parsed = Parsed {
            outcomes: std::mem::take(&mut self.outcomes),
            rows,
            extracted: std::mem::take(&mut self.extracted),
            bytes_read: std::mem::take(&mut self.bytes_read),
        };
        self.extracted_bytes = 0;
        if sink.take(parsed) {
            Ok(())
        } else {
            Err(Stop::Unwanted)
        }
    }
}

/// The state of going through some offers, again after a panic.
struct Pass {
    /// Items on which `append` panicked.
    poisoned: BTreeSet<usize>,
    /// Items whose outcomes were handed on.
    emitted: usize,
    /// The item at hand: files, members and archives are counted in order.
    item: usize,
}

impl Pass {
    fn is_emitted(&self) -> bool {
        self.item < self.emitted
    }
}

/// Where a file is, as its row will say.
struct At<'a> {
    uri: &'a str,
    size: Option<u64>,
    modified_us: Option<i64>,
}

impl At<'_> {
    fn outcome(&self, verdict: Verdict) -> Outcome {
        Outcome {
            uri: self.uri.to_owned(),
            size: self.size,
            modified_us: self.modified_us,
            verdict,
        }
    }
}

fn outcome(offer: &Offer, verdict: Verdict) -> Outcome {
    At {
        uri: &offer.uri,
        size: offer.size,
        modified_us: offer.modified_us,
    }
    .outcome(verdict)
}

fn with_content(mut verdict: Verdict, hash: Option<String>) -> Verdict {
    if let Verdict::Instance { content_hash, .. } = &mut verdict {
        *content_hash = hash;
    }
    verdict
}

/// A file with its size in bytes, when it was modified (microseconds since 1970), and what it is.
type OpenFile = (Box<dyn Input>, u64, Option<i64>, Kind);

/// Opens a file; its size and time are those of what was opened, whatever the listing said before.
fn open(offer: &Offer) -> io::Result<OpenFile> {
    let (mut file, size, modified_us): (Box<dyn Input>, _, _) = match &offer.object {
        Some(object) => {
            let (ranges, size, modified_us) = object.open();
            (Box::new(ranges), size, modified_us)
        }
        None => {
            let file = File::open(&offer.path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::new(
                    io::ErrorKind::NotFound,
                    "it is no regular file any more",
                ));
            }
            (Box::new(file), metadata.len(), walk::modified_us(&metadata))
        }
    };
    let mut head = [0; SNIFF];
    let mut n = 0;
    while n < SNIFF {
        match file.read(&mut head[n..]) {
            Ok(0) => break,
            Ok(got) => n += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.seek(io::SeekFrom::Start(0))?;
    let kind = match offer.pairs {
        true => Kind::Pairs,
        false => archive::sniff(&head[..n]),
    };
    Ok((file, size, modified_us, kind))
}

fn may_be_archive(offer: &Offer) -> bool {
    open(offer).is_ok_and(|(_, _, _, kind)| kind != Kind::Plain)
}

fn hash_file(file: &mut dyn Input) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    io::copy(file, &mut hasher)?;
    file.seek(io::SeekFrom::Start(0))?;
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
