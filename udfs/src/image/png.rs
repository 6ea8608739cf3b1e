//! PNG files (ISO/IEC 15948) of eight bits per sample: a header, one compressed block, an end. The same picture gives the same bytes.

use std::io::Write;

use datafusion::error::Result;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// A picture, row by row from the top.
pub(super) struct Picture {
    /// Pixels of a row, at least one.
    pub(super) width: usize,
    /// Rows, at least one.
    pub(super) height: usize,
    /// Samples of a pixel: 1 of grey, 3 of red, green, blue.
    pub(super) channels: usize,
    /// `width · height · channels` samples.
    pub(super) samples: Vec<u8>,
}

/// The filter that stands before every row: differences to Paeth's predictor, which suits anatomy.
const PAETH: u8 = 4;

impl Picture {
    /// The picture as a file.
    ///
    /// # Errors
    /// Those of the compressor, which writes to memory.
    pub(super) fn png(&self) -> Result<Vec<u8>> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes();
        let mut header = Vec::with_capacity(13);
        header.extend(side(self.width));
        header.extend(side(self.height));
        // Depth, colour type, compression, filters, no interlacing.
        header.extend([8, if self.channels == 3 { 2 } else { 0 }, 0, 0, 0]);
        chunk(&mut file, *b"IHDR", &header);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(6));
        packed.write_all(&self.filtered())?;
        chunk(&mut file, *b"IDAT", &packed.finish()?);
        chunk(&mut file, *b"IEND", &[]);
        Ok(file)
    }

    fn filtered(&self) -> Vec<u8> {
        let length = self.width * self.channels;
        let mut out = Vec::with_capacity(self.samples.len() + self.height);
        let mut above: &[u8] = &[];
        for row in self.samples.chunks_exact(length) {
            out.push(PAETH);
            for (at, &sample) in row.iter().enumerate() {
                let up = above.get(at).copied().unwrap_or(0);
                let (left, corner) = match at.checked_sub(self.channels) {
                    Some(before) => (row[before], above.get(before).copied().unwrap_or(0)),
                    None => (0, 0),
                };
                out.push(sample.wrapping_sub(paeth(left, up, corner)));
            }
            above = row;
        }
        out
    }
}

/// Which of the neighbours is nearest to left + up - corner; of equals the first.
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let (to_a, to_b, to_c) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        up
    } else {
        corner
    }
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Read;

    /// Reads what `png` writes; checks lengths and sums.
    pub(in crate::image) fn read(file: &[u8]) -> Picture {
        let mut rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
        let mut chunks = vec![];
        while !rest.is_empty() {
            let number = |at: &[u8]| u32::from_be_bytes(at[..4].try_into().unwrap());
            let length = number(rest) as usize;
            let mut sum = Crc::new();
            sum.update(&rest[4..8 + length]);
            assert_eq!(number(&rest[8 + length..]), sum.sum());
            chunks.push((&rest[4..8], &rest[8..8 + length]));
            rest = &rest[12 + length..];
        }
        let kinds: Vec<_> = chunks.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [b"IHDR", b"IDAT", b"IEND"]);
        let header = chunks[0].1;
        let side = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap()) as usize;
        let (width, height) = (side(0), side(4));
        assert_eq!((header[8], &header[10..]), (8, &[0, 0, 0][..]));
        let channels = if header[9] == 2 { 3 } else { 1 };
        let mut packed = vec![];
        flate2::read::ZlibDecoder::new(chunks[1].1)
            .read_to_end(&mut packed)
            .unwrap();
        let length = width * channels;
        let mut samples: Vec<u8> = vec![];
        for row in packed.chunks(length + 1) {
            assert_eq!((row[0], row.len()), (PAETH, length + 1));
            let start = samples.len();
            for (at, difference) in row[1..].iter().enumerate() {
                let here = start + at;
                let left = if at >= channels {
                    samples[here - channels]
                } else {
                    0
                };
                let up = if start > 0 { samples[here - length] } else { 0 };
                let corner = if start > 0 && at >= channels {
                    samples[here - length - channels]
                } else {
                    0
                };
                samples.push(difference.wrapping_add(paeth(left, up, corner)));
            }
        }
        Picture {
            width,
            height,
            channels,
            samples,
        }
    }

    #[test]
    fn goes_in_and_comes_out() {
        for channels in [1, 3] {
            let samples: Vec<u8> = (0..7 * 5 * channels)
                .map(|v| u8::try_from(v * v * 31 % 256).unwrap())
                .collect();
            let picture = Picture {
                width: 7,
                height: 5,
                channels,
                samples: samples.clone(),
            };
            let found = read(&picture.png().unwrap());
            assert_eq!((found.width, found.height, found.channels), (7, 5, channels));
            assert_eq!(found.samples, samples);
        }
    }
}
