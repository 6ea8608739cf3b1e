//! Marker segments (T.81 annex B).

use super::huffman::Table;
use super::{NAME, Plane, broken};
use crate::error::{PixelError, Result};
use crate::layout::Layout;

/// One component of the frame header.
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors, 1 to 4.
    pub(super) h: usize,
    pub(super) v: usize,
    quantisation: usize,
}

/// The frame header (B.2.2).
pub(super) struct Frame {
    pub(super) lossless: bool,
    pub(super) precision: u32,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) components: Vec<Component>,
    pub(super) h_max: usize,
    pub(super) v_max: usize,
}

impl Frame {
    /// Samples of a block's side: data units are blocks of 8 × 8, or single samples if lossless.
    pub(super) fn unit(&self) -> usize {
        if self.lossless { 1 } else { 8 }
    }

    /// Minimum coded units per row and per column of an interleaved scan.
    pub(super) fn units(&self) -> (usize, usize) {
        let unit = self.unit();
        (
            self.width.div_ceil(unit * self.h_max),
            self.height.div_ceil(unit * self.v_max),
        )
    }

    /// Columns and rows of a component's samples (A.1.1).
    pub(super) fn size(&self, component: &Component) -> (usize, usize) {
        (
            (self.width * component.h).div_ceil(self.h_max),
            (self.height * component.v).div_ceil(self.v_max),
        )
    }

    /// Planes that hold whole units.
    pub(super) fn planes(&self) -> Vec<Plane> {
        let ((across, down), unit) = (self.units(), self.unit());
        let plane = |c: &Component| {
            let width = across * c.h * unit;
            Plane {
                width,
                samples: vec![0; width * down * c.v * unit],
            }
        };
        self.components.iter().map(plane).collect()
    }
}

/// A component of a scan.
pub(super) struct ScanComponent<'a> {
    pub(super) index: usize,
    pub(super) dc: &'a Table,
    pub(super) ac: Option<&'a Table>,
    pub(super) quantisation: &'a [u16; 64],
}

/// A scan header (B.2.3) and what follows it.
pub(super) struct Scan<'a> {
    pub(super) components: Vec<ScanComponent<'a>>,
    /// Ss: the predictor of a lossless scan.
    pub(super) predictor: u8,
    /// Al: the point transform of a lossless scan.
    pub(super) shift: u32,
    /// Units between restart markers; 0 is none.
    pub(super) restart: usize,
    /// Entropy coded data and all that follows.
    pub(super) data: &'a [u8],
}

/// Reads segments, keeps tables.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    quantisation: [[u16; 64]; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    restart: usize,
    /// An application segment says JFIF.
    pub(super) jfif: bool,
}

impl<'a> Reader<'a> {
    /// Demands the start of an image.
    pub(super) fn new(stream: &'a [u8]) -> Result<Self> {
        let Some(rest) = stream.strip_prefix(&[0xFF, 0xD8]) else {
            return broken("the stream does not start with SOI");
        };
        Ok(Self {
            rest,
            quantisation: [[0; 64]; 4],
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            restart: 0,
            jfif: false,
        })
    }

