//! Samples as they are stored, without compression (PS3.5 8.1, 8.2).

use std::borrow::Cow;

use crate::bits::unpack_bits;
use crate::error::{PixelError, Result};
use crate::frame::Samples;
use crate::layout::{Kind, Layout, Photometric};
use crate::words::{Cell, finish};

/// Order of the bytes of a word, and whether samples of less than a word are packed into words of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) big: bool,
    pub(crate) words: bool,
}

impl Order {
    pub(crate) const LITTLE: Self = Self {
        big: false,
        words: false,
    };
}

/// Frame `n` of the bytes of all frames.
pub(crate) fn frame(bytes: &[u8], n: u32, order: Order, layout: &Layout) -> Result<Samples> {
    let cut = |needed: u64| PixelError::Truncated {
        what: "pixel data",
        needed,
        got: bytes.len() as u64,
    };
    if layout.bits_allocated == 1 {
        let count = layout.samples();
        let first = u64::from(n) * count as u64;
        let needed = (first + count as u64).div_ceil(8);
        if (bytes.len() as u64) < needed {
            return Err(cut(needed));
        }
        if order.big && order.words {
            let start = (first / 16 * 2) as usize;
            let end = (needed.next_multiple_of(2) as usize).min(bytes.len());
            let swapped = swap_pairs(&bytes[start..end]);
            return Ok(bits(unpack_bits(&swapped, first % 16, count), layout));
        }
        return Ok(bits(unpack_bits(bytes, first, count), layout));
    }
    let size = stored_bytes(layout);
    let start = u64::from(n) * size as u64;
    let end = start + size as u64;
    if (bytes.len() as u64) < end {
        return Err(cut(end));
    }
    if order.big && order.words && layout.bits_allocated == 8 {
        let (from, to) = (start / 2 * 2, end.next_multiple_of(2).min(bytes.len() as u64));
        let swapped = swap_pairs(&bytes[from as usize..to as usize]);
        let skip = (start - from) as usize;
        return samples(&swapped[skip..skip + size], order, layout);
    }
    samples(&bytes[start as usize..end as usize], order, layout)
}

/// Bits as samples; a signed bit is 0 or -1.
fn bits(values: Vec<u8>, layout: &Layout) -> Samples {
    if layout.signed {
        finish(values.into_iter().map(u32::from), Cell::low(1), layout)
    } else {
        Samples::U8(values)
    }
}

/// The samples of exactly one frame of whole bytes.
pub(crate) fn samples(bytes: &[u8], order: Order, layout: &Layout) -> Result<Samples> {
    let big = order.big;
    let bytes = by_pixel(bytes, layout);
    let cell = Cell::of(layout);
    Ok(match (layout.kind, layout.bits_allocated) {
        (Kind::Float, _) => Samples::F32(words4(&bytes, big).map(f32::from_bits).collect()),
        (Kind::DoubleFloat, _) => Samples::F64(
            bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&w| {
                    if big {
                        f64::from_be_bytes(w)
                    } else {
                        f64::from_le_bytes(w)
                    }
                })
                .collect(),
        ),
        (Kind::Integer, 8) => finish(bytes.iter().map(|&b| u32::from(b)), cell, layout),
        (Kind::Integer, 16) => {
            let word = |&w: &[u8; 2]| {
                if big {
                    u16::from_be_bytes(w)
                } else {
                    u16::from_le_bytes(w)
                }
            };
            finish(
                bytes.as_chunks::<2>().0.iter().map(|w| u32::from(word(w))),
                cell,
                layout,
            )
        }
        (Kind::Integer, 32) => finish(words4(&bytes, big), cell, layout),
        (Kind::Integer, bits) => return Err(PixelError::layout(format!("{bits} bits allocated"))),
    })
}

fn words4(bytes: &[u8], big: bool) -> impl Iterator<Item = u32> {
    let word = move |&w: &[u8; 4]| {
        if big {
            u32::from_be_bytes(w)
        } else {
            u32::from_le_bytes(w)
        }
    };
    bytes.as_chunks::<4>().0.iter().map(word)
}

/// Bytes of a frame as it is stored: in YBR_FULL_422 two pixels share their chroma.
pub(crate) fn stored_bytes(layout: &Layout) -> usize {
    if is_422(layout) {
        let pairs = usize::from(layout.columns).div_ceil(2) * usize::from(layout.rows);
        pairs * 4 * layout.sample_bytes()
    } else {
        layout.frame_bytes()
    }
}

fn is_422(layout: &Layout) -> bool {
    layout.photometric == Photometric::YbrFull422 && layout.kind == Kind::Integer
}

fn swap_pairs(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(2)
        .flat_map(|pair| pair.iter().rev().copied())
        .collect()
}

