//! The walk over a header: bytes to a flat list of elements, iterative, every step paid for with at least eight bytes of input.

use self::head::Head;
use super::warning::Warnings;
use super::{
    Element, ITEM, ITEM_END, Limits, Place, Refusal, SEQUENCE_END, Vr,
    limits::SKIP_FROM,
    syntax::{Coding, Syntax},
    values::uid_text,
    vr::Dictionary,
    window::Window,
};

mod bounds;
mod form;
mod head;
mod private;

/// "Goes on until its delimiter."
const UNDEFINED: u32 = u32::MAX;

/// A sequence or item that the walk is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    item: bool,
    /// Where it ends in the file; `None`: at its delimiter.
    end: Option<u64>,
    /// Where it ends at the latest, because of itself or of what holds it; `u64::MAX` if nothing says.
    bound: u64,
    /// Items from the data set to here.
    depth: u16,
    coding: Coding,
    /// The last element's tag, to see that they ascend.
    last: u32,
}

/// What the walk found beside the elements.
#[derive(Debug, Default, Clone)]
pub(super) struct Findings {
    /// Faults that were passed over.
    pub(super) warnings: Warnings,
    /// Where in the file the Pixel Data element starts.
    pub(super) pixel_data: Option<u64>,
    /// Some tags do not ascend: there may be duplicates.
    pub(super) unordered: bool,
    /// Ranges of the buffer with values that count as skipped.
    pub(super) holes: Vec<(usize, usize)>,
    /// Where in the buffer the header ends.
    pub(super) end: usize,
}

pub(super) struct Walk<'a, 'w> {
    pub(super) window: Window<'w>,
    pub(super) limits: &'a Limits,
    pub(super) dictionary: &'a mut Dictionary,
    pub(super) elements: &'a mut Vec<Element>,
    pub(super) frames: &'a mut Vec<Frame>,
    pub(super) findings: Findings,
    pub(super) at: usize,
    /// What the meta group says.
    pub(super) syntax: Option<Syntax>,
    /// Of the data set; items have theirs.
    pub(super) coding: Coding,
    pub(super) last: u32,
}

impl Walk<'_, '_> {
    /// Reads elements of group 0002 (always explicit little endian), up to where the group ends.
    pub(super) fn meta(&mut self) -> Result<(), Refusal> {
        let mut end = usize::MAX;
        self.coding = Coding::EXPLICIT_LITTLE;
        while self.window.ensure(self.at + 8)? == 0 && self.window.array(self.at) == [2, 0] {
            // The length is often wrong; it decides only where compressed bytes may look like one element more.
            if self.at >= end && self.syntax.is_some_and(|s| s.deflated) {
                break;
            }
            let head = self.head()?;
            self.enter(&head)?;
            if !self.frames.is_empty() {
                return Err(self.malformed(self.at, Place::Sequence(head.tag), "file meta information"));
            }
            match head.tag {
                0x0002_0000 if head.len == 4 => {
                    end = self
                        .at
                        .saturating_add(u32::from_le_bytes(self.window.array(self.at - 4)) as usize);
                }
                0x0002_0010 if head.len <= 128 => {
                    let value = self.window.from(self.at - head.len as usize);
                    let value = value.get(..head.len as usize).unwrap_or_default();
                    self.syntax = uid_text(value).map(Syntax::of);
                }
                _ => {}
            }
        }
        self.last = 0;
        Ok(())
    }

    /// Reads elements of group 0000, of a message of the network that was stored as it came (always implicit little endian,
    /// PS3.7 §6.3.1). Tells whether there were any.
    pub(super) fn command(&mut self) -> Result<bool, Refusal> {
        let before = self.elements.len();
        self.coding = Coding::IMPLICIT_LITTLE;
        while self.window.ensure(self.at + 8)? == 0 {
            let [a, b, c, d, e, f, g, h] = self.window.array(self.at);
            if [a, b] != [0, 0] || [c, d, e, f, g, h] == [0; 6] || Vr::from_bytes([e, f]).is_some() {
                break;
            }
            let head = self.head()?;
            self.enter(&head)?;
            if !self.frames.is_empty() {
                return Err(self.malformed(self.at, Place::Sequence(head.tag), "a command set"));
            }
        }
        self.last = 0;
        Ok(self.elements.len() > before)
    }