    /// Skips entropy coded data.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or(&[]);
    }

    /// The next marker and its segment. Tables and application segments are kept, others given back.
    fn segment(&mut self) -> Result<(u8, &'a [u8])> {
        loop {
            // Fill bytes may precede a marker (B.1.1.2); anything else is skipped, as other decoders do.
            let Some(start) = self
                .rest
                .windows(2)
                .position(|p| p[0] == 0xFF && !matches!(p[1], 0 | 0xFF))
            else {
                return broken("the stream ends before its scan");
            };
            let marker = self.rest[start + 1];
            self.rest = &self.rest[start + 2..];
            if matches!(marker, 0x01 | 0xD0..=0xD8) {
                continue;
            }
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
                0xDB => self.quantisation(segment)?,
                0xC4 => self.huffman(segment)?,
                0xDD => {
                    let &[high, low] = segment else {
                        return broken("a restart interval of another length");
                    };
                    self.restart = usize::from(u16::from_be_bytes([high, low]));
                }
                0xE0..=0xEF => self.jfif |= segment.starts_with(b"JFIF"),
                0xFE => {}
                _ => return Ok((marker, segment)),
            }
        }
    }

    fn quantisation(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let (wide, id) = (head >> 4 == 1, usize::from(head & 15));
            let size = if wide { 128 } else { 64 };
            let Some((values, rest)) = rest.split_at_checked(size).filter(|_| id < 4 && head < 32) else {
                return broken("a quantisation table is cut or has no place");
            };
            for (i, place) in self.quantisation[id].iter_mut().enumerate() {
                *place = if wide {
                    u16::from_be_bytes([values[2 * i], values[2 * i + 1]])
                } else {
                    u16::from(values[i])
                };
            }
            segment = rest;
        }
        Ok(())
    }

    fn huffman(&mut self, mut segment: &[u8]) -> Result<()> {
        while let Some((&head, rest)) = segment.split_first() {
            let (class, id) = (head >> 4, usize::from(head & 15));
            let Some((counts, rest)) = rest.split_first_chunk::<16>().filter(|_| id < 4 && class < 2) else {
                return broken("a Huffman table is cut or has no place");
            };
            let size = counts.iter().map(|&c| usize::from(c)).sum();
            let Some((symbols, rest)) = rest.split_at_checked(size) else {
                return broken("a Huffman table is cut");
            };
            let tables = if class == 0 { &mut self.dc } else { &mut self.ac };
            tables[id] = Some(Table::new(counts, symbols)?);
            segment = rest;
        }
        Ok(())
    }

    /// Reads up to the frame header and holds it against the layout.
    pub(super) fn frame(&mut self, layout: &Layout) -> Result<Frame> {
        let (marker, segment) = self.segment()?;
        let lossless = match marker {
            0xC0 | 0xC1 => false,
            0xC3 => true,
            0xC2 => return broken("progressive streams are not decoded"),
            0xC5..=0xC7 | 0xDE => return broken("hierarchical streams are not decoded"),
            0xC9..=0xCF => return broken("arithmetic coding is not decoded"),
            0xF7 => return broken("a JPEG-LS stream under a JPEG transfer syntax"),
            _ => return broken("no frame header"),
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
        let known = if lossless {
            (2..=16).contains(&precision)
        } else {
            matches!(precision, 8 | 12)
        };
        if !known || u16::from(precision) > layout.bits_allocated {
            let (stream, layout) = (precision.into(), layout.bits_stored.into());
            return Err(PixelError::Mismatch {
                what: "bits stored",
                stream,
                layout,
            });
        }
        let components: Vec<Component> = specs
            .as_chunks::<3>()
            .0
            .iter()
            .take(usize::from(count))
            .map(|&[id, hv, q]| Component {
                id,
                h: usize::from(hv >> 4),
                v: usize::from(hv & 15),
                quantisation: usize::from(q),
            })
            .collect();
        let sound = |c: &Component| (1..=4).contains(&c.h) && (1..=4).contains(&c.v) && c.quantisation < 4;
        if components.len() != usize::from(count) || !components.iter().all(sound) {
            return broken("the frame header is cut or has sampling factors beyond 4");
        }
        let (h_max, v_max) = components
            .iter()
            .fold((1, 1), |(h, v), c| (h.max(c.h), v.max(c.v)));
        if lossless && components.iter().any(|c| (c.h, c.v) != (h_max, v_max)) {
            return broken("lossless components of different resolution are not decoded");
        }
        // A single component, or all with the same factors, are at full resolution whatever the factors are.
        let same = components.iter().all(|c| (c.h, c.v) == (h_max, v_max));
        let mut frame = Frame {
            lossless,
            precision: precision.into(),
            width: width.into(),
            height: height.into(),
            components,
            h_max,
            v_max,
        };
        if same && (lossless || frame.components.len() == 1) {
            frame.components.iter_mut().for_each(|c| (c.h, c.v) = (1, 1));
            (frame.h_max, frame.v_max) = (1, 1);
        }
        Ok(frame)
    }

    /// Reads up to the next scan header.
    pub(super) fn scan(&mut self, frame: &Frame) -> Result<Scan<'_>> {
        let (marker, segment) = self.segment()?;
        if marker != 0xDA {
            return broken("a segment that does not go before a scan");
        }
        let Some((&count, rest)) = segment.split_first() else {
            return broken("the scan header is cut");
        };
        let Some((specs, &[start, _, approximation, ..])) = rest.split_at_checked(usize::from(count) * 2)
        else {
            return broken("the scan header is cut");
        };
        let mut components: Vec<ScanComponent<'_>> = Vec::new();
        for &[id, tables] in specs.as_chunks::<2>().0 {
            let Some(index) = frame.components.iter().position(|c| c.id == id) else {
                return broken("a scan of a component that is not in the frame");
            };
            if components.iter().any(|c| c.index == index) {
                return broken("a scan has a component twice");
            }
            let of = |tables: &'_ [Option<Table>; 4], id: u8| {
                usize::from(id) < 4 && tables[usize::from(id)].is_some()
            };
            if !of(&self.dc, tables >> 4) || !frame.lossless && !of(&self.ac, tables & 15) {
                return broken("a Huffman table is missing");
            }
            let Some(dc) = self.dc[usize::from(tables >> 4)].as_ref() else {
                return broken("a Huffman table is missing");
            };
            let ac = self.ac.get(usize::from(tables & 15)).and_then(Option::as_ref);
            let quantisation = &self.quantisation[frame.components[index].quantisation];
            components.push(ScanComponent {
                index,
                dc,
                ac,
                quantisation,
            });
        }
        if components.is_empty() || components.len() > 4 {
            return broken("a scan of no component");
        }
        let shift = u32::from(approximation & 15);
        if frame.lossless && (!(1..=7).contains(&start) || shift >= frame.precision) {
            return broken("a predictor or point transform out of range");
        }
        Ok(Scan {
            components,
            predictor: start,
            shift,
            restart: self.restart,
            data: self.rest,
        })
    }
}
