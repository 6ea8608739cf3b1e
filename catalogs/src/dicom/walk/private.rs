//! Private elements: who has them, and what they are.

use super::{UNDEFINED, Walk};
use crate::dicom::{
    Element, Vr,
    vr::{Diffusion, PRIVATE},
};

impl Walk<'_, '_> {
    /// The VR that its maker gives a private element, if a value of that length can have it.
    pub(super) fn by_creator(&self, tag: u32, len: u32) -> Option<Vr> {
        if tag & 0x1_0000 == 0 || tag & 0xFFFF < 0x1000 {
            return None;
        }
        let creator = self.dictionary.blocks.creator(tag, self.depth())?;
        let vr = PRIVATE.vr(creator, (tag >> 16) as u16, tag as u8)?;
        let whole = vr
            .number_size()
            .is_none_or(|size| (len as usize).is_multiple_of(size));
        (vr == Vr::SQ || (len != UNDEFINED && whole)).then_some(vr)
    }

    /// Notes who takes a block of private elements. Gives the flags of those that more is made of than an element.
    pub(super) fn private(&mut self, tag: u32, len: u32) -> u8 {
        let depth = self.depth();
        match tag & 0xFFFF {
            0x0010..=0x00FF => {
                let name = self.window.from(self.at).get(..len as usize);
                self.dictionary.blocks.take(tag, depth, name.unwrap_or_default());
                0
            }
            0x1000.. if depth == 0 => {
                let creator = || self.dictionary.blocks.creator(tag, depth);
                let is_one =
                    Diffusion::of(tag).is_some_and(|which| creator().is_some_and(|c| which.is_of(c)));
                if is_one { Element::DIFFUSION } else { 0 }
            }
            _ => 0,
        }
    }

    /// Whether the value here can be text: no control characters but those that part lines and sets, and padding.
    pub(super) fn legible(&self, len: u32) -> bool {
        let value = self.window.from(self.at).get(..len as usize).unwrap_or_default();
        let text = crate::dicom::values::trim_end(value);
        text.iter()
            .all(|b| *b >= 0x20 || matches!(b, b'\t' | b'\n' | 0x0C | b'\r' | 0x1B))
    }
}