/// The samples of each pixel side by side: planes are woven, shared chroma is repeated for both pixels of a pair.
fn by_pixel<'a>(bytes: &'a [u8], layout: &Layout) -> Cow<'a, [u8]> {
    let (width, channels) = (layout.sample_bytes(), usize::from(layout.samples_per_pixel));
    if is_422(layout) {
        let columns = usize::from(layout.columns);
        let mut out = Vec::with_capacity(layout.frame_bytes());
        for row in bytes.chunks_exact(columns.div_ceil(2) * 4 * width) {
            for x in 0..columns {
                let pair = &row[x / 2 * 4 * width..][..4 * width];
                out.extend_from_slice(&pair[x % 2 * width..][..width]);
                out.extend_from_slice(&pair[2 * width..]);
            }
        }
        return Cow::Owned(out);
    }
    if layout.planar_configuration == 0 || channels == 1 {
        return Cow::Borrowed(bytes);
    }
    let pixels = layout.pixels();
    let mut out = vec![0; bytes.len()];
    for (channel, plane) in bytes.chunks_exact(pixels * width).enumerate() {
        for (pixel, sample) in plane.chunks_exact(width).enumerate() {
            out[(pixel * channels + channel) * width..][..width].copy_from_slice(sample);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bits: u16, channels: u16) -> Layout {
        Layout {
            rows: 1,
            columns: 2,
            frames: 2,
            samples_per_pixel: channels,
            bits_allocated: bits,
            bits_stored: bits,
            high_bit: bits - 1,
            ..Layout::default()
        }
    }

    #[test]
    fn either_order_and_every_width() {
        let big = Order {
            big: true,
            words: false,
        };
        let bytes: Vec<u8> = (0..32).collect();
        let at = |bits, order| frame(&bytes, 1, order, &layout(bits, 1)).unwrap();
        assert_eq!(at(8, Order::LITTLE), Samples::U8(vec![2, 3]));
        assert_eq!(
            at(
                8,
                Order {
                    big: true,
                    words: true
                }
            ),
            Samples::U8(vec![3, 2])
        );
        assert_eq!(at(16, Order::LITTLE), Samples::U16(vec![0x0504, 0x0706]));
        assert_eq!(at(16, big), Samples::U16(vec![0x0405, 0x0607]));
        assert_eq!(at(32, big), Samples::U32(vec![0x0809_0A0B, 0x0C0D_0E0F]));
        let float = Layout {
            kind: Kind::Float,
            ..layout(32, 1)
        };
        let bytes: Vec<u8> = [0.0, 1.0, -2.5, f32::MAX]
            .iter()
            .flat_map(|v: &f32| v.to_le_bytes())
            .collect();
        assert_eq!(
            frame(&bytes, 1, Order::LITTLE, &float).unwrap(),
            Samples::F32(vec![-2.5, f32::MAX])
        );
        let double = Layout {
            kind: Kind::DoubleFloat,
            ..layout(64, 1)
        };
        let bytes: Vec<u8> = [0.5, 1.5].iter().flat_map(|v: &f64| v.to_be_bytes()).collect();
        assert_eq!(
            frame(&bytes, 0, big, &double).unwrap(),
            Samples::F64(vec![0.5, 1.5])
        );
        assert!(matches!(
            frame(&bytes, 1, big, &double),
            Err(PixelError::Truncated { .. })
        ));
    }

    #[test]
    fn planes_and_shared_chroma() {
        let planes = Layout {
            planar_configuration: 1,
            frames: 1,
            ..layout(8, 3)
        };
        let woven = frame(&[1, 2, 3, 4, 5, 6], 0, Order::LITTLE, &planes).unwrap();
        assert_eq!(woven, Samples::U8(vec![1, 3, 5, 2, 4, 6]));
        let shared = Layout {
            photometric: Photometric::YbrFull422,
            ..layout(8, 3)
        };
        let pairs = frame(&[0, 0, 0, 0, 10, 20, 30, 40], 1, Order::LITTLE, &shared).unwrap();
        assert_eq!(pairs, Samples::U8(vec![10, 30, 40, 20, 30, 40]));
    }

    #[test]
    fn bits_of_later_frames_in_either_order() {
        let layout = Layout {
            rows: 3,
            columns: 3,
            ..layout(1, 1)
        };
        let little = [0b1011_0101, 0b0110_1100, 0b1, 0];
        let expected = Samples::U8(vec![0, 1, 1, 0, 1, 1, 0, 1, 0]);
        assert_eq!(frame(&little, 1, Order::LITTLE, &layout).unwrap(), expected);
        let swapped = swap_pairs(&little);
        assert_eq!(
            frame(
                &swapped,
                1,
                Order {
                    big: true,
                    words: true
                },
                &layout
            )
            .unwrap(),
            expected
        );
        assert!(matches!(
            frame(&little[..2], 1, Order::LITTLE, &layout),
            Err(PixelError::Truncated { .. })
        ));
    }
}
