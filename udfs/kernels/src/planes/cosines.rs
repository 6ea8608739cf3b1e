//! Direction cosines: what is none, and what rounding made of them.

use super::COSINE_TOLERANCE;

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// Row, column and normal of length 1 and at right angles; what is off by more than the tolerance is refused. Files round
/// cosines to some digits; grids need them exact, or corners of a wide image drift.
pub(super) fn orthonormal(row: [f64; 3], column: [f64; 3]) -> Result<[[f64; 3]; 3], &'static str> {
    if !row.iter().chain(&column).all(|v| v.is_finite()) {
        return Err("is not finite");
    }
    let unit = |v: [f64; 3]| {
        let length = dot(v, v).sqrt();
        // What is 1 but for its last digits stays as it was written.
        if (length - 1.0).abs() < 1e-12 {
            v
        } else {
            v.map(|c| c / length)
        }
    };
    let length = |v| (dot(v, v).sqrt() - 1.0).abs();
    if !(length(row) <= COSINE_TOLERANCE && length(column) <= COSINE_TOLERANCE) {
        return Err("has a direction whose length is not 1");
    }
    let (row, column) = (unit(row), unit(column));
    let lean = dot(row, column);
    if lean.abs() > COSINE_TOLERANCE {
        return Err("has rows and columns that are not at right angles");
    }
    let column = unit(std::array::from_fn(|k| column[k] - lean * row[k]));
    Ok([row, column, unit(cross(row, column))])
}

/// Whether two directions are the same within the tolerance.
pub(super) fn same(a: [f64; 3], b: [f64; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= COSINE_TOLERANCE)
}
