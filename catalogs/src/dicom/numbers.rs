//! Values of the VRs that are binary numbers.

use super::{Element, Vr};

/// The numbers of one element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers<'a> {
    bytes: &'a [u8],
    vr: Vr,
    size: usize,
    big: bool,
}

impl<'a> Numbers<'a> {
    /// `None` if the VR is not one of numbers, or the value no whole number of them.
    pub(super) fn of(element: &Element, vr: Vr, bytes: &'a [u8]) -> Option<Self> {
        let size = vr.number_size()?;
        bytes.len().is_multiple_of(size).then_some(Self {
            bytes,
            vr,
            size,
            big: element.big_endian(),
        })
    }

    /// As they are in the file.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn vr(&self) -> Vr {
        self.vr
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() / self.size
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn is_float(&self) -> bool {
        matches!(self.vr, Vr::FL | Vr::FD)
    }

    fn array<const N: usize>(&self, i: usize) -> [u8; N] {
        let at = i * self.size;
        let mut bytes = self
            .bytes
            .get(at..)
            .and_then(|b| b.first_chunk().copied())
            .unwrap_or([0; N]);
        if self.big {
            bytes.reverse();
        }
        bytes
    }

    /// A whole number; `None` for a float, and for a UV beyond an i64.
    pub(super) fn whole(&self, i: usize) -> Option<i64> {
        Some(match self.vr {
            Vr::US => u16::from_le_bytes(self.array(i)).into(),
            Vr::SS => i16::from_le_bytes(self.array(i)).into(),
            Vr::UL => u32::from_le_bytes(self.array(i)).into(),
            Vr::SL => i32::from_le_bytes(self.array(i)).into(),
            Vr::SV => i64::from_le_bytes(self.array(i)),
            Vr::UV => i64::try_from(self.huge(i)).ok()?,
            Vr::FL | Vr::FD => Some(self.float(i)).filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15)? as i64,
            _ => return None,
        })
    }

    /// A UV.
    pub(super) fn huge(&self, i: usize) -> u64 {
        u64::from_le_bytes(self.array(i))
    }

    /// Any number as a double.
    pub(super) fn float(&self, i: usize) -> f64 {
        match self.vr {
            Vr::FL => f32::from_le_bytes(self.array(i)).into(),
            Vr::FD => f64::from_le_bytes(self.array(i)),
            Vr::UV => self.huge(i) as f64,
            _ => self.whole(i).map_or(f64::NAN, |n| n as f64),
        }
    }

    /// An attribute tag, two numbers of 16 bits.
    pub(super) fn tag(&self, i: usize) -> u32 {
        let [a, b, c, d]: [u8; 4] = self
            .bytes
            .get(i * 4..)
            .and_then(|b| b.first_chunk().copied())
            .unwrap_or_default();
        let half = |bytes| {
            u32::from(if self.big {
                u16::from_be_bytes(bytes)
            } else {
                u16::from_le_bytes(bytes)
            })
        };
        half([a, b]) << 16 | half([c, d])
    }
}
