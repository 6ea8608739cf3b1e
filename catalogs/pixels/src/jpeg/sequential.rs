//! A scan of blocks (T.81 F.2).

use super::dct::{Cosines, ZIGZAG, cosines, inverse};
use super::header::{Frame, Scan, ScanComponent};
use super::huffman::Bits;
use super::{Plane, broken};
use crate::error::Result;

/// Decodes the scan into the planes of its components; gives the length of its data.
pub(super) fn scan(frame: &Frame, scan: &Scan<'_>, planes: &mut [Plane]) -> Result<usize> {
    let mut bits = Bits::new(scan.data);
    let mut dc = [0_i32; 4];
    let cosines = cosines();
    let alone = scan.components.len() == 1;
    // A component alone has no units of several blocks, and none that are padding only (A.2.2).
    let (across, down) = match scan.components.as_slice() {
        [one] => {
            let (width, height) = frame.size(&frame.components[one.index]);
            (width.div_ceil(8), height.div_ceil(8))
        }
        _ => frame.units(),
    };
    for unit in 0..across * down {
        if scan.restart > 0 && unit > 0 && unit % scan.restart == 0 {
            bits.restart()?;
            dc = [0; 4];
        }
        let (left, top) = (unit % across, unit / across);
        for (component, dc) in scan.components.iter().zip(&mut dc) {
            let spec = &frame.components[component.index];
            let (h, v) = if alone { (1, 1) } else { (spec.h, spec.v) };
            for y in 0..v {
                for x in 0..h {
                    let block = block(&mut bits, component, dc, &cosines)?;
                    let plane = &mut planes[component.index];
                    store(&block, frame.precision, plane, left * h + x, top * v + y);
                }
            }
        }
    }
    Ok(bits.end())
}

/// One block, before the level shift.
fn block(bits: &mut Bits<'_>, c: &ScanComponent<'_>, dc: &mut i32, cosines: &Cosines) -> Result<[f32; 64]> {
    let mut coefficients = [0.0_f32; 64];
    let size = u32::from(bits.symbol(c.dc)?);
    if size > 16 {
        return broken("a coefficient of more than 16 bits");
    }
    *dc = dc.wrapping_add(bits.extended(size)?);
    coefficients[0] = *dc as f32 * f32::from(c.quantisation[0]);
    let Some(ac) = c.ac else {
        return broken("a Huffman table is missing");
    };
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run != 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        let value = bits.extended(size)?;
        let Some(&place) = ZIGZAG.get(k) else {
            return broken("a block has more than 64 coefficients");
        };
        coefficients[usize::from(place)] = value as f32 * f32::from(c.quantisation[k]);
        k += 1;
    }
    Ok(inverse(&coefficients, cosines))
}

fn store(block: &[f32; 64], precision: u32, plane: &mut Plane, column: usize, row: usize) {
    let (half, top) = (
        (1_u32 << (precision - 1)) as f32,
        ((1_u32 << precision) - 1) as f32,
    );
    for (y, values) in block.as_chunks::<8>().0.iter().enumerate() {
        let start = (row * 8 + y) * plane.width + column * 8;
        for (place, &value) in plane.samples[start..start + 8].iter_mut().zip(values) {
            *place = (value + half + 0.5).floor().clamp(0.0, top) as u16;
        }
    }
}
