//! Where a DICOM file starts, and whether it is one: by content, never by name.

use super::{Refusal, Vr, syntax::Coding, vr::Dictionary, window::Window};

/// Where the first element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After a preamble of 128 bytes and `DICM`.
    Marked,
    /// After `DICM` without a preamble.
    MagicOnly,
    /// After a preamble of zeros, without `DICM`.
    Blank,
    /// At the start: neither preamble nor `DICM`.
    Bare,
}

impl Start {
    /// The first element's position.
    pub(super) fn at(self) -> usize {
        match self {
            Self::Marked => 132,
            Self::MagicOnly => 4,
            Self::Blank => PREAMBLE,
            Self::Bare => 0,
        }
    }

    /// Whether the four letters say that this is DICOM; without them only what is read does.
    pub(super) fn sure(self) -> bool {
        matches!(self, Self::Marked | Self::MagicOnly)
    }
}

const PREAMBLE: usize = 128;

/// Finds the start, or refuses what cannot be DICOM.
pub(super) fn start(window: &mut Window<'_>, dictionary: &mut Dictionary) -> Result<Start, Refusal> {
    window.ensure(PREAMBLE + 8)?;
    let bytes = window.from(0);
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.get(PREAMBLE..132) == Some(b"DICM") {
        return Ok(Start::Marked);
    }
    if bytes.starts_with(b"DICM") {
        return Ok(Start::MagicOnly);
    }
    let blank = bytes.iter().take(PREAMBLE).all(|b| *b == 0);
    let start = if blank { Start::Blank } else { Start::Bare };
    let first = bytes.get(start.at()..).and_then(|bytes| bytes.first_chunk());
    let left = window.end().map(|end| end.saturating_sub(start.at() as u64));
    if first.is_some_and(|first| plausible(*first, left, dictionary)) {
        return Ok(start);
    }
    Err(Refusal::NotDicom)
}

/// Whether bytes look like the first element of a command set, meta group or data set. `left`: bytes from there on, if known.
fn plausible(first: [u8; 8], left: Option<u64>, dictionary: &mut Dictionary) -> bool {
    let [a, b, c, d, e, f, g, h] = first;
    let vr = Vr::from_bytes([e, f]);
    let coding = match u16::from_le_bytes([a, b]) {
        0 | 2 if vr.is_none() => Coding::IMPLICIT_LITTLE,
        0 | 2 => Coding::EXPLICIT_LITTLE,
        _ => Coding::guess(first).unwrap_or(Coding::IMPLICIT_LITTLE),
    };
    let tag = coding.tag([a, b, c, d]);
    let len = match vr {
        _ if coding.implicit => u32::from_le_bytes([e, f, g, h]),
        None => return false,
        // What is behind it tells the length.
        Some(vr) if vr.long_length() => 0,
        Some(_) => u32::from(coding.u16([g, h])),
    };
    let fits = len == u32::MAX || left.is_none_or(|left| u64::from(len) + 8 <= left);
    // Group lengths are in every group there could be; of the groups that files start with any element may be the first.
    let known = match tag {
        _ if tag & 0xFFFF == 0 => len == 4,
        _ if matches!(tag >> 16, 2 | 8) && (!coding.implicit || len <= 256) => true,
        _ => dictionary.lookup(tag).is_some(),
    };
    fits && known
}
