//! Contours of an RT Structure Set (PS3.3 C.8.8.6, CLOSED_PLANAR) to the voxels of a grid.
//!
//! Each contour is brought into index space and belongs to the nearest slice, if its plane is parallel to the slices.
//! A voxel is inside if its centre is: even-odd over all contours of its slice together (XOR), so that a contour within
//! another is a hole, and so is what a keyhole contour leaves out.
//!
//! Centres on an edge belong to the region on the side of smaller x and y (`x₁ ≤ x < x₂` in a row, edges cover rows
//! `y₁ ≤ y < y₂`): regions that share an edge share no voxel and leave none out. Positions are rounded to a millionth of
//! a voxel first, so that rounding in files and in the transformation does not decide.
//!
//! Contours at different places of one slice's thickness (drawn on thinner slices than the grid's) are not mixed: those
//! nearest to the slice's centre are taken, and the others told.

mod assign;
mod clip;
mod fill;

use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::placed::PlacedMask;
use crate::planes::FARTHEST;

/// Most points that the contours of one region may have.
pub const MAX_POINTS: usize = 10_000_000;

/// How far contours may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Distance from the slice, in slice spacings; at most 0.5.
    pub slice: f64,
    /// Extent of a contour along the normal, in slice spacings; beyond it, a contour is oblique.
    pub parallel: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            slice: 0.5,
            parallel: 0.1,
        }
    }
}

/// What became of a region's contours.
#[derive(Debug, Clone, PartialEq)]
pub struct Rasterised {
    /// The voxels; `None` if there is none.
    pub mask: Option<PlacedMask>,
    /// What is to be told.
    pub findings: Findings,
}

/// Contours (by their place in the list, from 0) and slices that are not as they should be. All empty: nothing to tell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// Fewer than three points.
    pub degenerate: Vec<usize>,
    /// Not parallel to the slices.
    pub oblique: Vec<usize>,
    /// Too far from any slice.
    pub no_slice: Vec<usize>,
    /// In a slice to which other contours are nearer.
    pub superseded: Vec<usize>,
    /// Partly outside the grid within the slice, and the area that is lost, mm².
    pub clipped: Vec<(usize, f64)>,
    /// Wholly outside the grid within the slice.
    pub outside: Vec<usize>,
    /// Slices that have contours and no voxel: smaller than a voxel, or outside.
    pub empty_slices: Vec<usize>,
    /// Slices without a contour between the first and the last that has one; nothing is interpolated.
    pub gaps: Vec<usize>,
    /// Largest distance of a contour that was used from its slice, mm.
    pub off_plane: f64,
}

/// Fills contours: closed polygons of points in patient coordinates, mm. Time is linear in points plus rows that edges
/// cross. Fails on coordinates that are not finite, naming the point, on more than [`MAX_POINTS`], and where the box of
/// the region has more voxels than a mask may.
pub fn rasterise<C: AsRef<[[f64; 3]]>>(
    grid: &Geometry,
    contours: &[C],
    tolerance: &Tolerance,
) -> Result<Rasterised> {
    grid.check_lattice()?;
    let points = contours.iter().map(|c| c.as_ref().len()).sum();
    if points > MAX_POINTS {
        return Err(Error::TooMany {
            what: "points of contours",
            got: points,
            limit: MAX_POINTS,
        });
    }
    for (name, value) in [("slice", tolerance.slice), ("parallel", tolerance.parallel)] {
        if !(0.0..=0.5).contains(&value) {
            return Err(Error::BadSetting {
                name,
                reason: format!("{value} slices is not between 0 and 0.5"),
            });
        }
    }
    for (contour, c) in contours.iter().enumerate() {
        if let Some(point) = c
            .as_ref()
            .iter()
            .position(|p| !p.iter().all(|v| v.abs() <= FARTHEST))
        {
            return Err(Error::BadContour { contour, point });
        }
    }
    let mut findings = Findings::default();
    let slices = assign::assign(grid, contours, tolerance, &mut findings)?;
    let mask = fill::fill(grid, &slices, &mut findings)?;
    Ok(Rasterised { mask, findings })
}

#[cfg(test)]
mod tests;
