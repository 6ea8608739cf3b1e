//! What an element may claim: no more than what holds it has, than the file has, than the limits allow.

use super::Walk;
use crate::dicom::{Place, Refusal};

impl Walk<'_, '_> {
    /// Where what holds the next element ends.
    #[inline]
    pub(super) fn bound(&self) -> u64 {
        self.frames.last().map_or(u64::MAX, |f| f.bound)
    }

    /// Bytes from here to where what holds the next element ends.
    #[inline]
    pub(super) fn room(&self) -> u64 {
        self.bound().saturating_sub(self.here())
    }

    #[inline]
    pub(super) fn depth(&self) -> u16 {
        self.frames.last().map_or(0, |f| f.depth)
    }

    /// Makes sure that `n` bytes are there, in memory and within what holds them.
    #[inline]
    pub(super) fn need(&mut self, n: usize, what: Place) -> Result<(), Refusal> {
        let at = self.here();
        self.fits(at, n as u64, what)?;
        match self.window.ensure(self.at + n)? {
            0 => Ok(()),
            missing => Err(Refusal::Truncated {
                what,
                at,
                needs: missing as u64,
            }),
        }
    }

    #[inline]
    pub(super) fn fits(&self, start: u64, length: u64, what: Place) -> Result<(), Refusal> {
        let bound = self.bound();
        if start + length > bound {
            return Err(Refusal::LengthLies {
                what,
                at: start,
                length,
                room: bound.saturating_sub(start),
            });
        }
        Ok(())
    }

    /// Checks a length that an element or item claims for its value, which starts at `start`.
    #[inline]
    pub(super) fn claim(&self, what: Place, start: u64, len: u32) -> Result<(), Refusal> {
        let length = u64::from(len);
        if length > self.limits.max_element_len {
            return Err(Refusal::TooLong {
                what,
                at: start,
                length,
                limit: self.limits.max_element_len,
            });
        }
        self.fits(start, length, what)?;
        match self.window.end() {
            Some(end) if start + length > end => Err(Refusal::Truncated {
                what,
                at: start,
                needs: start + length - end,
            }),
            _ => Ok(()),
        }
    }
}
