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
