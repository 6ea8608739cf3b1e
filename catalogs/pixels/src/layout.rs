//! What the data set says of its pixels: the Image Pixel module, PS3.3 C.7.6.3.

use crate::error::{PixelError, Result};

/// Which element holds the pixels (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Pixel Data (7FE0,0010).
    #[default]
    Integer,
    /// Float Pixel Data (7FE0,0008): 32 bits.
    Float,
    /// Double Float Pixel Data (7FE0,0009): 64 bits.
    DoubleFloat,
}

/// Photometric Interpretation (0028,0004), PS3.3 C.7.6.3.1.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Photometric {
    /// MONOCHROME1: the smallest value is white.
    Monochrome1,
    /// MONOCHROME2: the smallest value is black.
    #[default]
    Monochrome2,
    /// PALETTE COLOR: samples are indices.
    PaletteColor,
    /// RGB.
    Rgb,
    /// YBR_FULL.
    YbrFull,
    /// YBR_FULL_422: natively Y Y Cb Cr for each two pixels of a row.
    YbrFull422,
    /// YBR_RCT, JPEG 2000's reversible transform.
    YbrRct,
    /// YBR_ICT, JPEG 2000's irreversible transform.
    YbrIct,
    /// Any other; samples stay as they are stored.
    Other,
}

impl Photometric {
    /// By the value of (0028,0004), padding allowed.
    pub fn from_name(name: &str) -> Self {
        match name.trim_matches(['\0', ' ']) {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_RCT" => Self::YbrRct,
            "YBR_ICT" => Self::YbrIct,
            _ => Self::Other,
        }
    }
}

/// Bounds on what one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one decoded frame. Decoders hold up to twenty times as much while they work: JPEG 2000 computes in 32 bits.
    pub frame_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_bytes: 1 << 30 }
    }
}

/// The Image Pixel module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Which element holds the pixels.
    pub kind: Kind,
    /// Rows (0028,0010).
    pub rows: u16,
    /// Columns (0028,0011).
    pub columns: u16,
    /// Number of Frames (0028,0008); 1 where it is absent.
    pub frames: u32,
    /// Samples per Pixel (0028,0002).
    pub samples_per_pixel: u16,
    /// Bits Allocated (0028,0100): 1, 8, 16 or 32; 32 and 64 for floating point.
    pub bits_allocated: u16,
    /// Bits Stored (0028,0101).
    pub bits_stored: u16,
    /// High Bit (0028,0102), counted from 0.
    pub high_bit: u16,
    /// Pixel Representation (0028,0103) is 1.
    pub signed: bool,
    /// Planar Configuration (0028,0006): 1 is plane by plane. Codecs decide for themselves.
    pub planar_configuration: u16,
    /// Photometric Interpretation (0028,0004).
    pub photometric: Photometric,
}

impl Layout {
    /// Pixels of one frame.
    pub fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Samples of one decoded frame, all channels.
    pub fn samples(&self) -> usize {
        self.pixels() * usize::from(self.samples_per_pixel)
    }

    /// Bytes of one sample once decoded: a bit takes one.
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.bits_allocated.div_ceil(8))
    }

    /// Bytes of one decoded frame.
    pub fn frame_bytes(&self) -> usize {
        self.samples() * self.sample_bytes()
    }

    /// Refuses what cannot be, and frames beyond the limits.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        if self.rows == 0 || self.columns == 0 {
            return Err(PixelError::layout(format!(
                "{} rows by {} columns",
                self.rows, self.columns
            )));
        }
        if self.frames == 0 {
            return Err(PixelError::layout("no frames"));
        }
        if !(1..=4).contains(&self.samples_per_pixel) {
            return Err(PixelError::layout(format!(
                "{} samples per pixel",
                self.samples_per_pixel
            )));
        }
        if self.planar_configuration > 1 {
            return Err(PixelError::layout(format!(
                "planar configuration {}",
                self.planar_configuration
            )));
        }
        self.check_bits()?;
        let bytes = self.frame_bytes();
        if bytes > limits.frame_bytes {
            return Err(PixelError::TooLarge {
                bytes: bytes as u64,
                limit: limits.frame_bytes,
            });
        }
        Ok(())
    }

    fn check_bits(&self) -> Result<()> {
        let allocated = self.bits_allocated;
        let fits = match self.kind {
            Kind::Integer => matches!(allocated, 1 | 8 | 16 | 32),
            Kind::Float => allocated == 32,
            Kind::DoubleFloat => allocated == 64,
        };
        if !fits {
            return Err(PixelError::layout(format!(
                "{allocated} bits allocated to {:?} pixel data",
                self.kind
            )));
        }
        if self.kind != Kind::Integer {
            return Ok(());
        }
        let (stored, high) = (self.bits_stored, self.high_bit);
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(PixelError::layout(format!(
                "{stored} bits stored up to bit {high} of {allocated}"
            )));
        }
        if self.photometric == Photometric::YbrFull422
            && (self.samples_per_pixel != 3 || !matches!(allocated, 8 | 16))
        {
            return Err(PixelError::layout(
                "YBR_FULL_422 without three samples of 8 or 16 bits",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout {
            rows: 4,
            columns: 3,
            frames: 1,
            samples_per_pixel: 1,
            bits_allocated: 16,
            bits_stored: 12,
            high_bit: 11,
            ..Layout::default()
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let limits = Limits::default();
        assert_eq!(layout().check(&limits), Ok(()));
        assert_eq!(layout().frame_bytes(), 24);
        for wrong in [
            Layout { rows: 0, ..layout() },
            Layout {
                columns: 0,
                ..layout()
            },
            Layout {
                frames: 0,
                ..layout()
            },
            Layout {
                samples_per_pixel: 0,
                ..layout()
            },
            Layout {
                samples_per_pixel: 5,
                ..layout()
            },
            Layout {
                bits_allocated: 12,
                ..layout()
            },
            Layout {
                bits_stored: 0,
                ..layout()
            },
            Layout {
                bits_stored: 17,
                high_bit: 16,
                ..layout()
            },
            Layout {
                high_bit: 16,
                ..layout()
            },
            Layout {
                high_bit: 10,
                ..layout()
            },
            Layout {
                planar_configuration: 2,
                ..layout()
            },
            Layout {
                kind: Kind::Float,
                ..layout()
            },
            Layout {
                photometric: Photometric::YbrFull422,
                ..layout()
            },
        ] {
            assert!(
                matches!(wrong.check(&limits), Err(PixelError::Layout { .. })),
                "{wrong:?}"
            );
        }
        let large = Layout {
            rows: 65535,
            columns: 65535,
            ..layout()
        };
        assert!(matches!(large.check(&limits), Err(PixelError::TooLarge { .. })));
        assert!(matches!(
            layout().check(&Limits { frame_bytes: 23 }),
            Err(PixelError::TooLarge { .. })
        ));
    }
}
