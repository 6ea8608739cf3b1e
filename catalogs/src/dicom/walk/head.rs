//! The header of an element: tag, VR, length (PS3.5 §7.1).

use super::Walk;
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
        let letters = known.is_some() || (e.is_ascii_uppercase() && f.is_ascii_uppercase());
        let delimiter = tag >> 16 == 0xFFFE;
        if coding.implicit || delimiter || !letters {
            if !coding.implicit && !delimiter {
                // Writers mix implicit elements into explicit data sets.
                self.findings.warnings += 1;
            }
            let (vr, flags) = if delimiter {
                (Vr::UN, 0)
            } else {
                self.by_dictionary(tag)
            };
            self.at += 8;
            return Ok(Head {
                tag,
                vr,
                coding,
                size: 8,
                len: coding.u32([e, f, g, h]),
                flags,
                unknown: false,
            });
        }
        // A VR that a later edition adds has the long form (PS3.5 §7.1.2); an invented one may not.
        let long = known.map_or([g, h] == [0, 0], Vr::long_length);
        let (size, len) = if long {
            self.need(12, Place::ElementHeader)?;
            (12, coding.u32(self.window.array(self.at + 8)))
        } else {
            (8, u32::from(coding.u16([g, h])))
        };
        self.at += size;
        let (vr, flags, coding, unknown) = match known {
            Some(vr) if vr != Vr::UN => (vr, 0, coding, false),
            _ => {
                self.findings.warnings += u32::from(known.is_none());
                // UN holds implicit little endian, whatever is around it (PS3.5 §6.2.2).
                let coding = if known.is_some() {
                    Coding::IMPLICIT_LITTLE
                } else {
                    coding
                };
                let (vr, flags) = self.by_dictionary(tag);
                (vr, flags, coding, true)
            }
        };
        Ok(Head {
            tag,
            vr,
            coding,
            size,
            len,
            flags,
            unknown,
        })
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
        })
    }

    pub(super) fn by_dictionary(&mut self, tag: u32) -> (Vr, u8) {
        match self.dictionary.lookup(tag) {
            Some(Known::Exact(vr)) => (vr, 0),
            Some(Known::Signedness) => (Vr::US, Element::SIGNEDNESS),
            None => (Vr::UN, 0),
        }
    }
}
