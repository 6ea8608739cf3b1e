//! The grid of a segmentation itself, without the images that it segments.

use super::{Measures, lattice};
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::planes::cosines::dot;
use crate::planes::grouping::group;
use crate::planes::stacking::{multiples, places};
use crate::planes::{MAX_EXTENT, Plane};

/// The grid that a segmentation's frames are slices of.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnGrid {
    /// The grid, from the lowest frame to the highest; frames within a plane may be parts of it.
    pub geometry: Geometry,
    /// The slice of each frame.
    pub slices: Vec<usize>,
    /// The spacing between slices was not given: it is the greatest of which all distances are multiples (1 %).
    pub inferred: bool,
}

/// The grid of frames in any order. Positions must be multiples of the spacing between slices, within 1 %: it is never taken
/// from two consecutive frames, as empty frames are left out. Fails on planes that are none and on frames that form no
/// grid, saying why.
pub fn own_grid(planes: &[Plane], measures: Measures) -> Result<OwnGrid> {
    let none = |reason: String| Err(Error::NoGrid { reason });
    for given in [measures.between_slices, measures.thickness]
        .into_iter()
        .flatten()
    {
        if !(given >= 1e-6 && given.is_finite()) {
            return Err(Error::BadSpacing {
                spacing: [1.0, 1.0, given],
            });
        }
    }
    let groups = group(planes)?;
    let [group] = &groups[..] else {
        return none(format!("{} orientations, sizes or pixel spacings", groups.len()));
    };
    let places = places(planes, group);
    let steps: Vec<f64> = places.windows(2).map(|w| w[1].0 - w[0].0).collect();
    let length = places[places.len() - 1].0 - places[0].0;
    let (found, inferred) = match measures.between_slices {
        Some(given) => (multiples(&steps, given), false),
        None => (infer(&steps), true),
    };
    let Some(slice_of_place) = found else {
        return none(match measures.between_slices {
            Some(given) => {
                format!("positions of frames are no multiples of {given} mm, the spacing between slices")
            }
            None => "positions of frames are no multiples of one spacing".to_owned(),
        });
    };
    let last = slice_of_place[slice_of_place.len() - 1];
    if last >= MAX_EXTENT {
        return none(format!("more than {MAX_EXTENT} slices"));
    }
    let spacing = match (last, measures.between_slices, measures.thickness) {
        (0, Some(given), _) | (0, None, Some(given)) => given,
        (0, None, None) => 1.0,
        _ => length / last as f64,
    };
    let mut slices = vec![0; planes.len()];
    for (slice, (_, here)) in slice_of_place.iter().zip(&places) {
        here.iter().for_each(|&frame| slices[frame] = *slice);
    }

    let first = &planes[places[0].1[0]];
    let mut geometry = Geometry {
        size: [first.size[1], first.size[0], last + 1],
        spacing: [first.spacing[1], first.spacing[0], spacing],
        origin: first.position,
        direction: std::array::from_fn(|k| group.axes[k % 3][k / 3]),
    };
    // Frames that are parts of a plane, or shifted by whole pixels.
    let [mut low, mut high] = [[0.0f64; 2]; 2];
    for (at, plane) in planes.iter().enumerate() {
        let apart = std::array::from_fn(|k| plane.position[k] - first.position[k]);
        for k in 0..2 {
            let offset = dot(apart, group.axes[k]) / geometry.spacing[k];
            if (offset - offset.round()).abs() > lattice::tolerance(&geometry, k) {
                return none(format!("frame {at} is shifted by a part of a pixel"));
            }
            low[k] = low[k].min(offset.round());
            high[k] = high[k].max(offset.round());
        }
    }
    if (0..2).any(|k| high[k] - low[k] > MAX_EXTENT as f64) {
        return none("frames are too far apart within their plane".to_owned());
    }
    geometry.origin = geometry.physical([low[0], low[1], 0.0]);
    for k in 0..2 {
        geometry.size[k] += (high[k] - low[k]) as usize;
    }
    Ok(OwnGrid {
        geometry,
        slices,
        inferred,
    })
}

/// Slices by the greatest spacing of which all steps are multiples: the smallest step, its half, its third …
fn infer(steps: &[f64]) -> Option<Vec<usize>> {
    let smallest = steps.iter().copied().fold(f64::INFINITY, f64::min);
    if steps.is_empty() {
        return Some(vec![0]);
    }
    // Beyond an eighth, one percent of the distances allows nearly anything.
    (1..=8).find_map(|part| multiples(steps, smallest / f64::from(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;
    use crate::placing::tests::cut;

    #[test]
    fn own_grid_counts_omitted_frames() {
        let source = Geometry::new([4, 3, 30], [0.5, 0.5, 1.25]).unwrap();
        let mask = Mask::new(source.clone(), vec![true; source.len()]).unwrap();
        let planes = |slices: &[i64], start: [i64; 2]| -> Vec<Plane> {
            slices
                .iter()
                .map(|&k| cut(&mask, [(0, 1), (1, 1)], k, start, [3, 4], true).0)
                .collect()
        };
        let given = Measures {
            between_slices: Some(1.25),
            thickness: Some(5.0),
        };
        let grid = own_grid(&planes(&[9, 3, 5], [0, 0]), given).unwrap();
        assert_eq!(
            (grid.geometry.size, &grid.slices[..], grid.inferred),
            ([4, 3, 7], &[6, 0, 2][..], false)
        );
        assert_eq!(grid.geometry.origin, [0.0, 0.0, 3.75]);
        assert_eq!(grid.geometry.spacing, [0.5, 0.5, 1.25]);
        // Not given: the greatest that fits, here twice the true one, or the true one where steps of 2 and 3 tell it.
        let grid = own_grid(&planes(&[9, 3, 5], [0, 0]), Measures::default()).unwrap();
        assert_eq!(
            (grid.geometry.spacing[2], &grid.slices[..], grid.inferred),
            (2.5, &[3, 0, 1][..], true)
        );
        let grid = own_grid(&planes(&[3, 5, 8], [0, 0]), Measures::default()).unwrap();
        assert_eq!(
            (grid.geometry.spacing[2], &grid.slices[..]),
            (1.25, &[0, 2, 5][..])
        );
        // One place: what is given, the thickness, 1.
        for (measures, spacing) in [
            (given, 1.25),
            (
                Measures {
                    between_slices: None,
                    ..given
                },
                5.0,
            ),
            (Measures::default(), 1.0),
        ] {
            assert_eq!(
                own_grid(&planes(&[4], [0, 0]), measures)
                    .unwrap()
                    .geometry
                    .spacing[2],
                spacing
            );
        }
        // Tiles.
        let mut tiles = planes(&[3], [0, 0]);
        tiles.extend(planes(&[4], [-4, 3]));
        let grid = own_grid(&tiles, given).unwrap();
        assert_eq!(
            (grid.geometry.size, grid.geometry.origin),
            ([8, 6, 2], [-2.0, 0.0, 3.75])
        );
        // No grid.
        let wrong = Measures {
            between_slices: Some(1.0),
            thickness: None,
        };
        assert!(matches!(
            own_grid(&planes(&[3, 4, 5], [0, 0]), wrong),
            Err(Error::NoGrid { .. })
        ));
        tiles[1].position[0] += 0.2;
        assert!(matches!(own_grid(&tiles, given), Err(Error::NoGrid { .. })));
        assert!(matches!(own_grid(&[], given), Err(Error::NoGrid { .. })));
        let zero = Measures {
            between_slices: Some(0.0),
            thickness: None,
        };
        assert!(matches!(own_grid(&tiles, zero), Err(Error::BadSpacing { .. })));
    }
}
