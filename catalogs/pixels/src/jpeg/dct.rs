//! The inverse discrete cosine transform of a block (T.81 A.3.3).

/// Place in a block, row by row, of the n-th coefficient in zigzag order (T.81 figure A.6).
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// `COSINES[x][u]`: C(u) / 2 · cos((2x + 1) u π / 16).
pub(super) type Cosines = [[f32; 8]; 8];

/// The factors, computed once per scan.
pub(super) fn cosines() -> Cosines {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let scale = if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
            (scale / 2.0 * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()) as f32
        })
    })
}

/// Samples of a block before the level shift. In floating point: T.81 leaves the arithmetic open, and this is within
/// half a grey level of the exact result, as the usual integer transforms are.
pub(super) fn inverse(coefficients: &[f32; 64], cosines: &Cosines) -> [f32; 64] {
    if coefficients[1..].iter().all(|&c| c == 0.0) {
        return [coefficients[0] / 8.0; 64];
    }
    // Rows first; many of the lower ones are empty.
    let mut half = [0.0_f32; 64];
    for v in 0..8 {
        let row: &[f32] = &coefficients[v * 8..v * 8 + 8];
        if row.iter().all(|&c| c == 0.0) {
            continue;
        }
        for x in 0..8 {
            half[v * 8 + x] = row.iter().zip(&cosines[x]).map(|(c, k)| c * k).sum();
        }
    }
    let mut out = [0.0_f32; 64];
    for y in 0..8 {
        for v in 0..8 {
            let k = cosines[y][v];
            for x in 0..8 {
                out[y * 8 + x] += k * half[v * 8 + x];
            }
        }
    }
    out
}
