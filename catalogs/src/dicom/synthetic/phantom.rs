//! Pixel Data of synthetic images: an elliptic body with a round lesion on air, as runs of equal values, so that a
//! 512×512 slice costs a few kilobytes under RLE Lossless and still decodes to a picture.

/// What one image shows. Lengths are fractions of the image's width and height, centre at (0.5, 0.5).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phantom {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    /// Stored values of air, body and lesion.
    pub(crate) air: u16,
    pub(crate) body: u16,
    pub(crate) lesion: u16,
    /// Half axes of the body: horizontal, vertical.
    pub(crate) body_axes: [f64; 2],
    /// Centre (x, y) of the lesion's cut.
    pub(crate) lesion_at: [f64; 2],
    /// Its half axes: horizontal, vertical; 0 for none.
    pub(crate) lesion_axes: [f64; 2],
    /// How the lesion's stored values vary.
    pub(crate) texture: Texture,
}

/// Grain of a lesion: none, or a value for each few pixels of a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Texture {
    /// What the grain derives from, of one slice of one lesion.
    pub(crate) seed: u64,
    /// Stored values differ from the lesion's by at most this.
    pub(crate) amplitude: u16,
    /// Pixels of a row that share a value, at least 1.
    pub(crate) grain: u16,
}

impl Texture {
    fn value(self, lesion: u16, row: u16, column: usize) -> u16 {
        if self.amplitude == 0 {
            return lesion;
        }
        let grain = usize::from(self.grain.max(1));
        let place = (u64::from(row) / grain as u64) << 32 | (column / grain) as u64;
        let range = 2 * u64::from(self.amplitude) + 1;
        let shift = mix(self.seed ^ mix(place)) % range;
        (u64::from(lesion) + shift)
            .saturating_sub(u64::from(self.amplitude))
            .min(u64::from(u16::MAX)) as u16
    }
}

/// Finaliser of SplitMix64: every bit of the result depends on every bit of `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// `[start, end)` of an interval of columns inside an ellipse, or an empty interval.
fn chord(columns: u16, y: f64, centre: [f64; 2], axes: [f64; 2]) -> (usize, usize) {
    if axes[0] <= 0.0 || axes[1] <= 0.0 {
        return (0, 0);
    }
    let dy = (y - centre[1]) / axes[1];
    let half = (1.0 - dy * dy).max(0.0).sqrt() * axes[0];
    let width = f64::from(columns);
    let at = |x: f64| (x * width).round().clamp(0.0, width) as usize;
    (at(centre[0] - half), at(centre[0] + half))
}

impl Phantom {
    /// `[start, end)` of the lesion's columns in a row, or an empty interval within the body's.
    pub(crate) fn lesion_in(&self, row: u16) -> (usize, usize) {
        let y = (f64::from(row) + 0.5) / f64::from(self.rows);
        let (b0, b1) = chord(self.columns, y, [0.5, 0.5], self.body_axes);
        let (l0, l1) = chord(self.columns, y, self.lesion_at, self.lesion_axes);
        // The lesion lies inside the body: what sticks out is cut off.
        (l0.clamp(b0, b1), l1.clamp(b0, b1))
    }

    /// Runs of one row: (length, value), lengths adding up to the number of columns.
    fn runs(&self, row: u16, out: &mut Vec<(usize, u16)>) {
        out.clear();
        let y = (f64::from(row) + 0.5) / f64::from(self.rows);
        let (b0, b1) = chord(self.columns, y, [0.5, 0.5], self.body_axes);
        let (l0, l1) = self.lesion_in(row);
        let mut push = |n: usize, v: u16| {
            if n > 0 {
                out.push((n, v));
            }
        };
        push(b0, self.air);
        push(l0 - b0, self.body);
        let grain = match self.texture.amplitude {
            0 => usize::MAX,
            _ => usize::from(self.texture.grain.max(1)),
        };
        let mut at = l0;
        while at < l1 {
            let end = (at / grain).saturating_add(1).saturating_mul(grain).min(l1);
            push(end - at, self.texture.value(self.lesion, row, at));
            at = end;
        }
        push(b1 - l1, self.body);
        push(usize::from(self.columns) - b1, self.air);
    }

