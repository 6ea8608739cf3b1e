//! Where a DICOM file starts, and whether it is one: by content, never by name.

use super::{Refusal, Vr, syntax::Coding, window::Window};

/// Where the first element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After a preamble of 128 bytes and `DICM`.
    Marked,
    /// After `DICM` without a preamble.
    MagicOnly,
    /// At the start: neither preamble nor `DICM`.
    Bare,
}

impl Start {
    /// The first element's position.
    pub(super) fn at(self) -> usize {
        match self {
            Self::Marked => 132,
            Self::MagicOnly => 4,
            Self::Bare => 0,
        }
    }
}

/// Finds the start, or refuses what cannot be DICOM.
pub(super) fn start(window: &mut Window<'_>) -> Result<Start, Refusal> {
    window.ensure(132)?;
    let bytes = window.from(0);
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.get(128..132) == Some(b"DICM") {
        return Ok(Start::Marked);
    }
    if bytes.starts_with(b"DICM") {
        return Ok(Start::MagicOnly);
    }
    if bytes
        .first_chunk()
        .is_some_and(|first| plausible(*first, window.end()))
    {
        return Ok(Start::Bare);
    }
    Err(Refusal::NotDicom)
}

/// Whether bytes look like the first element of a data set or meta group that has no preamble.
fn plausible(first: [u8; 8], size: Option<u64>) -> bool {
    let [a, b, c, d, v, r, ..] = first;
    let Some(coding) = Coding::guess([a, b, c, d, v, r]) else {
        return false;
    };
    let tag = coding.tag([a, b, c, d]);
    let known_group = matches!(tag >> 16, 0x0002 | 0x0008);
    if coding.implicit {
        let len = u64::from(u32::from_le_bytes([first[4], first[5], first[6], first[7]]));
        // Group 0008 starts with short elements; group 0002 is never implicit.
        tag >> 16 == 8 && len <= 256 && size.is_none_or(|size| len + 8 <= size)
    } else {
        known_group && Vr::from_bytes([v, r]).is_some()
    }
}
