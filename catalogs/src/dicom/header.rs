//! A header: everything before Pixel Data, as a flat list of elements over bytes that are not copied.

use super::warning::Warnings;
use super::{
    Element, HeaderSource, Limits, Place, Refusal,
    begin::{Start, start},
    hash::HeaderHash,
    syntax::{Coding, Syntax},
    values::uid_text,
    vr::Dictionary,
    walk::{Findings, Frame, Walk},
    window::{Buffer, Window},
};

#[cfg(test)]
mod odd;
#[cfg(test)]
mod tests;

/// Memory that reading reuses from file to file. One per worker.
#[derive(Debug, Default)]
pub struct Scratch {
    buffer: Buffer,
    elements: Vec<Element>,
    frames: Vec<Frame>,
    dictionary: Dictionary,
}

/// The elements of a file before Pixel Data. Holds at least the UIDs of instance, series and study.
#[derive(Debug)]
pub struct Header<'s> {
    bytes: &'s [u8],
    elements: &'s [Element],
    findings: Findings,
    facts: Facts,
}

/// Elements that more than one reader wants: their index in the list.
#[derive(Debug, Default, Clone, Copy)]
struct Facts {
    transfer_syntax: Option<u32>,
    media_instance: Option<u32>,
    charset: Option<u32>,
    sop_class: Option<u32>,
    instance: Option<u32>,
    timezone: Option<u32>,
    study: Option<u32>,
    series: Option<u32>,
    pixel_representation: Option<u32>,
}

/// Reads a header, up to Pixel Data or the end of the file.
///
/// With or without preamble and meta group, in all uncompressed and deflated transfer syntaxes, and in those that
/// compress pixels only. No input panics, recurses, or has more memory than `limits` allow; what cannot be read
/// is refused with a reason.
pub fn read_header<'s>(
    source: &mut dyn HeaderSource,
    limits: &Limits,
    scratch: &'s mut Scratch,
) -> Result<Header<'s>, Refusal> {
    scratch.elements.clear();
    scratch.frames.clear();
    scratch.dictionary.blocks.clear();
    if scratch.elements.capacity() > 1 << 16 {
        scratch.elements = Vec::new();
    }
    let (start, findings) = read(source, limits, scratch)?;
    if findings.unordered {
        supersede(&mut scratch.elements);
    }
    let bytes = scratch.buffer.filled();
    let facts = Facts::of(&scratch.elements);
    let header = Header {
        bytes: &bytes[..findings.end.min(bytes.len())],
        elements: &scratch.elements,
        findings,
        facts,
    };
    match header.identified() {
        Err(_) if !start.sure() && !shows_dicom(header.elements) => Err(Refusal::NotDicom),
        Err(e) => Err(e),
        Ok(()) => Ok(header),
    }
}

/// Whether elements that every instance has were read: what has neither the four letters nor these is not DICOM.
fn shows_dicom(elements: &[Element]) -> bool {
    elements
        .iter()
        .any(|e| matches!(e.tag, 0x0008_0016 | 0x0008_0018 | 0x0020_000D | 0x0020_000E))
}