    /// Native words, row by row.
    pub(crate) fn native(&self) -> Vec<u16> {
        let mut words = Vec::with_capacity(usize::from(self.rows) * usize::from(self.columns));
        let mut runs = Vec::new();
        for row in 0..self.rows {
            self.runs(row, &mut runs);
            for &(n, v) in &runs {
                words.resize(words.len() + n, v);
            }
        }
        words
    }

    /// One fragment of RLE Lossless (PS3.5 Annex G): a segment of high bytes, then one of low bytes.
    pub(crate) fn rle(&self) -> Vec<u8> {
        let mut segments = [Vec::new(), Vec::new()];
        let mut runs = Vec::new();
        for row in 0..self.rows {
            self.runs(row, &mut runs);
            for &(n, v) in &runs {
                let [high, low] = v.to_be_bytes();
                pack(&mut segments[0], n, high);
                pack(&mut segments[1], n, low);
            }
        }
        let mut out = Vec::with_capacity(64 + segments[0].len() + segments[1].len() + 2);
        let first = 64u32;
        let even = |n: usize| n + n % 2;
        let second = first + even(segments[0].len()) as u32;
        for word in [2, first, second] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.resize(64, 0);
        for segment in segments {
            let end = out.len() + even(segment.len());
            out.extend_from_slice(&segment);
            out.resize(end, 0);
        }
        out
    }
}

/// `n` times `value` in PackBits: replicate runs of 2 to 128, a literal run for a single byte.
fn pack(out: &mut Vec<u8>, mut n: usize, value: u8) {
    while n > 0 {
        let run = n.min(128);
        out.push(if run == 1 { 0 } else { (257 - run) as u8 });
        out.push(value);
        n -= run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(mut bytes: &[u8], n: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < n {
            let (head, value) = (bytes[0], bytes[1]);
            bytes = &bytes[2..];
            let run = if head == 0 { 1 } else { 257 - usize::from(head) };
            out.resize(out.len() + run, value);
        }
        out
    }

    #[test]
    fn compressed_and_native_agree() {
        let p = Phantom {
            rows: 33,
            columns: 300,
            air: 24,
            body: 1064,
            lesion: 1200,
            body_axes: [0.45, 0.3],
            lesion_at: [0.6, 0.5],
            lesion_axes: [0.05, 0.1],
            texture: Texture {
                seed: 7,
                amplitude: 30,
                grain: 2,
            },
        };
        let native = p.native();
        assert_eq!(native.len(), 33 * 300);
        assert!([24, 1064].iter().all(|v| native.contains(v)));
        let lesion: Vec<u16> = native.iter().copied().filter(|v| *v > 1100).collect();
        assert!(lesion.iter().all(|v| (1170..=1230).contains(v)));
        assert!(lesion.iter().any(|v| *v < 1180) && lesion.iter().any(|v| *v > 1220));
        let cut: usize = (0..33)
            .map(|row| p.lesion_in(row))
            .map(|(from, to)| to - from)
            .sum();
        assert_eq!(lesion.len(), cut);
        let rle = p.rle();
        let offset = |i: usize| u32::from_le_bytes(rle[4 * i..4 * i + 4].try_into().unwrap()) as usize;
        let (high, low) = (
            unpack(&rle[offset(1)..], native.len()),
            unpack(&rle[offset(2)..], native.len()),
        );
        let back: Vec<u16> = high
            .iter()
            .zip(&low)
            .map(|(h, l)| u16::from_be_bytes([*h, *l]))
            .collect();
        assert_eq!(back, native);
    }
}