    /// Reads the data set, up to Pixel Data or the end.
    pub(super) fn data_set(&mut self) -> Result<(), Refusal> {
        loop {
            self.close_full()?;
            match self.frames.last().map(|frame| frame.item) {
                Some(false) => self.item()?,
                Some(true) => self.element()?,
                None if self.at_end()? => return Ok(()),
                None => {
                    let head = self.head()?;
                    if matches!(head.tag, 0x7FE0_0008 | 0x7FE0_0009 | 0x7FE0_0010) {
                        return self.pixel_data(&head);
                    }
                    if head.tag == 0x0004_1220 {
                        return Err(Refusal::DicomDir); // Directory Record Sequence, where the meta group is missing
                    }
                    self.enter(&head)?;
                }
            }
        }
    }

    fn element(&mut self) -> Result<(), Refusal> {
        let head = self.head()?;
        self.enter(&head)
    }

    #[inline]
    fn here(&self) -> u64 {
        self.window.offset(self.at)
    }

    #[inline]
    fn coding(&self) -> Coding {
        self.frames.last().map_or(self.coding, |f| f.coding)
    }

    fn malformed(&self, at: usize, found: Place, expected: &'static str) -> Refusal {
        Refusal::Malformed {
            at: self.window.offset(at),
            found,
            expected,
        }
    }

    /// Whether the data set ends here: at the end of the file, or where zeros pad it.
    fn at_end(&mut self) -> Result<bool, Refusal> {
        let missing = self.window.ensure(self.at + 8)?;
        let left = self.window.from(self.at);
        if left.is_empty() {
            return Ok(true);
        }
        let padding = left.iter().take(8).all(|b| *b == 0);
        if padding {
            self.findings.warnings.add(0, "padding");
        } else if missing > 0 {
            let at = self.here();
            return Err(Refusal::Truncated {
                what: Place::ElementHeader,
                at,
                needs: missing as u64,
            });
        }
        Ok(padding)
    }

    /// Takes the element whose header was read: notes it, and steps over its value or into its items.
    fn enter(&mut self, head: &Head) -> Result<(), Refusal> {
        let Head {
            tag,
            mut vr,
            coding,
            len,
            ..
        } = *head;
        if tag >> 16 == 0xFFFE {
            return self.delimiter(head);
        }
        let last = self.frames.last_mut().map_or(&mut self.last, |f| &mut f.last);
        if tag <= *last && *last != 0 {
            self.findings.unordered = true;
        }
        *last = tag;

        let start = self.here();
        if vr == Vr::SQ || (len == UNDEFINED && vr == Vr::UN) {
            if self.holds_items(coding, len)? {
                return self.sequence(head, start);
            }
            // Writers put a text where a sequence belongs. Its length leads on; its bytes are kept as what they are, unknown.
            self.findings.warnings.add(tag, "no_items");
            vr = Vr::UN;
        }
        if len == UNDEFINED {
            if !vr.binary() {
                let found = Place::Element(tag);
                return Err(self.malformed(self.at - head.size, found, "an element of defined length"));
            }
            self.note(tag, vr, coding, 0, Element::SKIPPED)?;
            return self.fragments(tag);
        }
        self.claim(Place::Element(tag), start, len)?;
        let pixels = matches!(tag, 0x7FE0_0008 | 0x7FE0_0009 | 0x7FE0_0010);
        if pixels || (vr.binary() && u64::from(len) > SKIP_FROM) {
            self.note(tag, vr, coding, len, Element::SKIPPED)?;
            return self.pass(Place::Element(tag), u64::from(len));
        }
        self.need(len as usize, Place::Element(tag))?;
        let mut flags = head.flags;
        if tag & 0x1_0000 != 0 {
            flags |= self.private(tag, len);
            if head.guessed && !vr.binary() && !vr.is_number() && !self.legible(len) {
                vr = Vr::UN;
            }
        }
        self.note(tag, vr, coding, len, flags)?;
        self.at += len as usize;
        Ok(())
    }

