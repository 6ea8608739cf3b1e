//! Scanline fill, even-odd: every edge flips the parity of what lies right of it, in each row that it crosses.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Findings;
use super::assign::Outline;
use super::clip::area_outside;
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::mask::Mask;
use crate::placed::PlacedMask;

/// Most crossings of edges and rows, some seconds: contours that zigzag over the whole slice at every point are no
/// outlines.
const MAX_CROSSINGS: usize = 1 << 28;

/// Continuous extent of an outline: smallest x, y and largest x, y.
fn extent(outline: &Outline) -> [[f64; 2]; 2] {
    let [mut low, mut high] = [[f64::INFINITY; 2], [f64::NEG_INFINITY; 2]];
    for p in &outline.points {
        for k in 0..2 {
            low[k] = low[k].min(p[k]);
            high[k] = high[k].max(p[k]);
        }
    }
    [low, high]
}

/// Fills the outlines of all slices; tells those that leave the grid and slices that stay empty.
pub(super) fn fill(
    grid: &Geometry,
    slices: &BTreeMap<usize, Vec<Outline>>,
    findings: &mut Findings,
) -> Result<Option<PlacedMask>> {
    // The box of all outlines, cut to the grid; empty until an outline reaches a voxel centre's cell.
    let [mut low, mut high] = [[usize::MAX; 2], [0usize; 2]];
    for outline in slices.values().flatten() {
        let [from, to] = extent(outline);
        let edge = |k: usize| grid.size[k] as f64 - 0.5;
        if (0..2).any(|k| to[k] <= -0.5 || from[k] >= edge(k)) {
            findings.outside.push(outline.contour);
            continue;
        }
        if (0..2).any(|k| from[k] < -0.5 || to[k] > edge(k)) {
            let lost = area_outside(&outline.points, [-0.5; 2], [edge(0), edge(1)]);
            let pixel = grid.spacing[0] * grid.spacing[1];
            findings.clipped.push((outline.contour, lost * pixel));
        }
        for k in 0..2 {
            // Casts saturate: what is left of the grid begins at 0.
            low[k] = low[k].min((from[k].ceil() as usize).min(grid.size[k] - 1));
            high[k] = high[k].max((to[k].floor() as usize).min(grid.size[k] - 1));
        }
    }
    findings.outside.sort_unstable();
    findings.clipped.sort_by_key(|c| c.0);
    let (first, last) = match (slices.keys().next(), slices.keys().next_back()) {
        (Some(&first), Some(&last)) if (0..2).all(|k| low[k] <= high[k]) => (first, last),
        _ => {
            findings.empty_slices.extend(slices.keys());
            return Ok(None);
        }
    };
    let base = [low[0], low[1], first];
    let frame = grid.crop(base, [high[0], high[1], last]);
    frame.check()?;
    let [nx, ny, _] = frame.size;
    let origin = [base[0] as f64, base[1] as f64];
    // Counted before anything is filled.
    let crossings: usize = slices
        .values()
        .flatten()
        .flat_map(|outline| edges(&outline.points))
        .map(|(a, b)| rows(a, b, origin[1], ny).len())
        .sum();
    if crossings > MAX_CROSSINGS {
        return Err(Error::TooMany {
            what: "crossings of contours and rows",
            got: crossings,
            limit: MAX_CROSSINGS,
        });
    }
    let mut voxels = vec![false; frame.len()];
    for (slice, outlines) in slices {
        let area = &mut voxels[nx * ny * (slice - first)..][..nx * ny];
        for outline in outlines {
            flip(area, nx, origin, &outline.points);
        }
        let mut any = false;
        for row in area.chunks_exact_mut(nx) {
            let mut inside = false;
            for voxel in row {
                inside ^= *voxel;
                *voxel = inside;
                any |= inside;
            }
        }
        if !any {
            findings.empty_slices.push(*slice);
        }
    }
    let mask = Mask::new(frame, voxels)?;
    Ok(PlacedMask::crop(&mask, grid, base))
}

/// The edges of a closed polygon, each from top to bottom whichever way it is drawn: edges that outlines share cross rows
/// at the same x.
fn edges(points: &[[f64; 2]]) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
    let before = points.iter().skip(points.len() - 1).chain(points);
    before
        .zip(points)
        .map(|(&a, &b)| if a[1] <= b[1] { (a, b) } else { (b, a) })
}

/// The rows of the box (it begins at `base`) that an edge crosses: from its upper end to before its lower one.
fn rows(a: [f64; 2], b: [f64; 2], base: f64, ny: usize) -> Range<usize> {
    let row = |y: f64| (y - base).ceil().clamp(0.0, ny as f64) as usize;
    row(a[1])..row(b[1])
}

/// Flips the first voxel centre at or right of each crossing.
fn flip(area: &mut [bool], nx: usize, base: [f64; 2], points: &[[f64; 2]]) {
    let ny = area.len() / nx;
    for (a, b) in edges(points) {
        let slope = (b[0] - a[0]) / (b[1] - a[1]);
        for row in rows(a, b, base[1], ny) {
            let x = a[0] + (base[1] + row as f64 - a[1]) * slope - base[0];
            // The same rounding as of the points, so that a centre on a slanted edge is on it.
            let column = ((x * 1e6).round() / 1e6).ceil().max(0.0);
            if column < nx as f64 {
                area[row * nx + column as usize] ^= true;
            }
        }
    }
}
