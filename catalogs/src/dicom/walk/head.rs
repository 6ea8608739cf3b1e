//! The header of an element: tag, VR, length (PS3.5 §7.1).

use super::{Walk, form::Form};
use crate::dicom::{Element, Place, Refusal, Vr, syntax::Coding, vr::Known};

/// The header of an element.
pub(super) struct Head {
    pub(super) tag: u32,
    pub(super) vr: Vr,
    pub(super) coding: Coding,
    pub(super) size: usize,
    pub(super) len: u32,
    /// Flags of the element.
    pub(super) flags: u8,
    /// Explicitly of VR UN, or of none that we know: its content is implicit little endian.
    pub(super) unknown: bool,
    /// The VR is the one that the private dictionary gives, which other versions of the maker's software may not keep to.
    pub(super) guessed: bool,
}

impl Walk<'_, '_> {
    /// Reads tag, VR and length (PS3.5 §7.1) and steps to the value.
    #[inline]
    pub(super) fn head(&mut self) -> Result<Head, Refusal> {
        self.need(8, Place::ElementHeader)?;
        let coding = self.coding();
        let [a, b, c, d, e, f, g, h] = self.window.array(self.at);
        let tag = coding.tag([a, b, c, d]);
        let known = Vr::from_bytes([e, f]);
        let delimiter = tag >> 16 == 0xFFFE;
        // File meta information that strayed into the data set keeps its own coding (PS3.10 §7.1).
        let (tag, coding) = if [a, b] == [2, 0] && known.is_some() {
            (Coding::EXPLICIT_LITTLE.tag([a, b, c, d]), Coding::EXPLICIT_LITTLE)
        } else {
            (tag, coding)
        };
        let form = if coding.implicit || delimiter {
            Form::Implicit
        } else {
            match known {
                Some(vr) if vr.long_length() => Form::Long,
                Some(_) => Form::Short,
                None => self.unknown_form(tag, coding, [e, f, g, h])?,
            }
        };
        if form == Form::Implicit {
            if !coding.implicit && !delimiter {
                // Writers mix implicit elements into explicit data sets.
                self.findings.warnings.add(tag, "implicit");
            }
            self.at += 8;
            let head = Head {
                tag,
                vr: Vr::UN,
                coding,
                size: 8,
                len: coding.u32([e, f, g, h]),
                flags: 0,
                unknown: false,
                guessed: false,
            };
            return Ok(if delimiter { head } else { self.by_dictionary(head) });
        }
        let (size, len) = if form == Form::Long {
            self.need(12, Place::ElementHeader)?;
            (12, coding.u32(self.window.array(self.at + 8)))
        } else {
            (8, u32::from(coding.u16([g, h])))
        };
        self.at += size;
        let mut head = Head {
            tag,
            vr: known.unwrap_or(Vr::UN),
            coding,
            size,
            len,
            flags: 0,
            unknown: false,
            guessed: false,
        };
        if head.vr == Vr::UN {
            if known.is_none() {
                self.findings.warnings.add(tag, "vr");
            }
            head.unknown = true;
            if known.is_some() {
                // UN holds implicit little endian, whatever is around it (PS3.5 §6.2.2).
                head.coding = Coding::IMPLICIT_LITTLE;
            }
            head = self.by_dictionary(head);
        }
        Ok(head)
    }

    pub(super) fn item_head(&mut self) -> Result<Head, Refusal> {
        self.need(8, Place::Item)?;
        let coding = self.coding();
        let [a, b, c, d, e, f, g, h] = self.window.array(self.at);
        self.at += 8;
        let (tag, len) = (coding.tag([a, b, c, d]), coding.u32([e, f, g, h]));
        Ok(Head {
            tag,
            vr: Vr::UN,
            coding,
            size: 8,
            len,
            flags: 0,
            unknown: false,
            guessed: false,
        })
    }

    /// With the VR that the dictionary gives the tag, of private ones that of their maker's.
    fn by_dictionary(&mut self, head: Head) -> Head {
        let (vr, flags, guessed) = match self.dictionary.lookup(head.tag) {
            Some(Known::Exact(vr)) => (vr, 0, false),
            Some(Known::Signedness) => (Vr::US, Element::SIGNEDNESS, false),
            None => match self.by_creator(head.tag, head.len) {
                Some(vr) => (vr, 0, true),
                None => (Vr::UN, 0, false),
            },
        };
        Head {
            vr,
            flags,
            guessed,
            ..head
        }
    }
}
