//! Slices to grids: planes of DICOM's Image Plane Module (PS3.3 C.7.6.2) in any order become stacks with a [`Geometry`]
//! in the convention of ITK and SimpleITK.
//!
//! x runs along rows (increasing column index), y along columns (increasing row index), z along the normal, which is
//! row × column; slices ascend along the normal, whatever order they came in. The columns of the direction matrix are the
//! row cosines, the column cosines and the normal. Spacing along z is the distance between the first and the last place
//! by the number of steps, as SimpleITK's `ImageSeriesReader` computes it. Two differences from it: a missing slice is a
//! place without a plane (SimpleITK stretches the spacing), and distances are taken along the normal, also where slices
//! are sheared (SimpleITK takes the distance between the origins, which a tilted gantry lengthens).
//!
//! Tolerances are those that the Imaging Data Commons and SimpleITK use: 1 % of the spacing between slices, 0.1 mm within
//! the plane, 0.01 in a direction cosine.

pub(crate) mod cosines;
pub(crate) mod grouping;
pub(crate) mod stacking;

pub use stacking::{Findings, Irregular, Stack, Tilt, stacks};

use crate::error::{Error, Result};
#[cfg(doc)]
use crate::geometry::Geometry;

/// Share of the spacing by which distances between slices may differ from it.
pub const SPACING_TOLERANCE: f64 = 0.01;
/// Millimetres within the plane by which slices may be shifted against each other.
pub const IN_PLANE_TOLERANCE: f64 = 0.1;
/// Difference of a direction cosine (and of a length or a scalar product that should be 1 or 0).
pub const COSINE_TOLERANCE: f64 = 0.01;
/// Most planes that are taken at once.
pub const MAX_PLANES: usize = 1 << 20;
/// Most rows or columns of a plane, and most slices of a stack with its missing ones.
pub const MAX_EXTENT: usize = 1 << 20;
/// Most orientations (or sizes, or pixel spacings) among the planes of one call.
pub const MAX_GROUPS: usize = 1024;
/// A kilometre: no coordinate in the patient is farther from the origin.
pub(crate) const FARTHEST: f64 = 1e6;

/// A slice or a frame in the patient, as DICOM describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// Image Position (Patient): centre of the first pixel, mm.
    pub position: [f64; 3],
    /// First triple of Image Orientation (Patient): the direction of increasing column index.
    pub row: [f64; 3],
    /// Second triple: the direction of increasing row index.
    pub column: [f64; 3],
    /// Pixel Spacing, in DICOM's order: between rows, between columns, mm.
    pub spacing: [f64; 2],
    /// Rows, columns.
    pub size: [usize; 2],
    /// What tells planes at one place apart: a time point, an echo, a b-value, as a number that is the same for all
    /// slices of one volume.
    pub key: Option<i64>,
}

impl Plane {
    /// The plane's axes, orthonormal: row, column, normal. Fails where a value is not finite or no direction, naming
    /// `at`, the plane's place in its list.
    pub fn axes(&self, at: usize) -> Result<[[f64; 3]; 3]> {
        let bad = |what, reason| {
            Err(Error::BadPlane {
                plane: at,
                what,
                reason,
            })
        };
        if !self.position.iter().all(|v| v.abs() <= FARTHEST) {
            return bad("Image Position (Patient)", "is not finite, or beyond a kilometre");
        }
        if !self.spacing.iter().all(|v| *v >= 1e-6 && *v <= FARTHEST) {
            return bad("Pixel Spacing", "is not between a nanometre and a kilometre");
        }
        if !self.size.iter().all(|n| (1..=MAX_EXTENT).contains(n)) {
            return bad("Rows or Columns", "is 0 or beyond a million");
        }
        cosines::orthonormal(self.row, self.column)
            .or_else(|reason| bad("Image Orientation (Patient)", reason))
    }
}
