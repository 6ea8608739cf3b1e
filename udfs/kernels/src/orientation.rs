//! The anatomical plane of an image, from its Image Orientation (Patient).

use std::fmt;

/// An image counts as axial, coronal or sagittal while its normal lies within acos 0.8 = 36.9° of the patient's axis, which
/// is where pixelmed and the tools that follow it draw the line.
const COSINE: f64 = 0.8;

/// Row and column directions closer than this (sine of their angle) span no plane.
const PARALLEL: f64 = 1e-3;

/// The anatomical plane of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// Normal along the patient's length.
    Axial,
    /// Normal from front to back.
    Coronal,
    /// Normal from right to left.
    Sagittal,
    /// Between the three.
    Oblique,
}

impl Plane {
    /// The name in SQL, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Plane::Axial => "axial",
            Plane::Coronal => "coronal",
            Plane::Sagittal => "sagittal",
            Plane::Oblique => "oblique",
        }
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Unit normal of an image, row × column direction, in the patient's coordinates (PS3.3 §C.7.6.2.1.1: x to the left, y to the
/// back, z to the head). `iop` holds the cosines of the row, then of the column direction.
///
/// Nothing where a cosine is not finite or the two span no plane: zero length, parallel.
pub fn normal(iop: &[f64; 6]) -> Option<[f64; 3]> {
    let [rx, ry, rz, cx, cy, cz] = *iop;
    let row = unit([rx, ry, rz])?;
    let column = unit([cx, cy, cz])?;
    let cross = [
        row[1] * column[2] - row[2] * column[1],
        row[2] * column[0] - row[0] * column[2],
        row[0] * column[1] - row[1] * column[0],
    ];
    let sine = cross.iter().map(|v| v * v).sum::<f64>().sqrt();
    if sine < PARALLEL {
        return None;
    }
    Some(cross.map(|v| v / sine))
}

/// A vector at length one, unless it is zero or not finite. Dividing by the largest component first keeps the square in range.
fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
    let largest = v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if !v.iter().all(|x| x.is_finite()) || largest == 0.0 {
        return None;
    }
    let v = v.map(|x| x / largest);
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    Some(v.map(|x| x / length))
}

/// The plane of an image from its Image Orientation (Patient), by the axis that its [`normal`] is within 36.9° of.
pub fn classify(iop: &[f64; 6]) -> Option<Plane> {
    let [x, y, z] = normal(iop)?.map(f64::abs);
    Some(if z >= COSINE {
        Plane::Axial
    } else if y >= COSINE {
        Plane::Coronal
    } else if x >= COSINE {
        Plane::Sagittal
    } else {
        Plane::Oblique
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes() {
        assert_eq!(classify(&[1., 0., 0., 0., 1., 0.]), Some(Plane::Axial));
        assert_eq!(classify(&[-1., 0., 0., 0., -1., 0.]), Some(Plane::Axial));
        assert_eq!(classify(&[1., 0., 0., 0., 0., -1.]), Some(Plane::Coronal));
        assert_eq!(classify(&[0., 1., 0., 0., 0., -1.]), Some(Plane::Sagittal));
        let s = 0.5_f64.sqrt();
        assert_eq!(classify(&[1., 0., 0., 0., s, s]), Some(Plane::Oblique));
        // Turned within its plane, an axial image stays axial.
        assert_eq!(classify(&[s, s, 0., -s, s, 0.]), Some(Plane::Axial));
        // Length is no matter, up to overflow.
        assert_eq!(classify(&[1e200, 0., 0., 0., 1e-200, 0.]), Some(Plane::Axial));
        assert_eq!(normal(&[2., 0., 0., 0., 0., -3.]), Some([0., 1., 0.]));
    }

    #[test]
    fn the_line_is_at_36_9_degrees() {
        let tilted = |degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            classify(&[1., 0., 0., 0., cos, sin])
        };
        assert_eq!(tilted(36.8), Some(Plane::Axial));
        assert_eq!(tilted(37.0), Some(Plane::Oblique));
        assert_eq!(tilted(53.0), Some(Plane::Oblique));
        assert_eq!(tilted(53.2), Some(Plane::Coronal));
    }

    #[test]
    fn what_spans_no_plane_has_none() {
        assert_eq!(classify(&[f64::NAN, 0., 0., 0., 1., 0.]), None);
        assert_eq!(classify(&[f64::INFINITY, 0., 0., 0., 1., 0.]), None);
        assert_eq!(classify(&[0.; 6]), None);
        assert_eq!(classify(&[1., 0., 0., 1., 0., 0.]), None);
        assert_eq!(classify(&[1., 0., 0., -1., 0., 0.]), None);
    }
}
