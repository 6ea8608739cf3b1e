//! The Modality LUT: from stored values to those of the modality (PS3.3 C.11.1).

use crate::frame::Frame;

/// Rescale Slope and Intercept, or the first item of the Modality LUT Sequence (0028,3000).
#[derive(Debug, Clone, PartialEq)]
pub enum ModalityLut {
    /// `stored * slope + intercept`: (0028,1053), (0028,1052).
    Rescale {
        /// Rescale Slope.
        slope: f64,
        /// Rescale Intercept.
        intercept: f64,
    },
    /// A table.
    Table {
        /// The stored value that the first entry is for: second value of the LUT Descriptor (0028,3002). Smaller ones
        /// map to the first entry, those beyond the table to the last.
        first: i32,
        /// LUT Data (0028,3006).
        entries: Vec<u16>,
        /// Bits of an entry, 1 to 16: third value of the descriptor. Higher bits are dropped.
        bits: u16,
    },
}

impl ModalityLut {
    /// Nothing is changed.
    pub const IDENTITY: Self = Self::Rescale {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The values of the modality, computed in `f64` and rounded once. An empty table changes nothing.
    pub fn apply(&self, frame: &Frame) -> Vec<f32> {
        match self {
            Self::Rescale {
                slope: 1.0,
                intercept: 0.0,
            } => frame.to_f32(),
            Self::Rescale { slope, intercept } => frame.samples.mapped(|v| (v * slope + intercept) as f32),
            Self::Table { entries, .. } if entries.is_empty() => frame.to_f32(),
            Self::Table { first, entries, bits } => {
                let mask = u16::MAX >> 16_u16.saturating_sub(*bits).min(15);
                let last = (entries.len() - 1) as f64;
                let entry = |v: f64| entries[(v - f64::from(*first)).clamp(0.0, last) as usize] & mask;
                frame.samples.mapped(|v| f32::from(entry(v)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Samples;
    use crate::layout::Photometric;

    #[test]
    fn rescale_and_table() {
        let frame = Frame {
            rows: 1,
            columns: 4,
            samples_per_pixel: 1,
            photometric: Photometric::Monochrome2,
            samples: Samples::I16(vec![-5, 0, 1, 300]),
        };
        assert_eq!(ModalityLut::IDENTITY.apply(&frame), [-5.0, 0.0, 1.0, 300.0]);
        let rescale = ModalityLut::Rescale {
            slope: 0.5,
            intercept: -1024.0,
        };
        assert_eq!(rescale.apply(&frame), [-1026.5, -1024.0, -1023.5, -874.0]);
        let table = ModalityLut::Table {
            first: -1,
            entries: vec![10, 20, 0xF01E],
            bits: 12,
        };
        assert_eq!(table.apply(&frame), [10.0, 20.0, 30.0, 30.0]);
        let empty = ModalityLut::Table {
            first: 0,
            entries: vec![],
            bits: 8,
        };
        assert_eq!(empty.apply(&frame), frame.to_f32());
    }
}
