//! Outline of a single slice: marching squares, PyRadiomics `cshape.c` (2D).

use crate::error::{Error, Result};
use crate::region::Region;

/// Outline of a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contour {
    /// Enclosed area, mm².
    pub surface: f64,
    /// Length, mm.
    pub perimeter: f64,
    /// Largest distance between two points of the outline, mm.
    pub diameter: f64,
}

/// Midpoints of the four edges of a square, as twice (row, column).
const EDGES: [[i32; 2]; 4] = [[0, 1], [1, 2], [2, 1], [1, 0]];

/// Lines (from edge, to edge) per set of corners inside; corners (row, column) 00, 01, 11, 10.
const LINES: [&[[u8; 2]]; 16] = [
    &[],
    &[[3, 0]],
    &[[0, 1]],
    &[[3, 1]],
    &[[1, 2]],
    &[[1, 2], [3, 0]],
    &[[0, 2]],
    &[[3, 2]],
    &[[2, 3]],
    &[[2, 0]],
    &[[0, 1], [2, 3]],
    &[[2, 1]],
    &[[1, 3]],
    &[[1, 0]],
    &[[0, 3]],
    &[],
];

/// The slice of a region that is one voxel thick along `flat` (0: z, 1: y, 2: x).
pub(crate) struct Slice {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Millimetres between rows and between columns.
    pub(crate) spacing: [f64; 2],
    /// Row-major.
    pub(crate) inside: Vec<bool>,
}

pub(crate) fn slice(region: &Region, flat: usize) -> Result<Slice> {
    let kept: [usize; 2] = match flat {
        0 => [1, 0],
        1 => [2, 0],
        2 => [2, 1],
        _ => {
            return Err(Error::BadSetting {
                name: "force2Ddimension",
                reason: "must be 0, 1 or 2".to_owned(),
            });
        }
    };
    if region.size[2 - flat] != 1 {
        let reason = "the region is thicker than one voxel in this dimension".to_owned();
        return Err(Error::BadSetting {
            name: "force2Ddimension",
            reason,
        });
    }
    Ok(Slice {
        rows: region.size[kept[0]],
        columns: region.size[kept[1]],
        spacing: [region.spacing[kept[0]], region.spacing[kept[1]]],
        inside: region.inside.clone(),
    })
}

/// Area, perimeter and diameter of a region that is one voxel thick along `flat` (PyRadiomics' `force2Ddimension`).
pub fn contour(region: &Region, flat: usize) -> Result<Contour> {
    let slice = slice(region, flat)?;
    let inside = |row: i64, column: i64| {
        (0..slice.rows as i64).contains(&row)
            && (0..slice.columns as i64).contains(&column)
            && slice.inside[row as usize * slice.columns + column as usize]
    };
    let mut found = Contour {
        surface: 0.0,
        perimeter: 0.0,
        diameter: 0.0,
    };
    let mut points: Vec<[i32; 2]> = Vec::new();
    for row in -1..slice.rows as i64 {
        for column in -1..slice.columns as i64 {
            let corners = [(0, 0), (0, 1), (1, 1), (1, 0)];
            let kind = corners.iter().enumerate().fold(0, |kind, (k, (r, c))| {
                kind | usize::from(inside(row + r, column + c)) << k
            });
            for line in LINES[kind] {
                let ends = line.map(|edge| {
                    let [r, c] = EDGES[usize::from(edge)];
                    [2 * row as i32 + 2 + r, 2 * column as i32 + 2 + c]
                });
                points.extend(ends);
                let [a, b] = ends.map(|p| {
                    [
                        f64::from(p[0]) * 0.5 * slice.spacing[0],
                        f64::from(p[1]) * 0.5 * slice.spacing[1],
                    ]
                });
                found.surface += 0.5 * (a[0] * b[1] - b[0] * a[1]);
                found.perimeter += (a[0] - b[0]).hypot(a[1] - b[1]);
            }
        }
    }
    found.diameter = super::diameter::planar(&mut points, slice.spacing);
    Ok(found)
}
