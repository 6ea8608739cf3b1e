//! Small streams of every codec, and the images that they were made of.
//!
//! `streams.txt` has a line per stream: codec, bits, what else, and the bytes in hexadecimal. All show 16 × 12 pixels of the two
//! functions below and were encoded from these by pyjpegls (CharLS), imagecodecs (libjpeg-turbo, OpenJPEG, OpenJPH) and
//! Pillow.

use radlake_pixels::{Encoding, Layout, Photometric};

pub(crate) const COLUMNS: usize = 16;
pub(crate) const ROWS: usize = 12;

/// A stream, what a data set says of it, and how it can be checked.
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) layout: Layout,
    /// Most grey levels that a decoded sample may be off.
    pub(crate) off: i64,
}

fn place(i: usize, channels: usize) -> (i64, i64, i64) {
    let (pixel, channel) = (i / channels, i % channels);
    ((pixel % COLUMNS) as i64, (pixel / COLUMNS) as i64, channel as i64)
}

/// Flat patches, and between them what no predictor finds.
pub(crate) fn busy(bits: u16, channels: usize) -> Vec<i64> {
    let sample = |i| {
        let (x, y, c) = place(i, channels);
        if (x / 6 + y / 5) % 3 == 0 {
            (1 << bits) / 3 + c
        } else {
            (x * x * 5 + y * 31 + x * y * (c + 1) + (x * y) % 7) % (1 << bits)
        }
    };
    (0..ROWS * COLUMNS * channels).map(sample).collect()
}

/// What a cosine transform keeps.
pub(crate) fn smooth(bits: u16, channels: usize) -> Vec<i64> {
    let sample = |i| {
        let (x, y, c) = place(i, channels);
        (x * 5 + y * 4 + c * 20) << (bits - 8)
    };
    (0..ROWS * COLUMNS * channels).map(sample).collect()
}

impl Stream {
    /// The samples that were encoded.
    pub(crate) fn image(&self) -> Vec<i64> {
        let (bits, channels) = (
            self.layout.bits_stored,
            usize::from(self.layout.samples_per_pixel),
        );
        if self.name.starts_with("dct") || self.name.starts_with("rst") {
            return smooth(bits, channels);
        }
        let down = if self.layout.signed { 1 << (bits - 1) } else { 0 };
        busy(bits, channels).into_iter().map(|v| v - down).collect()
    }
}

/// A layout of this image.
pub(crate) fn layout(bits: u16, channels: u16) -> Layout {
    Layout {
        rows: ROWS as u16,
        columns: COLUMNS as u16,
        frames: 1,
        samples_per_pixel: channels,
        bits_allocated: if bits > 8 { 16 } else { 8 },
        bits_stored: bits,
        high_bit: bits - 1,
        photometric: if channels == 3 {
            Photometric::Rgb
        } else {
            Photometric::Monochrome2
        },
        ..Layout::default()
    }
}

/// All of them.
pub(crate) fn streams() -> Vec<Stream> {
    include_str!("streams.txt").lines().map(stream).collect()
}

fn stream(line: &'static str) -> Stream {
    let (name, hex) = line.split_once(' ').unwrap();
    let bytes = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let parts: Vec<&str> = name.split('_').collect();
    let number = |i: usize| parts[i].parse::<u16>().unwrap();
    let (encoding, layout, off) = match parts[0] {
        "jls" => (Encoding::JpegLs, layout(number(1), number(3)), number(2).into()),
        "lossless" => (Encoding::Jpeg, layout(number(1), number(3)), 0),
        "dct" => (
            Encoding::Jpeg,
            layout(number(1), 1),
            if number(1) == 8 { 2 } else { 20 },
        ),
        "rst" => (
            Encoding::Jpeg,
            Layout {
                photometric: Photometric::YbrFull422,
                ..layout(8, 3)
            },
            8,
        ),
        _ => {
            let mut layout = layout(number(1), number(3));
            layout.signed = parts[2] == "s";
            if layout.samples_per_pixel == 3 {
                layout.photometric = Photometric::YbrRct;
            }
            (Encoding::Jpeg2000, layout, 0)
        }
    };
    Stream {
        name,
        bytes,
        encoding,
        layout,
        off,
    }
}

/// The element's value around one frame's stream, without an offset table.
pub(crate) fn element(stream: &[u8]) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0x00, 0xE0];
    out.extend((stream.len() as u32).to_le_bytes());
    out.extend(stream);
    out.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    out
}
