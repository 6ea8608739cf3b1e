//! Huffman tables and the bits they are read from (T.81 annexes C and F.2.2).

use super::broken;
use crate::error::Result;

/// Bits that one look finds a code of.
const LOOK: u32 = 9;

/// Codes of up to 16 bits.
pub(super) struct Table {
    /// Length and symbol by the next `LOOK` bits; length 0 where the code is longer.
    look: Vec<(u8, u8)>,
    /// Per length: the first code beyond those of the length, and what to add to a code for its symbol's place.
    end: [i32; 17],
    place: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the number of codes of each length 1 to 16, and the symbols in order of their codes. Fails if there are more
    /// codes than fit.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self> {
        let mut table = Self {
            look: vec![(0, 0); 1 << LOOK],
            end: [0; 17],
            place: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0_i32, 0_i32);
        for (length, &count) in (1_u32..).zip(counts) {
            table.place[length as usize] = index - code;
            for _ in 0..count {
                let Some(&symbol) = symbols.get(index as usize) else {
                    return broken("a Huffman table is cut");
                };
                if length <= LOOK {
                    let (first, many) = ((code << (LOOK - length)) as usize, 1 << (LOOK - length));
                    let Some(places) = table.look.get_mut(first..first + many) else {
                        return broken("a Huffman table has too many codes");
                    };
                    places.fill((length as u8, symbol));
                }
                (code, index) = (code + 1, index + 1);
            }
            if code > 1 << length {
                return broken("a Huffman table has too many codes");
            }
            table.end[length as usize] = code;
            code <<= 1;
        }
        Ok(table)
    }
}

/// Bits of entropy coded data, most significant first, stuffed bytes taken out (F.1.2.3).
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
    /// Bits of `count` that are not in the data: it has ended or a marker stands there.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            held: 0,
            count: 0,
            beyond: 0,
        }
    }

    /// Holds at least 32 bits, zeros once the data has ended.
    fn fill(&mut self) {
        while self.count <= 32 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.beyond += 8;
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn take(&mut self, count: u32) -> Result<()> {
        self.count -= count;
        if self.count < self.beyond {
            broken("the entropy coded data ends early")
        } else {
            Ok(())
        }
    }

    /// The next `count` bits, at most 16.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32> {
        if self.count < count {
            self.fill();
        }
        let value = (self.held >> (self.count - count)) as u32 & ((1 << count) - 1);
        self.take(count)?;
        Ok(value)
    }

    /// The next symbol.
    pub(super) fn symbol(&mut self, table: &Table) -> Result<u8> {
        if self.count < 16 {
            self.fill();
        }
        let next = (self.held >> (self.count - 16)) as u32 & 0xFFFF;
        let (length, symbol) = table.look[(next >> (16 - LOOK)) as usize];
        if length > 0 {
            self.take(length.into())?;
            return Ok(symbol);
        }
        for length in LOOK + 1..=16 {
            let code = (next >> (16 - length)) as i32;
            if code < table.end[length as usize] {
                self.take(length)?;
                let place = usize::try_from(code + table.place[length as usize]).unwrap_or(usize::MAX);
                return table
                    .symbols
                    .get(place)
                    .copied()
                    .map_or_else(|| broken("no such Huffman code"), Ok);
            }
        }
        broken("no such Huffman code")
    }

    /// A value of `size` bits whose sign is that of its first (F.2.2.1, EXTEND).
    pub(super) fn extended(&mut self, size: u32) -> Result<i32> {
        if size == 0 {
            return Ok(0);
        }
        let value = self.bits(size)? as i32;
        Ok(if value < 1 << (size - 1) {
            value - (1 << size) + 1
        } else {
            value
        })
    }

    /// Goes behind the next restart marker; what is left of the interval is dropped.
    pub(super) fn restart(&mut self) -> Result<()> {
        let end = self.end();
        if !matches!(self.data.get(end..end + 2), Some(&[0xFF, 0xD0..=0xD7])) {
            return broken("a restart marker is missing");
        }
        *self = Self {
            data: self.data,
            at: end + 2,
            held: 0,
            count: 0,
            beyond: 0,
        };
        Ok(())
    }

    /// Bytes up to the next marker.
    pub(super) fn end(&self) -> usize {
        let rest = &self.data[self.at.min(self.data.len())..];
        let marker = rest
            .windows(2)
            .position(|p| p[0] == 0xFF && !matches!(p[1], 0 | 0xFF));
        self.at + marker.unwrap_or(rest.len())
    }
}
