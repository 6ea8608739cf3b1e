//! Marker segments (T.87 annex C).

use super::{NAME, broken};
use crate::error::{PixelError, Result};
use crate::layout::Layout;

/// The frame header (C.2.2).
pub(super) struct Frame {
    pub(super) precision: u32,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Identifiers of the components.
    pub(super) ids: Vec<u8>,
}

/// Preset coding parameters (C.2.4.1.1); 0 stands for the default.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Presets {
    pub(super) maximum: i32,
    pub(super) thresholds: [i32; 3],
    pub(super) reset: i32,
}

/// How the components of a scan alternate (C.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    None,
    Line,
    Sample,
}

/// A scan header and what follows it.
pub(super) struct Scan<'a> {
    pub(super) components: Vec<usize>,
    pub(super) near: i32,
    pub(super) interleave: Interleave,
    pub(super) presets: Presets,
    pub(super) data: &'a [u8],
}

/// Reads segments, keeps presets.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    presets: Presets,
}

impl<'a> Reader<'a> {
    /// Demands the start of an image.
    pub(super) fn new(stream: &'a [u8]) -> Result<Self> {
        match stream.strip_prefix(&[0xFF, 0xD8]) {
            Some(rest) => Ok(Self {
                rest,
                presets: Presets::default(),
            }),
            None => broken("the stream does not start with SOI"),
        }
    }

    /// Skips coded data.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or(&[]);
    }

    /// The next frame or scan header.
    fn segment(&mut self) -> Result<(u8, &'a [u8])> {
        loop {
            // In coded data a byte of 0xFF is followed by one whose highest bit is clear.
            let Some(start) = self
                .rest
                .windows(2)
                .position(|p| p[0] == 0xFF && p[1] >= 0x80 && p[1] != 0xFF)
            else {
                return broken("the stream ends before its scan");
            };
            let marker = self.rest[start + 1];
            self.rest = &self.rest[start + 2..];
            if marker == 0xD9 {
                return broken("the stream ends before its scan");
            }
            let cut = PixelError::codec(NAME, "a segment is cut");
            let (length, _) = self.rest.split_first_chunk::<2>().ok_or_else(|| cut.clone())?;
            let length = usize::from(u16::from_be_bytes(*length));
            if length < 2 || length > self.rest.len() {
                return Err(cut);
            }
            let segment = &self.rest[2..length];
            self.rest = &self.rest[length..];
            match marker {
                0xF8 => self.presets(segment)?,
                0xDD if segment.iter().any(|&b| b > 0) => {
                    return broken("restart intervals are not decoded");
                }
                0xE8 if segment.starts_with(b"mrfx") && segment.get(4).is_some_and(|&t| t > 0) => {
                    return broken("HP's colour transforms are not decoded");
                }
                0xDD | 0xE0..=0xEF | 0xFE => {}
                _ => return Ok((marker, segment)),
            }
        }
    }

    fn presets(&mut self, segment: &[u8]) -> Result<()> {
        let Some((&1, values)) = segment.split_first() else {
            return broken("mapping tables and extended sizes are not decoded");
        };
        let values = values.as_chunks::<2>().0;
        let &[maximum, t1, t2, t3, reset] = values else {
            return broken("preset parameters of another length");
        };
        let [maximum, t1, t2, t3, reset] =
            [maximum, t1, t2, t3, reset].map(|v| i32::from(u16::from_be_bytes(v)));
        self.presets = Presets {
            maximum,
            thresholds: [t1, t2, t3],
            reset,
        };
        Ok(())
    }

    /// Reads up to the frame header and holds it against the layout.
    pub(super) fn frame(&mut self, layout: &Layout) -> Result<Frame> {
        let (0xF7, segment) = self.segment()? else {
            return broken("no JPEG-LS frame header");
        };
        let Some((&[precision, h1, h0, w1, w0, count], specs)) = segment.split_first_chunk::<6>() else {
            return broken("the frame header is cut");
        };
        let (height, width) = (u16::from_be_bytes([h1, h0]), u16::from_be_bytes([w1, w0]));
        for (what, stream, data_set) in [
            ("rows", height, layout.rows),
            ("columns", width, layout.columns),
            ("samples per pixel", u16::from(count), layout.samples_per_pixel),
        ] {
            if stream != data_set {
                return Err(PixelError::Mismatch {
                    what,
                    stream: stream.into(),
                    layout: data_set.into(),
                });
            }
        }
        if !(2..=16).contains(&precision) || u16::from(precision) > layout.bits_allocated {
            let (stream, layout) = (precision.into(), layout.bits_stored.into());
            return Err(PixelError::Mismatch {
                what: "bits stored",
                stream,
                layout,
            });
        }
        let specs = specs.as_chunks::<3>().0;
        if specs.len() != usize::from(count) || specs.iter().any(|s| s[1] != 0x11) {
            return broken("components of different resolution are not decoded");
        }
        Ok(Frame {
            precision: precision.into(),
            width: width.into(),
            height: height.into(),
            ids: specs.iter().map(|s| s[0]).collect(),
        })
    }

    /// Reads up to the next scan header.
    pub(super) fn scan(&mut self, frame: &Frame) -> Result<Scan<'a>> {
        let (0xDA, segment) = self.segment()? else {
            return broken("a segment that does not go before a scan");
        };
        let Some((&count, rest)) = segment.split_first() else {
            return broken("the scan header is cut");
        };
        let Some((specs, &[near, interleave, transform])) = rest.split_at_checked(usize::from(count) * 2)
        else {
            return broken("the scan header has another length");
        };
        let mut components = Vec::new();
        for &[id, table] in specs.as_chunks::<2>().0 {
            let Some(index) = frame.ids.iter().position(|&known| known == id) else {
                return broken("a scan of a component that is not in the frame");
            };
            if table != 0 {
                return broken("mapping tables are not decoded");
            }
            if components.contains(&index) {
                return broken("a scan has a component twice");
            }
            components.push(index);
        }
        if transform != 0 {
            return broken("point transforms are not decoded");
        }
        let interleave = match (interleave, components.len()) {
            (_, 0) => return broken("a scan of no component"),
            (0..=2, 1) => Interleave::None,
            (1, _) => Interleave::Line,
            (2, _) => Interleave::Sample,
            _ => return broken("no such interleaving"),
        };
        Ok(Scan {
            components,
            near: near.into(),
            interleave,
            presets: self.presets,
            data: self.rest,
        })
    }
}
