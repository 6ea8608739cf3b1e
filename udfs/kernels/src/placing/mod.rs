//! Frames of a Segmentation (PS3.3 A.51, C.8.20) on the grid of the images that they segment.
//!
//! A frame whose pixels coincide with voxels of the grid is copied, whichever way round it lies: axes flipped, transposed,
//! slices in any order, a part of a slice, empty frames left out, sagittal frames on an axial grid. Pixels coincide if all
//! four corners are within 0.1 mm, and within a quarter of a voxel, of voxel centres. Where one frame does not, the
//! segmentation's own grid is built ([`own_grid`]) and the nearest of its voxels taken at each centre of the source's
//! (half-way: the one with the larger index); that is told.

mod lattice;
mod members;
mod own;
mod resample;
mod runs;

pub use members::Members;
pub use own::{OwnGrid, own_grid};

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::geometry::{Geometry, MAX_VOXELS, invert};
use crate::placed::PlacedMask;
use crate::planes::grouping::near;
use crate::planes::{MAX_PLANES, Plane};
use lattice::Footprint;
use runs::Runs;

/// The frames of one segment on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Placing {
    /// The voxels; `None` if there is none.
    pub mask: Option<PlacedMask>,
    /// What is to be told.
    pub findings: Findings,
}

/// What is to be told; frames by their place in the list, from 0. All empty: the frames lie on the grid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// The frames are of another grid; voxels are the nearest ones.
    pub resampled: bool,
    /// The spacing between frames was not given and is taken from their positions. Only where they are resampled.
    pub inferred_spacing: bool,
    /// Frames wholly outside the grid.
    pub outside: Vec<usize>,
    /// Frames partly outside the grid.
    pub clipped: Vec<usize>,
    /// Voxels of the segment outside the grid; not counted where frames are resampled.
    pub voxels_outside: usize,
    /// Frames at the place of another, with the first one there. A voxel is inside if it is in either.
    pub repeated: Vec<(usize, usize)>,
}

/// Distance between neighbouring frames of a segmentation, as its Pixel Measures say (PS3.3 C.7.6.16.2.1), mm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measures {
    /// Spacing Between Slices. Without it the spacing is inferred where it is needed.
    pub between_slices: Option<f64>,
    /// Slice Thickness: the spacing of a segmentation with frames at one place only; 1 without it.
    pub thickness: Option<f64>,
}

/// Places the frames of one segment on `source`.
///
/// `read` writes which pixels of a frame belong to the segment into its buffer (columns fastest); it is called once per
/// frame ([`Members::mark`] does it for pixels of the usual kinds), and its errors are handed on. Memory is one frame, the runs
/// of member pixels, and the box of the result. Fails on planes that are none, on segmentations without a grid of their
/// own where one is needed, and beyond the bounds of planes, runs and voxels.
pub fn place(
    source: &Geometry,
    planes: &[Plane],
    measures: Measures,
    read: impl FnMut(usize, &mut [bool]) -> Result<()>,
) -> Result<Placing> {
    if planes.len() > MAX_PLANES {
        return Err(Error::TooMany {
            what: "frames",
            got: planes.len(),
            limit: MAX_PLANES,
        });
    }
    source.check_lattice()?;
    let inverse = invert(&source.index_to_physical()).ok_or(Error::BadDirection)?;
    let mut footprints = Vec::with_capacity(planes.len());
    for (at, plane) in planes.iter().enumerate() {
        let [rows, columns] = plane.size;
        if rows.saturating_mul(columns) > MAX_VOXELS {
            return Err(Error::BadSize {
                size: [columns, rows, 1],
                limit: MAX_VOXELS,
            });
        }
        match Footprint::new(source, &inverse, plane, plane.axes(at)?) {
            Some(footprint) => footprints.push(footprint),
            None => return resample::resample(source, planes, measures, read),
        }
    }
    if thicker(source, planes, &footprints, measures) {
        return resample::resample(source, planes, measures, read);
    }
    copy(source, planes, &footprints, read)
}

/// Whether frames coincide with slices but are as thick as several of them: copied, they would leave slices empty.
fn thicker(source: &Geometry, planes: &[Plane], footprints: &[Footprint], measures: Measures) -> bool {
    let (Some(between), Some(first)) = (measures.between_slices, footprints.first()) else {
        return false;
    };
    // What Pixel Measures claim counts only if the positions agree.
    !near(between, source.spacing[first.normal()]) && own_grid(planes, measures).is_ok()
}

/// Copies frames whose pixels are voxels of the grid.
fn copy(
    grid: &Geometry,
    planes: &[Plane],
    footprints: &[Footprint],
    mut read: impl FnMut(usize, &mut [bool]) -> Result<()>,
) -> Result<Placing> {
    let mut findings = Findings::default();
    let mut places: BTreeMap<[[i64; 3]; 2], usize> = BTreeMap::new();
    let mut runs = Runs::new(grid);
    let mut pixels = Vec::new();
    for (at, (plane, footprint)) in planes.iter().zip(footprints).enumerate() {
        let corners = footprint.corners();
        match places.get(&corners) {
            Some(&first) => findings.repeated.push((first, at)),
            None => {
                places.insert(corners, at);
            }
        }
        let [low, high] = corners;
        let size = grid.size.map(|n| n as i64);
        if (0..3).any(|k| high[k] < 0 || low[k] >= size[k]) {
            findings.outside.push(at);
        } else if (0..3).any(|k| low[k] < 0 || high[k] >= size[k]) {
            findings.clipped.push(at);
        }
        pixels.clear();
        pixels.resize(plane.size[0].saturating_mul(plane.size[1]), false);
        read(at, &mut pixels)?;
        findings.voxels_outside += runs.add(footprint, plane.size[1], &pixels)?;
    }
    Ok(Placing {
        mask: runs.finish(grid)?,
        findings,
    })
}

#[cfg(test)]
mod tests;
