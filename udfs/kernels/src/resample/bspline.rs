//! Cubic B-splines: ITK's `BSplineDecompositionImageFilter` and `BSplineInterpolateImageFunction` (after Unser 1999).

/// The pole of the cubic spline's inverse filter: √3 − 2.
const POLE: f64 = -0.267_949_192_431_122_7;
/// Samples after which ITK stops summing the mirrored border: pole^18 is below its tolerance of 10⁻¹⁰.
const HORIZON: usize = 18;

/// Turns samples along `axis` of a box into spline coefficients, in place. Lines of one sample stay.
pub(super) fn coefficients(data: &mut [f64], size: [usize; 3], axis: usize) {
    let n = size[axis];
    if n < 2 {
        return;
    }
    let inner: usize = size[..axis].iter().product();
    let mut line = vec![0.0; n];
    for block in data.chunks_exact_mut(inner * n) {
        for at in 0..inner {
            for (k, v) in line.iter_mut().enumerate() {
                *v = block[at + k * inner];
            }
            filter(&mut line);
            for (k, v) in line.iter().enumerate() {
                block[at + k * inner] = *v;
            }
        }
    }
}

fn filter(s: &mut [f64]) {
    let n = s.len();
    let gain = (1.0 - POLE) * (1.0 - 1.0 / POLE);
    s.iter_mut().for_each(|v| *v *= gain);
    s[0] = if HORIZON < n {
        let mut power = 1.0;
        s[..HORIZON]
            .iter()
            .map(|v| {
                let term = v * power;
                power *= POLE;
                term
            })
            .sum()
    } else {
        let inverse = 1.0 / POLE;
        let mut forward = POLE;
        let mut backward = POLE.powi(n as i32 - 1);
        let mut sum = s[0] + backward * s[n - 1];
        backward = backward * backward * inverse;
        for v in &s[1..n - 1] {
            sum += (forward + backward) * v;
            forward *= POLE;
            backward *= inverse;
        }
        sum / (1.0 - forward * forward)
    };
    for k in 1..n {
        s[k] += POLE * s[k - 1];
    }
    s[n - 1] = POLE / (POLE * POLE - 1.0) * (POLE * s[n - 2] + s[n - 1]);
    for k in (0..n - 1).rev() {
        let next = s[k + 1];
        s[k] = POLE * (next - s[k]);
    }
}

/// The four coefficients around a position, mirrored at the borders, and their weights.
pub(super) fn taps(at: f64, size: usize) -> ([usize; 4], [f64; 4]) {
    let base = at.floor();
    let w = at - base;
    let fourth = w * w * w / 6.0;
    let first = 1.0 / 6.0 + 0.5 * w * (w - 1.0) - fourth;
    let third = w + first - 2.0 * fourth;
    let last = size as i64 - 1;
    let mirrored = |k: i64| {
        let k = if last == 0 { 0 } else { k.abs() };
        (if k > last { 2 * last - k } else { k }).clamp(0, last) as usize
    };
    let base = base.clamp(-1e9, 1e9) as i64;
    (
        std::array::from_fn(|k| mirrored(base - 1 + k as i64)),
        [first, 1.0 - first - third - fourth, third, fourth],
    )
}
