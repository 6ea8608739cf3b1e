//! Frames of another grid than the source's: nearest voxels.

use super::{Findings, Footprint, Measures, Placing, copy, own_grid};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, invert, multiply};
use crate::mask::Mask;
use crate::placed::PlacedMask;
use crate::planes::Plane;

/// Places frames on their own grid, and takes the nearest of its voxels at each centre of the source's.
pub(super) fn resample(
    source: &Geometry,
    planes: &[Plane],
    measures: Measures,
    read: impl FnMut(usize, &mut [bool]) -> Result<()>,
) -> Result<Placing> {
    let own = own_grid(planes, measures)?;
    let footprints = planes
        .iter()
        .zip(&own.slices)
        .enumerate()
        .map(|(at, (plane, &slice))| {
            // The plane is moved to its slice: a distance may be off by more than corners may be.
            let off = own.geometry.index(plane.position)?[2] - slice as f64;
            let mut moved = plane.clone();
            for k in 0..3 {
                moved.position[k] -= off * own.geometry.spacing[2] * own.geometry.direction[3 * k + 2];
            }
            let inverse = invert(&own.geometry.index_to_physical()).ok_or(Error::BadDirection)?;
            Footprint::new(&own.geometry, &inverse, &moved, moved.axes(at)?).ok_or_else(|| Error::NoGrid {
                reason: format!("frame {at} is turned against the others"),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let on_own = copy(&own.geometry, planes, &footprints, read)?;
    let mut findings = Findings {
        resampled: true,
        inferred_spacing: own.inferred,
        repeated: on_own.findings.repeated,
        ..Findings::default()
    };
    let to_source = Between::new(&own.geometry, source)?;
    for (at, footprint) in footprints.iter().enumerate() {
        let [low, high] = footprint.corners().map(|c| c.map(|v| v as f64));
        let [from, to] = to_source.extent(low, high);
        if (0..3).any(|k| to[k] <= -0.5 || from[k] >= source.size[k] as f64 - 0.5) {
            findings.outside.push(at);
        } else if (0..3).any(|k| from[k] < -1.0 || to[k] > source.size[k] as f64) {
            findings.clipped.push(at);
        }
    }
    let mask = match on_own.mask {
        Some(placed) => nearest(source, &own.geometry, &placed, &to_source)?,
        None => None,
    };
    Ok(Placing { mask, findings })
}

/// Index of one grid to index of another.
struct Between {
    matrix: [f64; 9],
    shift: [f64; 3],
}

impl Between {
    fn new(from: &Geometry, to: &Geometry) -> Result<Self> {
        let inverse = invert(&to.index_to_physical()).ok_or(Error::BadDirection)?;
        let steps = from.index_to_physical();
        let columns: [[f64; 3]; 3] =
            std::array::from_fn(|c| multiply(&inverse, std::array::from_fn(|r| steps[3 * r + c])));
        Ok(Self {
            matrix: std::array::from_fn(|k| columns[k % 3][k / 3]),
            shift: multiply(&inverse, std::array::from_fn(|k| from.origin[k] - to.origin[k])),
        })
    }

    fn map(&self, index: [f64; 3]) -> [f64; 3] {
        let moved = multiply(&self.matrix, index);
        std::array::from_fn(|k| moved[k] + self.shift[k])
    }

    /// Extent of a box of voxels (both corners inclusive, with their half-widths) in the other grid.
    fn extent(&self, low: [f64; 3], high: [f64; 3]) -> [[f64; 3]; 2] {
        let [mut from, mut to] = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        for corner in 0..8 {
            let index = std::array::from_fn(|k| {
                if corner >> k & 1 == 0 {
                    low[k] - 0.5
                } else {
                    high[k] + 0.5
                }
            });
            let at = self.map(index);
            for k in 0..3 {
                from[k] = from[k].min(at[k]);
                to[k] = to[k].max(at[k]);
            }
        }
        [from, to]
    }
}

fn nearest(
    source: &Geometry,
    own: &Geometry,
    placed: &PlacedMask,
    to_source: &Between,
) -> Result<Option<PlacedMask>> {
    let size = placed.mask.geometry.size;
    let low = placed.low.map(|v| v as f64);
    let high = std::array::from_fn(|k| low[k] + (size[k] - 1) as f64);
    let [from, to] = to_source.extent(low, high);
    if (0..3).any(|k| to[k] < 0.0 || from[k] > (source.size[k] - 1) as f64) {
        return Ok(None);
    }
    // One voxel more on each side than rounding could miss; casts saturate at 0.
    let first: [usize; 3] = std::array::from_fn(|k| from[k].floor() as usize);
    let last: [usize; 3] = std::array::from_fn(|k| (to[k].ceil() as usize).min(source.size[k] - 1));
    let frame = source.crop(first, last);
    frame.check()?;
    let to_own = Between::new(source, own)?;
    let mut voxels = Vec::with_capacity(frame.len());
    for z in first[2]..=last[2] {
        for y in first[1]..=last[1] {
            for x in first[0]..=last[0] {
                let at = to_own.map([x as f64, y as f64, z as f64]);
                // Rounded first, so that half-way is half-way on grids turned by rounded cosines too.
                let at: [f64; 3] = std::array::from_fn(|k| ((at[k] - low[k]) * 1e6).round() / 1e6 + 0.5);
                let inside = (0..3).all(|k| at[k] >= 0.0 && at[k] < size[k] as f64);
                voxels.push(
                    inside && {
                        let [x, y, z] = at.map(|v| v as usize);
                        placed.mask.voxels[x + size[0] * (y + size[1] * z)]
                    },
                );
            }
        }
    }
    let mask = Mask::new(frame, voxels)?;
    Ok(PlacedMask::crop(&mask, source, first))
}
