//! From words as they are stored to samples: the bits that count, and their sign (PS3.5 8.1.1).

use crate::frame::Samples;
use crate::layout::Layout;

/// Which bits of a word are the sample: `stored` of them, the highest at `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) stored: u32,
    pub(crate) high: u32,
}

impl Cell {
    /// As the data set says. The other bits may hold overlays (retired) and are dropped.
    pub(crate) fn of(layout: &Layout) -> Self {
        Self {
            stored: u32::from(layout.bits_stored),
            high: u32::from(layout.high_bit),
        }
    }

    /// The low bits, as codecs give them.
    pub(crate) fn low(precision: u32) -> Self {
        Self {
            stored: precision,
            high: precision.saturating_sub(1),
        }
    }
}

/// Samples of the layout's type from words; signed ones are extended from the cell's highest bit.
pub(crate) fn finish(words: impl Iterator<Item = u32>, cell: Cell, layout: &Layout) -> Samples {
    let stored = cell.stored.clamp(1, 32);
    // Up against bit 31, then down again: what is above the cell falls off, and a signed shift extends the sign.
    let (up, down) = (31 - cell.high.min(31), 32 - stored);
    let unsigned = |w: u32| w << up >> down;
    let signed = |w: u32| ((w << up) as i32) >> down;
    match (layout.bits_allocated, layout.signed) {
        (..=8, false) => Samples::U8(words.map(|w| unsigned(w) as u8).collect()),
        (..=8, true) => Samples::I8(words.map(|w| signed(w) as i8).collect()),
        (9..=16, false) => Samples::U16(words.map(|w| unsigned(w) as u16).collect()),
        (9..=16, true) => Samples::I16(words.map(|w| signed(w) as i16).collect()),
        (_, false) => Samples::U32(words.map(unsigned).collect()),
        (_, true) => Samples::I32(words.map(signed).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_and_overlay_bits() {
        let mut layout = Layout {
            bits_allocated: 16,
            signed: true,
            ..Layout::default()
        };
        let cell = Cell { stored: 12, high: 11 };
        let words = [0xF7FF_u32, 0x0800, 0xFFFF, 0x1000];
        assert_eq!(
            finish(words.into_iter(), cell, &layout),
            Samples::I16(vec![2047, -2048, -1, 0])
        );
        layout.signed = false;
        assert_eq!(
            finish(words.into_iter(), cell, &layout),
            Samples::U16(vec![2047, 2048, 4095, 0])
        );
        let high = Cell { stored: 12, high: 15 };
        assert_eq!(
            finish([0xABCF].into_iter(), high, &layout),
            Samples::U16(vec![0xABC])
        );
        let whole = Layout {
            bits_allocated: 32,
            signed: true,
            ..Layout::default()
        };
        assert_eq!(
            finish([u32::MAX].into_iter(), Cell::low(32), &whole),
            Samples::I32(vec![-1])
        );
        let bytes = Layout {
            bits_allocated: 8,
            signed: true,
            ..Layout::default()
        };
        assert_eq!(
            finish([0xFF, 0x7F].into_iter(), Cell::low(8), &bytes),
            Samples::I8(vec![-1, 127])
        );
    }
}
