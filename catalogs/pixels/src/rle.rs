//! RLE Lossless (PS3.5 annex G): PackBits, one segment per byte of a pixel, most significant first.

use crate::error::{PixelError, Result};
use crate::layout::Layout;

const NAME: &str = "RLE";
/// Fifteen offsets and their number.
const HEADER: usize = 64;

/// The bytes of one frame as native little endian, samples of a pixel side by side; bits of one bit samples packed.
pub(crate) fn decode(stream: &[u8], layout: &Layout) -> Result<Vec<u8>> {
    let width = layout.sample_bytes();
    let segments = usize::from(layout.samples_per_pixel) * width;
    let size = if layout.bits_allocated == 1 {
        layout.pixels().div_ceil(8)
    } else {
        layout.pixels()
    };
    let header = stream.get(..HEADER).ok_or(PixelError::Truncated {
        what: "RLE header",
        needed: HEADER as u64,
        got: stream.len() as u64,
    })?;
    let mut numbers = header
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&w| u32::from_le_bytes(w) as usize);
    let count = numbers.next().unwrap_or(0);
    if count != segments {
        return Err(PixelError::Mismatch {
            what: "RLE segments",
            stream: count as u64,
            layout: segments as u64,
        });
    }
    let offsets: Vec<usize> = numbers.take(count).collect();
    let mut out = vec![0; size * segments];
    for (segment, &start) in offsets.iter().enumerate() {
        let end = offsets.get(segment + 1).copied().unwrap_or(stream.len());
        let bytes = (start >= HEADER)
            .then(|| stream.get(start..end))
            .flatten()
            .ok_or_else(|| PixelError::codec(NAME, format!("segment {segment} lies outside the stream")))?;
        // Segments count bytes of a sample from the most significant, words are little endian.
        let (sample, byte) = (segment / width, segment % width);
        let first = sample * width + (width - 1 - byte);
        unpack(bytes, out.iter_mut().skip(first).step_by(segments))
            .map_err(|missing| PixelError::codec(NAME, format!("segment {segment} lacks {missing} bytes")))?;
    }
    Ok(out)
}

/// PackBits into the places given; what exceeds them is padding. Fails with the number of places left over.
fn unpack<'a>(
    mut bytes: &[u8],
    mut places: impl ExactSizeIterator<Item = &'a mut u8>,
) -> std::result::Result<(), usize> {
    while places.len() > 0 {
        let Some((&code, rest)) = bytes.split_first() else {
            return Err(places.len());
        };
        bytes = rest;
        match code {
            0..=127 => {
                let run = usize::from(code) + 1;
                let (literal, rest) = bytes.split_at_checked(run).ok_or_else(|| places.len())?;
                for (place, &value) in places.by_ref().take(run).zip(literal) {
                    *place = value;
                }
                bytes = rest;
            }
            129..=255 => {
                let (&value, rest) = bytes.split_first().ok_or_else(|| places.len())?;
                places
                    .by_ref()
                    .take(257 - usize::from(code))
                    .for_each(|place| *place = value);
                bytes = rest;
            }
            128 => {}
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Packs one segment: runs of three and more as runs, the rest as literals.
    fn pack(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let run = rest.iter().take(128).take_while(|&&b| b == first).count();
            if run > 2 {
                out.extend([(257 - run) as u8, first]);
                rest = &rest[run..];
            } else {
                let literal = rest.len().min(1 + usize::from(first) % 5);
                out.push(literal as u8 - 1);
                out.extend(&rest[..literal]);
                rest = &rest[literal..];
            }
        }
        if out.len() % 2 == 1 {
            out.push(128);
        }
        out
    }

    /// A stream of these segments.
    pub(crate) fn encode(segments: &[Vec<u8>]) -> Vec<u8> {
        let mut header = vec![segments.len() as u32];
        let mut body = Vec::new();
        for segment in segments {
            header.push((HEADER + body.len()) as u32);
            body.extend(pack(segment));
        }
        header.resize(16, 0);
        header.iter().flat_map(|w| w.to_le_bytes()).chain(body).collect()
    }

    #[test]
    fn words_are_put_together() {
        let layout = Layout {
            rows: 20,
            columns: 30,
            frames: 1,
            samples_per_pixel: 3,
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            ..Layout::default()
        };
        let word = |pixel: usize, channel: usize| ((pixel / 7 * 1000) ^ (channel * 77) ^ pixel) as u16;
        let segments: Vec<Vec<u8>> = (0..6)
            .map(|s| {
                (0..600)
                    .map(|p| {
                        let [high, low] = word(p, s / 2).to_be_bytes();
                        if s % 2 == 0 { high } else { low }
                    })
                    .collect()
            })
            .collect();
        let stream = encode(&segments);
        let expected: Vec<u8> = (0..600)
            .flat_map(|p| (0..3).flat_map(move |c| word(p, c).to_le_bytes()))
            .collect();
        assert_eq!(decode(&stream, &layout).unwrap(), expected);
        let five = encode(&segments[..5]);
        assert!(matches!(decode(&five, &layout), Err(PixelError::Mismatch { .. })));
        for cut in (0..stream.len()).step_by(97) {
            assert!(decode(&stream[..cut], &layout).is_err());
        }
    }
}