    /// Whether the value of a sequence, which starts here, starts with an item. What cannot be told yet does.
    fn holds_items(&mut self, coding: Coding, len: u32) -> Result<bool, Refusal> {
        if len == UNDEFINED || len == 0 || u64::from(len) > self.room() {
            return Ok(true);
        }
        if self.window.ensure(self.at + 4)? > 0 {
            return Ok(len >= 8);
        }
        let tag = coding.tag(self.window.array(self.at));
        Ok(len >= 8 && matches!(tag, ITEM | SEQUENCE_END))
    }

    #[inline]
    fn note(&mut self, tag: u32, vr: Vr, coding: Coding, len: u32, flags: u8) -> Result<(), Refusal> {
        if self.elements.len() >= self.limits.max_elements {
            return Err(Refusal::TooManyElements {
                limit: self.limits.max_elements,
            });
        }
        let depth = self.depth();
        let flags = flags | if coding.big { Element::BIG_ENDIAN } else { 0 };
        self.elements.push(Element {
            tag,
            vr,
            flags,
            depth,
            offset: self.at as u32,
            len,
        });
        Ok(())
    }

    /// Steps over a value that is not kept.
    fn pass(&mut self, what: Place, n: u64) -> Result<(), Refusal> {
        match self.window.skip(self.at, n)? {
            Ok(true) => {
                let end = self.at + n as usize;
                self.findings.holes.push((self.at, end));
                self.at = end;
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(needs) => Err(Refusal::Truncated {
                what,
                at: self.here(),
                needs,
            }),
        }
    }

    fn sequence(&mut self, head: &Head, start: u64) -> Result<(), Refusal> {
        let Head {
            tag,
            coding,
            len,
            unknown,
            ..
        } = *head;
        let depth = self.depth();
        if usize::from(depth) >= self.limits.max_depth.min(usize::from(u16::MAX)) {
            return Err(Refusal::TooDeep {
                at: start,
                limit: self.limits.max_depth,
            });
        }
        let end = if len == UNDEFINED {
            None
        } else {
            self.claim(Place::Sequence(tag), start, len)?;
            Some(start + u64::from(len))
        };
        self.note(tag, Vr::SQ, coding, 0, 0)?;
        // The content of UN, and of a private sequence whose VR the dictionary cannot tell, is implicit.
        let coding = if unknown && len == UNDEFINED {
            Coding::IMPLICIT_LITTLE
        } else {
            coding
        };
        let bound = end.unwrap_or_else(|| self.bound());
        self.frames.push(Frame {
            item: false,
            end,
            bound,
            depth,
            coding,
            last: 0,
        });
        Ok(())
    }

    /// Reads the header of an item, or the delimiter that ends the sequence.
    fn item(&mut self) -> Result<(), Refusal> {
        let head_at = self.at;
        let head = self.item_head()?;
        let Some(frame) = self.frames.last().copied() else {
            return Ok(());
        };
        match head.tag {
            ITEM => {
                let start = self.here();
                let end = if head.len == UNDEFINED {
                    None
                } else {
                    self.claim(Place::Item, start, head.len)?;
                    Some(start + u64::from(head.len))
                };
                self.note(ITEM, Vr::UN, frame.coding, 0, 0)?;
                let bound = end.unwrap_or(frame.bound);
                self.frames.push(Frame {
                    item: true,
                    end,
                    bound,
                    depth: frame.depth + 1,
                    last: 0,
                    ..frame
                });
                Ok(())
            }
            SEQUENCE_END if frame.end.is_none_or(|end| end == self.here()) => self.close(),
            tag => Err(self.malformed(head_at, Place::Element(tag), "an item")),
        }
    }

    /// A delimiter where an element could be.
    fn delimiter(&mut self, head: &Head) -> Result<(), Refusal> {
        let open = self.frames.last().is_some_and(|f| f.end.is_none());
        match head.tag {
            ITEM_END if open => self.close(),
            SEQUENCE_END if open => {
                // The item's own delimiter is missing.
                self.lacks_delimiter();
                self.close()?;
                if self.frames.last().is_some_and(|f| f.end.is_none()) {
                    self.close()
                } else {
                    Ok(())
                }
            }
            // One too many, behind an item of defined length.
            ITEM_END | SEQUENCE_END if head.len == 0 => {
                let Self {
                    findings, elements, ..
                } = self;
                let before = || elements.last().map_or(0, |element| element.tag);
                findings.warnings.add_with("surplus_delimiter", before);
                Ok(())
            }
            tag => Err(self.malformed(self.at - head.size, Place::Element(tag), "an element")),
        }
    }

    /// Notes that the innermost sequence lacks a delimiter.
    fn lacks_delimiter(&mut self) {
        let elements = &*self.elements;
        let sequence = || {
            let mut closed = 0_usize;
            for element in elements.iter().rev() {
                match element.tag {
                    SEQUENCE_END => closed += 1,
                    ITEM | ITEM_END => {}
                    tag if element.vr == Vr::SQ => match closed.checked_sub(1) {
                        Some(left) => closed = left,
                        None => return tag,
                    },
                    _ => {}
                }
            }
            0
        };
        self.findings.warnings.add_with("missing_delimiter", sequence);
    }

    /// Closes the innermost frame.
    fn close(&mut self) -> Result<(), Refusal> {
        let Some(frame) = self.frames.pop() else {
            return Ok(());
        };
        self.dictionary.blocks.leave(self.depth());
        let tag = if frame.item { ITEM_END } else { SEQUENCE_END };
        self.note(tag, Vr::UN, frame.coding, 0, 0)
    }

    /// Closes the frames whose length is used up.
    fn close_full(&mut self) -> Result<(), Refusal> {
        while let Some(frame) = self.frames.last()
            && frame.bound == self.here()
        {
            // Without a length of its own it lacks its delimiter.
            if frame.end.is_none() {
                self.lacks_delimiter();
            }
            self.close()?;
        }
        Ok(())
    }

    /// Steps over the fragments of an encapsulated value (PS3.5 §A.4) that is not the instance's Pixel Data.
    fn fragments(&mut self, tag: u32) -> Result<(), Refusal> {
        let mut count = 0;
        loop {
            let head_at = self.at;
            let head = self.item_head()?;
            match head.tag {
                ITEM if head.len != UNDEFINED => {
                    self.claim(Place::Element(tag), self.here(), head.len)?;
                    self.pass(Place::Element(tag), u64::from(head.len))?;
                }
                SEQUENCE_END => return Ok(()),
                tag => return Err(self.malformed(head_at, Place::Element(tag), "a fragment")),
            }
            count += 1;
            if count > self.limits.max_elements {
                return Err(Refusal::TooManyElements {
                    limit: self.limits.max_elements,
                });
            }
        }
    }

    /// Stops at Pixel Data: notes where it starts and that the file has as many bytes as it claims.
    fn pixel_data(&mut self, head: &Head) -> Result<(), Refusal> {
        let start = self.here();
        self.at -= head.size;
        self.findings.pixel_data = Some(self.here());
        if let Some(end) = self.window.end()
            && head.len != UNDEFINED
            && start + u64::from(head.len) > end
        {
            let needs = start + u64::from(head.len) - end;
            return Err(Refusal::Truncated {
                what: Place::Element(head.tag),
                at: start,
                needs,
            });
        }
        Ok(())
    }
}
