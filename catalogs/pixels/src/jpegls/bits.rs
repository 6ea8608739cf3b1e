//! Bits of coded data (T.87 C.1 note 2, A.5.3): after a byte of 0xFF the next has seven.

use super::broken;
use crate::error::Result;

/// Reads bits, most significant first.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            held: 0,
            count: 0,
            after_ff: false,
        }
    }

    /// Holds at least 48 bits, or all that are left.
    fn fill(&mut self) {
        while self.count <= 48 {
            let Some(&byte) = self.data.get(self.at) else {
                return;
            };
            let marker = self.after_ff && byte >= 0x80
                || byte == 0xFF && self.data.get(self.at + 1).is_none_or(|&next| next >= 0x80);
            if marker {
                return;
            }
            let bits = if self.after_ff { 7 } else { 8 };
            self.held = self.held << bits | u64::from(byte);
            self.count += bits;
            self.after_ff = byte == 0xFF;
            self.at += 1;
        }
    }

    /// The next `count` bits, at most 24.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32> {
        if self.count < count {
            self.fill();
            if self.count < count {
                return broken("the coded data ends early");
            }
        }
        self.count -= count;
        Ok((self.held >> self.count) as u32 & ((1 << count) - 1))
    }

    /// Zeros before the next one, which is taken too; at most `most`.
    pub(super) fn zeros(&mut self, most: u32) -> Result<u32> {
        let mut zeros = 0;
        loop {
            self.fill();
            if self.count == 0 {
                return broken("the coded data ends early");
            }
            let run = (self.held << (64 - self.count)).leading_zeros().min(self.count);
            zeros += run;
            if zeros > most {
                return broken("a code longer than the limit");
            }
            if run < self.count {
                self.count -= run + 1;
                return Ok(zeros);
            }
            self.count = 0;
        }
    }

    /// A mapped error: Golomb code of parameter `k`, or `wide` bits after a prefix that reaches the limit (A.5.3).
    pub(super) fn golomb(&mut self, k: u32, limit: u32, wide: u32) -> Result<i32> {
        let escape = limit.saturating_sub(wide + 1);
        let zeros = self.zeros(escape)?;
        Ok(if zeros < escape {
            (zeros << k | self.bits(k)?) as i32
        } else {
            self.bits(wide)? as i32 + 1
        })
    }

    /// Bytes read up to the one that the next bit would come from.
    pub(super) fn end(&self) -> usize {
        self.at
    }
}