fn read(
    source: &mut dyn HeaderSource,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<(Start, Findings), Refusal> {
    let mut window = Window::new(source, &mut scratch.buffer, limits);
    let start = start(&mut window, &mut scratch.dictionary)?;
    let mut walk = Walk {
        window,
        limits,
        dictionary: &mut scratch.dictionary,
        elements: &mut scratch.elements,
        frames: &mut scratch.frames,
        findings: Findings::default(),
        at: start.at(),
        syntax: None,
        coding: Coding::EXPLICIT_LITTLE,
        last: 0,
    };
    match body(&mut walk) {
        Ok(()) => {}
        // Without the four letters only what was read tells whether this is DICOM at all.
        Err(Refusal::DicomDir) => return Err(Refusal::DicomDir),
        Err(e @ Refusal::Unreadable { .. }) => return Err(e),
        Err(e) => {
            let sure = start.sure() || shows_dicom(walk.elements);
            return Err(if sure { e } else { Refusal::NotDicom });
        }
    }
    let mut findings = walk.findings;
    findings.end = walk.at;
    Ok((start, findings))
}

/// Media Storage Directory Storage.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// Command set and meta group, then data set.
fn body(walk: &mut Walk<'_, '_>) -> Result<(), Refusal> {
    walk.meta()?;
    if walk.command()? && walk.syntax.is_none() {
        walk.meta()?;
    }
    let value = |e: &Element| walk.window.from(e.offset as usize).get(..e.len as usize);
    if walk
        .elements
        .iter()
        .any(|e| e.tag == 0x0002_0002 && value(e).and_then(uid_text) == Some(DIRECTORY))
    {
        return Err(Refusal::DicomDir);
    }
    let said = walk.syntax;
    let mut deflated = said.is_some_and(|s| s.deflated);
    if deflated {
        deflated = !plain_despite_syntax(walk)?;
    }
    if deflated {
        walk.window.inflate(walk.at, walk.limits);
    }
    let missing = walk.window.ensure(walk.at + 8)?;
    if missing == 8 && walk.elements.is_empty() {
        return Err(Refusal::NotDicom);
    }
    let said = said.map(|s: Syntax| s.coding);
    let seen = if missing == 0 {
        Coding::guess(walk.window.array(walk.at))
    } else {
        None
    };
    walk.coding = seen.or(said).unwrap_or(Coding::IMPLICIT_LITTLE);
    if said.is_some_and(|said| said != walk.coding) {
        walk.findings.warnings.add(TRANSFER_SYNTAX, "transfer_syntax");
    }
    walk.data_set()?;
    if deflated {
        // An offset in what it inflates to is of no use to somebody who opens the file.
        walk.findings.pixel_data = None;
    }
    Ok(())
}

/// Transfer Syntax UID.
const TRANSFER_SYNTAX: u32 = 0x0002_0010;

/// Whether a file that calls itself deflated is not: its data set starts with an element of a low group.
fn plain_despite_syntax(walk: &mut Walk<'_, '_>) -> Result<bool, Refusal> {
    if walk.window.ensure(walk.at + 8)? > 0 {
        return Ok(false);
    }
    let start: [u8; 8] = walk.window.array(walk.at);
    let plain = start[..2] == [8, 0] && Coding::guess(start) == Some(Coding::EXPLICIT_LITTLE);
    if plain {
        walk.findings.warnings.add(TRANSFER_SYNTAX, "transfer_syntax");
    }
    Ok(plain)
}

/// Marks elements that a later one of the same tag in the same data set replaces, with all they hold.
fn supersede(elements: &mut [Element]) {
    // Per open data set the number it has; the one before last is of its parent.
    let mut open = vec![0u32];
    let mut next = 1;
    let mut latest = std::collections::HashMap::new();
    let mut replaced = Vec::new();
    for (i, e) in elements.iter().enumerate() {
        match e.tag {
            super::ITEM => {
                open.push(next);
                next += 1;
            }
            super::ITEM_END => {
                open.pop();
            }
            super::SEQUENCE_END => {}
            tag => {
                let set = open.last().copied().unwrap_or(0);
                replaced.extend(latest.insert((set, tag), i));
            }
        }
    }
    for i in replaced {
        elements[i].flags |= Element::SUPERSEDED;
    }
}

impl Facts {
    fn of(elements: &[Element]) -> Self {
        let mut facts = Self::default();
        for (i, e) in elements.iter().enumerate() {
            if e.depth > 0 || e.superseded() {
                continue;
            }
            let slot = match e.tag {
                0x0002_0003 => &mut facts.media_instance,
                0x0002_0010 => &mut facts.transfer_syntax,
                0x0008_0005 => &mut facts.charset,
                0x0008_0016 => &mut facts.sop_class,
                0x0008_0018 => &mut facts.instance,
                0x0008_0201 => &mut facts.timezone,
                0x0020_000D => &mut facts.study,
                0x0020_000E => &mut facts.series,
                0x0028_0103 => &mut facts.pixel_representation,
                _ => continue,
            };
            *slot = Some(i as u32);
        }
        facts
    }
}

impl<'s> Header<'s> {
    /// The elements in the order of the file, group 0002 included; sequences as [`Element`] says.
    pub fn elements(&self) -> &'s [Element] {
        self.elements
    }

    /// The bytes of an element's value; none if it was skipped.
    pub fn value(&self, element: &Element) -> &'s [u8] {
        if element.skipped() {
            return &[];
        }
        let start = element.offset as usize;
        self.bytes
            .get(start..start + element.len as usize)
            .unwrap_or_default()
    }

    fn fact(&self, index: Option<u32>) -> Option<&'s [u8]> {
        self.elements.get(index? as usize).map(|e| self.value(e))
    }

    fn uid(&self, index: Option<u32>) -> &'s str {
        self.fact(index).and_then(uid_text).unwrap_or("")
    }

    /// SOP Instance UID (0008,0018), or Media Storage SOP Instance UID (0002,0003) where that is missing.
    pub fn sop_instance_uid(&self) -> &'s str {
        match self.uid(self.facts.instance) {
            "" => self.uid(self.facts.media_instance),
            uid => uid,
        }
    }

    /// Series Instance UID (0020,000E).
    pub fn series_instance_uid(&self) -> &'s str {
        self.uid(self.facts.series)
    }

    /// Study Instance UID (0020,000D).
    pub fn study_instance_uid(&self) -> &'s str {
        self.uid(self.facts.study)
    }

    /// Transfer Syntax UID (0002,0010), empty if the file has none.
    pub fn transfer_syntax_uid(&self) -> &'s str {
        self.uid(self.facts.transfer_syntax)
    }

    /// SOP Class UID (0008,0016), empty if there is none.
    pub fn sop_class_uid(&self) -> &'s str {
        self.uid(self.facts.sop_class)
    }

    /// Specific Character Set (0008,0005) of the data set, as bytes.
    pub(super) fn charset(&self) -> &'s [u8] {
        self.fact(self.facts.charset).unwrap_or_default()
    }

    /// Timezone Offset From UTC (0008,0201), as bytes.
    pub(super) fn timezone(&self) -> Option<&'s [u8]> {
        self.fact(self.facts.timezone)
    }

    /// Whether Pixel Representation (0028,0103) says that pixel values are signed.
    pub(super) fn signed(&self) -> bool {
        self.fact(self.facts.pixel_representation)
            .is_some_and(|v| v.contains(&1))
    }

    /// Where in the file the Pixel Data element starts; `None` without pixels, or if the data set is deflated.
    pub fn pixel_data_offset(&self) -> Option<u64> {
        self.findings.pixel_data
    }

    /// Faults of structure that were passed over.
    pub fn warnings(&self) -> u32 {
        self.findings.warnings.count()
    }

    pub(super) fn faults(&self) -> &Warnings {
        &self.findings.warnings
    }

    /// Fingerprint of what was read (without the values that were skipped) and of the file's size.
    pub fn hash(&self, file_size: u64) -> HeaderHash {
        HeaderHash::of(self.bytes, &self.findings.holes, file_size)
    }

    fn identified(&self) -> Result<(), Refusal> {
        let uids = [
            (
                self.sop_instance_uid(),
                self.facts.instance.or(self.facts.media_instance),
                Refusal::NoSopInstanceUid,
            ),
            (
                self.study_instance_uid(),
                self.facts.study,
                Refusal::NoStudyInstanceUid,
            ),
            (
                self.series_instance_uid(),
                self.facts.series,
                Refusal::NoSeriesInstanceUid,
            ),
        ];
        for (uid, element, missing) in uids {
            if uid.is_empty() {
                let element = element.and_then(|i| self.elements.get(i as usize));
                return Err(match element {
                    Some(e) if !self.value(e).iter().all(|b| matches!(b, 0 | b' ')) => Refusal::BadUid {
                        what: Place::Element(e.tag),
                    },
                    _ => missing,
                });
            }
        }
        Ok(())
    }
}
