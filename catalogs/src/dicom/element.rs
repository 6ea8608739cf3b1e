//! One element of a header, as a slice of its bytes.

use super::Vr;

/// Tag of an item (FFFE,E000).
pub const ITEM: u32 = 0xFFFE_E000;
/// Tag of the end of an item (FFFE,E00D); in an element list every item has one, whether the file has it or not.
pub const ITEM_END: u32 = 0xFFFE_E00D;
/// Tag of the end of a sequence (FFFE,E0DD); in an element list every sequence has one.
pub const SEQUENCE_END: u32 = 0xFFFE_E0DD;

/// An element of a [`Header`](super::Header): tag, VR, and where its value is. Sequences are flat: the element of VR SQ,
/// then per item [`ITEM`], its elements, [`ITEM_END`], then [`SEQUENCE_END`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// Group in the upper, element in the lower 16 bits.
    pub tag: u32,
    /// As the file says; by the dictionary where it says nothing or UN.
    pub vr: Vr,
    pub(super) flags: u8,
    /// Sequences that hold it; 0 for the data set itself.
    pub depth: u16,
    pub(super) offset: u32,
    /// Bytes of the value, kept or not; 0 for sequences, items and ends.
    pub len: u32,
}

impl Element {
    /// The value was passed over: long, or pixels.
    pub(super) const SKIPPED: u8 = 1;
    /// Another element of the same tag follows in the same data set, and counts.
    pub(super) const SUPERSEDED: u8 = 2;
    /// The value is big endian.
    pub(super) const BIG_ENDIAN: u8 = 4;

    /// The VR is US or SS, as Pixel Representation says.
    pub(super) const SIGNEDNESS: u8 = 8;

    /// A private element that tells how the image was weighted for diffusion.
    pub(super) const DIFFUSION: u8 = 16;

    /// Whether the value was passed over without being read: a large binary, or pixels within an icon.
    pub fn skipped(&self) -> bool {
        self.flags & Self::SKIPPED != 0
    }

    /// Whether a later element of the same tag replaces this one.
    pub fn superseded(&self) -> bool {
        self.flags & Self::SUPERSEDED != 0
    }

    /// Whether numbers in the value are big endian.
    pub fn big_endian(&self) -> bool {
        self.flags & Self::BIG_ENDIAN != 0
    }

    /// Group of the tag.
    pub fn group(&self) -> u16 {
        (self.tag >> 16) as u16
    }
}
