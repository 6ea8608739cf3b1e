//! A scan of predicted samples (T.81 annex H).

use super::header::{Frame, Scan};
use super::huffman::Bits;
use super::{Plane, broken};
use crate::error::Result;

/// Decodes the scan into the planes of its components; gives the length of its data.
pub(super) fn scan(frame: &Frame, scan: &Scan<'_>, planes: &mut [Plane]) -> Result<usize> {
    let mut bits = Bits::new(scan.data);
    let (width, height) = (frame.width, frame.height);
    let start = 1_i32 << (frame.precision - scan.shift - 1);
    // The samples before the point transform is undone: predictions are made from these.
    let mut rows = vec![[vec![0_i32; width], vec![0_i32; width]]; scan.components.len()];
    // The unit that an interval starts with: what lies before it predicts nothing (H.1.2.1).
    let mut first = 0;
    for y in 0..height {
        for x in 0..width {
            let unit = y * width + x;
            if scan.restart > 0 && unit > 0 && unit % scan.restart == 0 {
                bits.restart()?;
                first = unit;
            }
            for (component, [above, row]) in scan.components.iter().zip(&mut rows) {
                let prediction = if unit == first {
                    start
                } else if unit - first < width && x > 0 {
                    // The first line of an interval, whatever column it starts in.
                    row[x - 1]
                } else if x == 0 {
                    above[0]
                } else {
                    predict(scan.predictor, row[x - 1], above[x], above[x - 1])
                };
                let difference = match bits.symbol(component.dc)? {
                    16 => 32768,
                    size @ 0..16 => bits.extended(size.into())?,
                    _ => return broken("a difference of more than 16 bits"),
                };
                row[x] = (prediction + difference) & 0xFFFF;
            }
        }
        for (component, [above, row]) in scan.components.iter().zip(&mut rows) {
            let plane = &mut planes[component.index];
            for (place, &value) in plane.samples[y * plane.width..].iter_mut().zip(row.iter()) {
                *place = (value << scan.shift) as u16;
            }
            std::mem::swap(above, row);
        }
    }
    Ok(bits.end())
}

/// T.81 table H.1: from the samples to the left, above, and above to the left.
fn predict(predictor: u8, a: i32, b: i32, c: i32) -> i32 {
    match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::predict;
    use crate::layout::Layout;

    const WIDTH: usize = 7;
    const HEIGHT: usize = 5;

    /// Bits, most significant first, bytes of 0xFF stuffed.
    #[derive(Default)]
    struct Writer {
        bytes: Vec<u8>,
        held: u32,
        count: u32,
    }

    impl Writer {
        fn put(&mut self, value: u32, count: u32) {
            for bit in (0..count).rev() {
                self.held = self.held << 1 | value >> bit & 1;
                self.count += 1;
                if self.count == 8 {
                    self.bytes.push(self.held as u8);
                    if self.held & 0xFF == 0xFF {
                        self.bytes.push(0);
                    }
                    (self.held, self.count) = (0, 0);
                }
            }
        }

        fn pad(&mut self) {
            while self.count > 0 {
                self.put(1, 1);
            }
        }
    }

    /// A stream of 16 bits whose table has a code of five bits for each size, with a restart marker per `lines` lines.
    fn encode(image: &[i32], predictor: u8, shift: u32, lines: usize) -> Vec<u8> {
        let mut out = vec![
            0xFF,
            0xD8,
            0xFF,
            0xC3,
            0,
            11,
            16,
            0,
            HEIGHT as u8,
            0,
            WIDTH as u8,
            1,
            1,
            0x11,
            0,
        ];
        out.extend([
            0xFF,
            0xC4,
            0,
            19 + 17,
            0,
            0,
            0,
            0,
            0,
            17,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ]);
        out.extend(0..17);
        out.extend([0xFF, 0xDD, 0, 4, 0, (lines * WIDTH) as u8]);
        out.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, predictor, 0, shift as u8]);
        let mut bits = Writer::default();
        let at = |x: usize, y: usize| image[y * WIDTH + x] >> shift;
        for y in 0..HEIGHT {
            let first = lines > 0 && y % lines == 0 || y == 0;
            if first && y > 0 {
                bits.pad();
                bits.bytes.extend([0xFF, 0xD0 + ((y / lines - 1) % 8) as u8]);
            }
            for x in 0..WIDTH {
                let prediction = match (x, first) {
                    (0, true) => 1 << (15 - shift),
                    (_, true) => at(x - 1, y),
                    (0, false) => at(0, y - 1),
                    _ => predict(predictor, at(x - 1, y), at(x, y - 1), at(x - 1, y - 1)),
                };
                let difference = i32::from((at(x, y) - prediction) as i16);
                if difference == -32768 {
                    bits.put(16, 5);
                    continue;
                }
                let size = 32 - difference.unsigned_abs().leading_zeros();
                bits.put(size, 5);
                let value = if difference < 0 {
                    difference - 1
                } else {
                    difference
                };
                bits.put(value as u32 & ((1 << size) - 1), size);
            }
        }
        bits.pad();
        out.extend(bits.bytes);
        out.extend([0xFF, 0xD9]);
        out
    }

    #[test]
    fn predictors_point_transforms_and_restarts() {
        let layout = Layout {
            rows: HEIGHT as u16,
            columns: WIDTH as u16,
            frames: 1,
            samples_per_pixel: 1,
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            ..Layout::default()
        };
        let image: Vec<i32> = (0..(WIDTH * HEIGHT) as i32)
            .map(|i| (i * i * 4099 + i * 32768) & 0xFFFF)
            .collect();
        for predictor in 1..=7 {
            for (shift, lines) in [(0, 0), (0, 1), (0, 2), (3, 0), (3, 2)] {
                let stream = encode(&image, predictor, shift, lines);
                let expected: Vec<u32> = image.iter().map(|&v| (v >> shift << shift) as u32).collect();
                let decoded = decode(&stream, &layout).unwrap();
                assert_eq!(
                    decoded.words, expected,
                    "predictor {predictor}, shift {shift}, {lines} lines"
                );
                for cut in 0..stream.len() - 4 {
                    assert!(decode(&stream[..cut], &layout).is_err());
                }
            }
        }
    }
}
