//! Which pixels of a frame belong to the segment.

use crate::error::{Error, Result};

/// How the segment is told from what is not (PS3.3 C.8.20.2.3, Segmentation Type).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Members {
    /// BINARY: every pixel that is not 0.
    NonZero,
    /// FRACTIONAL: pixels whose share of the maximum is at least the threshold; never those that are 0.
    AtLeast {
        /// From 0 to 1.
        threshold: f64,
        /// Maximum Fractional Value.
        maximum: u16,
    },
    /// LABELMAP: pixels with this segment number.
    Label(u16),
}

impl Members {
    /// Marks the members among a frame's pixels. Fails if there are not as many pixels as marks, or on a threshold or
    /// maximum that is none.
    pub fn mark<T: Copy + Into<u16>>(self, pixels: &[T], marks: &mut [bool]) -> Result<()> {
        if pixels.len() != marks.len() {
            return Err(Error::WrongLength {
                size: [marks.len(), 1, 1],
                expected: marks.len(),
                got: pixels.len(),
            });
        }
        let member: &dyn Fn(u16) -> bool = match self {
            Self::NonZero => &|v| v != 0,
            Self::Label(label) => &move |v| v == label,
            Self::AtLeast { threshold, maximum } => {
                if !(0.0..=1.0).contains(&threshold) || maximum == 0 {
                    return Err(Error::BadSetting {
                        name: "threshold",
                        reason: format!("{threshold} of {maximum} is no fraction"),
                    });
                }
                &move |v| v != 0 && f64::from(v) / f64::from(maximum) >= threshold
            }
        };
        for (mark, pixel) in marks.iter_mut().zip(pixels) {
            *mark = member((*pixel).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_by_kind() {
        let mut marks = [true; 5];
        Members::NonZero.mark(&[0u8, 1, 255, 0, 2], &mut marks).unwrap();
        assert_eq!(marks, [false, true, true, false, true]);
        Members::Label(300)
            .mark(&[0u16, 300, 255, 44, 300], &mut marks)
            .unwrap();
        assert_eq!(marks, [false, true, false, false, true]);
        let half = |threshold| Members::AtLeast {
            threshold,
            maximum: 200,
        };
        half(0.5).mark(&[0u8, 99, 100, 200, 255], &mut marks).unwrap();
        assert_eq!(marks, [false, false, true, true, true]);
        half(0.0).mark(&[0u8, 1, 100, 200, 255], &mut marks).unwrap();
        assert_eq!(marks, [false, true, true, true, true]);
        assert!(half(f64::NAN).mark(&[0u8; 5], &mut marks).is_err());
        assert!(half(0.5).mark(&[0u8; 4], &mut marks).is_err());
    }
}
