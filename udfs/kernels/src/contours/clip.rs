//! How much of an outline lies outside the grid.

/// Area of a polygon (in the units of its points, squared) outside the rectangle from `low` to `high`: its signed area
/// less that of the part which Sutherland & Hodgman's clipping leaves. A keyhole counts its ring only.
pub(super) fn area_outside(points: &[[f64; 2]], low: [f64; 2], high: [f64; 2]) -> f64 {
    let mut kept = points.to_vec();
    for axis in 0..2 {
        kept = half_plane(&kept, axis, low[axis], 1.0);
        kept = half_plane(&kept, axis, high[axis], -1.0);
    }
    (area(points).abs() - area(&kept).abs()).max(0.0)
}

/// The part of a polygon where `sign · (coordinate − limit)` is not negative.
fn half_plane(points: &[[f64; 2]], axis: usize, limit: f64, sign: f64) -> Vec<[f64; 2]> {
    let inside = |p: &[f64; 2]| sign * (p[axis] - limit) >= 0.0;
    let mut kept = Vec::with_capacity(points.len());
    for (k, b) in points.iter().enumerate() {
        let a = &points[if k == 0 { points.len() - 1 } else { k - 1 }];
        if inside(a) != inside(b) {
            let part = (limit - a[axis]) / (b[axis] - a[axis]);
            let mut crossing = [0, 1].map(|c: usize| a[c] + part * (b[c] - a[c]));
            crossing[axis] = limit;
            kept.push(crossing);
        }
        if inside(b) {
            kept.push(*b);
        }
    }
    kept
}

/// Signed area (the shoelace formula), relative to the first point so that far polygons keep their digits.
fn area(points: &[[f64; 2]]) -> f64 {
    let Some(&o) = points.first() else {
        return 0.0;
    };
    let cross = |a: &[f64; 2], b: &[f64; 2]| (a[0] - o[0]) * (b[1] - o[1]) - (b[0] - o[0]) * (a[1] - o[1]);
    0.5 * points.windows(2).map(|w| cross(&w[0], &w[1])).sum::<f64>()
}
