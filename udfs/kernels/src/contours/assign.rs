//! Which contour belongs to which slice.

use std::collections::BTreeMap;

use super::{Findings, Tolerance};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, invert, multiply};

/// A contour in the plane of its slice, in voxels.
pub(super) struct Outline {
    /// Its place in the list.
    pub(super) contour: usize,
    /// x, y of its points.
    pub(super) points: Vec<[f64; 2]>,
}

/// Rounds to a millionth of a voxel.
fn snap(v: f64) -> f64 {
    (v * 1e6).round() / 1e6
}

/// Contours per slice; those that cannot be used are told.
pub(super) fn assign<C: AsRef<[[f64; 3]]>>(
    grid: &Geometry,
    contours: &[C],
    tolerance: &Tolerance,
    findings: &mut Findings,
) -> Result<BTreeMap<usize, Vec<Outline>>> {
    let inverse = invert(&grid.index_to_physical()).ok_or(Error::BadDirection)?;
    let mut slices: BTreeMap<usize, Vec<(f64, Outline)>> = BTreeMap::new();
    for (contour, points) in contours.iter().enumerate() {
        let points = points.as_ref();
        if points.len() < 3 {
            findings.degenerate.push(contour);
            continue;
        }
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut flat = Vec::with_capacity(points.len());
        for p in points {
            let index = multiply(&inverse, std::array::from_fn(|k| p[k] - grid.origin[k])).map(snap);
            low = low.min(index[2]);
            high = high.max(index[2]);
            flat.push([index[0], index[1]]);
        }
        let at = snap(0.5 * (low + high));
        // Half-way between two slices counts for the upper one.
        let slice = (at + 0.5).floor();
        let outline = Outline {
            contour,
            points: flat,
        };
        if high - low > tolerance.parallel {
            findings.oblique.push(contour);
        } else if (at - slice).abs() > tolerance.slice || slice < 0.0 || slice >= grid.size[2] as f64 {
            findings.no_slice.push(contour);
        } else {
            slices
                .entry(slice as usize)
                .or_default()
                .push((at - slice, outline));
        }
    }
    let mut kept = BTreeMap::new();
    for (slice, outlines) in slices {
        let nearest = outlines
            .iter()
            .map(|(off, _)| *off)
            .min_by(|a, b| a.abs().total_cmp(&b.abs()).then(a.total_cmp(b)))
            .unwrap_or(0.0);
        findings.off_plane = findings.off_plane.max(nearest.abs() * grid.spacing[2]);
        let (near, far): (Vec<_>, Vec<_>) = outlines
            .into_iter()
            .partition(|(off, _)| (off - nearest).abs() <= tolerance.parallel);
        findings.superseded.extend(far.iter().map(|(_, o)| o.contour));
        kept.insert(slice, near.into_iter().map(|(_, o)| o).collect());
    }
    findings.superseded.sort_unstable();
    let mut expected: Option<usize> = None;
    for &slice in kept.keys() {
        findings.gaps.extend(expected.map_or(slice, |e| e)..slice);
        expected = Some(slice + 1);
    }
    Ok(kept)
}
