//! How the data set's bytes are coded: byte order, VRs, deflate.

use super::Vr;

/// Byte order and presence of VRs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    /// Elements carry no VR.
    pub(super) implicit: bool,
    /// Numbers, tags and lengths are big endian.
    pub(super) big: bool,
}

impl Coding {
    pub(super) const EXPLICIT_LITTLE: Self = Self {
        implicit: false,
        big: false,
    };
    pub(super) const IMPLICIT_LITTLE: Self = Self {
        implicit: true,
        big: false,
    };
    pub(super) const EXPLICIT_BIG: Self = Self {
        implicit: false,
        big: true,
    };

    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }

    pub(super) fn tag(self, [a, b, c, d]: [u8; 4]) -> u32 {
        u32::from(self.u16([a, b])) << 16 | u32::from(self.u16([c, d]))
    }

    /// The coding that the first bytes of a data set show, whatever the transfer syntax says: writers mistake it.
    /// `None` if they show nothing that a data set starts with. One that is not sorted may start in a high group.
    pub(super) fn guess(start: [u8; 8]) -> Option<Self> {
        let [a, b, _, _, v, r, l, m] = start;
        let (little, big) = (u16::from_le_bytes([a, b]), u16::from_be_bytes([a, b]));
        let explicit = v.is_ascii_uppercase() && r.is_ascii_uppercase();
        // Data sets start in a low group; the other byte order makes it 0x0800 and more.
        match (explicit, little < 0x0400, big < 0x0400) {
            (true, true, _) => Some(Self::EXPLICIT_LITTLE),
            (true, false, true) => Some(Self::EXPLICIT_BIG),
            // The length is short in the order that it has.
            (true, false, false) => match Vr::from_bytes([v, r])? {
                vr if !vr.long_length() && u16::from_be_bytes([l, m]) < u16::from_le_bytes([l, m]) => {
                    Some(Self::EXPLICIT_BIG)
                }
                _ => Some(Self::EXPLICIT_LITTLE),
            },
            (false, true, _) => Some(Self::IMPLICIT_LITTLE),
            _ => None,
        }
    }
}

/// What a transfer syntax says of the data set (not of the pixels).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    pub(super) coding: Coding,
    pub(super) deflated: bool,
}

impl Syntax {
    /// By UID. What is not listed is one of the many that compress pixels: explicit little endian (PS3.5 §A.4).
    pub(super) fn of(uid: &str) -> Self {
        let coding = match uid {
            // Implicit VR Little Endian; GE's private variant with big endian pixels.
            "1.2.840.10008.1.2" | "1.2.840.113619.5.2" => Coding::IMPLICIT_LITTLE,
            "1.2.840.10008.1.2.2" => Coding::EXPLICIT_BIG,
            _ => Coding::EXPLICIT_LITTLE,
        };
        // Deflated Explicit VR Little Endian; JPIP Referenced Deflate, with JPEG 2000 and with HTJ2K.
        let deflated = matches!(
            uid,
            "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.4.95" | "1.2.840.10008.1.2.4.205"
        );
        Self { coding, deflated }
    }
}
