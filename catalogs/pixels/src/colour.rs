//! YBR_FULL to RGB (PS3.3 C.7.6.3.1.2), with pydicom's rounding.

use crate::frame::Samples;

/// Converts pixels of three samples in place. Chroma is centred on half the range of `bits`; results are clamped to it.
/// Samples of other types than unsigned 8 and 16 bits have no such meaning and stay.
pub(crate) fn ybr_to_rgb(samples: &mut Samples, bits: u32) {
    match samples {
        Samples::U8(v) => convert(v, bits.min(8), f32::from, |x| x as u8),
        Samples::U16(v) => convert(v, bits.min(16), f32::from, |x| x as u16),
        _ => {}
    }
}

fn convert<T: Copy>(samples: &mut [T], bits: u32, from: impl Fn(T) -> f32, to: impl Fn(f32) -> T) {
    let (half, top) = (
        (1_u32 << bits.saturating_sub(1)) as f32,
        ((1_u32 << bits) - 1) as f32,
    );
    for [a, b, c] in samples.as_chunks_mut::<3>().0 {
        let (y, cb, cr) = (from(*a), from(*b) - half, from(*c) - half);
        let fit = |x: f32| to((x + 0.5).floor().clamp(0.0, top));
        *a = fit(y + 1.402 * cr);
        *b = fit(y - (0.114 * 1.772 / 0.587) * cb - (0.299 * 1.402 / 0.587) * cr);
        *c = fit(y + 1.772 * cb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries() {
        // Grey, and red, green, blue as PS3.3's matrix gives them.
        let ybr = vec![77, 128, 128, 76, 85, 255, 150, 44, 21, 29, 255, 107];
        let mut samples = Samples::U8(ybr);
        ybr_to_rgb(&mut samples, 8);
        assert_eq!(
            samples,
            Samples::U8(vec![77, 77, 77, 254, 0, 0, 0, 255, 1, 0, 0, 254])
        );
        let mut wide = Samples::U16(vec![1000, 2048, 4095]);
        ybr_to_rgb(&mut wide, 12);
        assert_eq!(wide, Samples::U16(vec![3870, 0, 1000]));
    }
}
