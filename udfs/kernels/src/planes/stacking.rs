//! The planes of one orientation, put on top of each other.

use std::collections::BTreeMap;

use super::grouping::{Group, group};
use super::{IN_PLANE_TOLERANCE, MAX_EXTENT, Plane, SPACING_TOLERANCE, cosines::dot};
use crate::error::{Error, Result};
use crate::geometry::Geometry;

/// A grid and the planes that fill it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    /// The grid. Its number of voxels is not bounded: only what is read of it has to fit.
    pub geometry: Geometry,
    /// Per slice, the index of its plane in the list that was given; `None` where it is missing.
    pub planes: Vec<Option<usize>>,
    /// The key that tells this stack from others at the same place, where one was needed.
    pub key: Option<i64>,
    /// What is not as it should be.
    pub findings: Findings,
}

/// What is to be told of a stack. All empty: a regular stack.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Findings {
    /// Planes at the place of another: the one that is used, and the one that is not.
    pub duplicates: Vec<(usize, usize)>,
    /// Slices without a plane, where distances are multiples of the spacing.
    pub gaps: Vec<usize>,
    /// Distances between slices that are no multiples of one spacing.
    pub irregular: Option<Irregular>,
    /// Slices that are shifted within their plane.
    pub tilt: Option<Tilt>,
    /// Fewer slices than the other stacks of the same place: a time point that was broken off.
    pub incomplete: bool,
}

/// Distances between neighbouring slices, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Irregular {
    /// Smallest distance.
    pub smallest: f64,
    /// Largest distance.
    pub largest: f64,
    /// Largest distance of a slice from its place in the grid, which has the mean spacing.
    pub deviation: f64,
}

/// Shift within the plane; the grid is that of the first slice, nothing is resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tilt {
    /// Shift along x and y per millimetre along z, from the first slice to the last.
    pub shear: [f64; 2],
    /// Largest shift of a slice, mm.
    pub largest: f64,
    /// Largest distance from a straight shear, mm: more than a tenth means that it is no tilted gantry.
    pub residual: f64,
}

/// Sorts planes into stacks, those with most planes first. `thickness` (mm) is the spacing along z where a stack has a
/// single place; 1 without it. Fails on planes that are none, naming them; time is O(n log n).
///
/// Planes of other orientation, size or pixel spacing come into stacks of their own. Planes at the same place are told
/// apart by their keys, if no key then has two at one place and there are no more keys than planes at the fullest place;
/// else the first that came is used and the others are reported.
pub fn stacks(planes: &[Plane], thickness: Option<f64>) -> Result<Vec<Stack>> {
    let alone = match thickness {
        Some(t) if !(t >= 1e-6 && t.is_finite()) => {
            return Err(Error::BadSpacing {
                spacing: [1.0, 1.0, t],
            });
        }
        other => other.unwrap_or(1.0),
    };
    let mut found = Vec::new();
    for group in group(planes)? {
        let places = places(planes, &group);
        match by_key(planes, &places) {
            Some(parts) => {
                let most = parts.values().map(Vec::len).max().unwrap_or(0);
                for (key, part) in parts {
                    let mut stack = stack(planes, &group, &part, alone)?;
                    stack.key = Some(key);
                    stack.findings.incomplete = part.len() < most;
                    found.push(stack);
                }
            }
            None => found.push(stack(planes, &group, &places, alone)?),
        }
    }
    found.sort_by_key(|s| std::cmp::Reverse(s.planes.iter().flatten().count()));
    Ok(found)
}

/// A place along the normal (mm) and the planes there, as they came.
pub(crate) type Place = (f64, Vec<usize>);

/// The distinct places of a group, ascending. Places are the same within 1 % of the smaller pixel spacing, and within
/// 0.01 mm.
pub(crate) fn places(planes: &[Plane], group: &Group) -> Vec<Place> {
    let mut sorted: Vec<(f64, usize)> = group
        .members
        .iter()
        .map(|&m| (dot(planes[m].position, group.axes[2]), m))
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let spacing = planes[group.members[0]].spacing;
    let same = (SPACING_TOLERANCE * spacing[0].min(spacing[1])).min(0.01);
    let mut places: Vec<Place> = Vec::new();
    for (at, member) in sorted {
        match places.last_mut() {
            Some((place, here)) if at - *place <= same => here.push(member),
            _ => places.push((at, vec![member])),
        }
    }
    places.iter_mut().for_each(|(_, here)| here.sort_unstable());
    places
}

/// Splits places with several planes by key, if that makes stacks without duplicates.
fn by_key(planes: &[Plane], places: &[Place]) -> Option<BTreeMap<i64, Vec<Place>>> {
    let fullest = places.iter().map(|(_, here)| here.len()).max()?;
    if fullest < 2 {
        return None;
    }
    let mut parts: BTreeMap<i64, Vec<Place>> = BTreeMap::new();
    for (at, here) in places {
        for &member in here {
            let part = parts.entry(planes[member].key?).or_default();
            if part.last().is_some_and(|(last, _)| last == at) {
                return None;
            }
            part.push((*at, vec![member]));
        }
        if parts.len() > fullest {
            return None;
        }
    }
    Some(parts)
}

fn stack(planes: &[Plane], group: &Group, places: &[Place], alone: f64) -> Result<Stack> {
    let at: Vec<f64> = places.iter().map(|p| p.0).collect();
    let (spacing, slices, irregular) = rhythm(&at, alone);
    let count = slices.last().map_or(0, |last| last + 1);
    if count > MAX_EXTENT {
        return Err(Error::TooMany {
            what: "slices",
            got: count,
            limit: MAX_EXTENT,
        });
    }
    let mut filled = vec![None; count];
    let mut findings = Findings {
        irregular,
        ..Findings::default()
    };
    for (slice, (_, here)) in slices.iter().zip(places) {
        filled[*slice] = Some(here[0]);
        findings
            .duplicates
            .extend(here[1..].iter().map(|&other| (here[0], other)));
    }
    findings.gaps = (0..count).filter(|&k| filled[k].is_none()).collect();
    let used: Vec<usize> = filled.iter().copied().flatten().collect();
    findings.tilt = tilt(planes, group, &used);
    // The lowest slice decides, as in SimpleITK.
    let first = &planes[used[0]];
    let axes = first.axes(used[0])?;
    Ok(Stack {
        geometry: Geometry {
            size: [first.size[1], first.size[0], count],
            spacing: [first.spacing[1], first.spacing[0], spacing],
            origin: first.position,
            direction: std::array::from_fn(|k| axes[k % 3][k / 3]),
        },
        planes: filled,
        key: None,
        findings,
    })
}

/// Spacing, slice of each place, and whether places are irregular.
///
/// The regular distance is the median, or the smallest where most slices lack a neighbour; if every distance is a multiple
/// of it within the tolerance (of the distance, and never more than a tenth of the spacing), places between are gaps.
fn rhythm(at: &[f64], alone: f64) -> (f64, Vec<usize>, Option<Irregular>) {
    let mut steps: Vec<f64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    if steps.is_empty() {
        return (alone, vec![0], None);
    }
    let length = at[at.len() - 1] - at[0];
    let unsorted = steps.clone();
    steps.sort_by(f64::total_cmp);
    let (smallest, largest) = (steps[0], steps[steps.len() - 1]);
    for regular in [steps[(steps.len() - 1) / 2], smallest] {
        if let Some(slices) = multiples(&unsorted, regular) {
            let last = slices[slices.len() - 1];
            // A few slices kilometres apart are no stack with gaps.
            if last <= at.len().saturating_mul(16).saturating_add(64) {
                return (length / last as f64, slices, None);
            }
        }
    }
    let spacing = length / (at.len() - 1) as f64;
    let deviation = at
        .iter()
        .enumerate()
        .map(|(k, v)| (v - at[0] - k as f64 * spacing).abs())
        .fold(0.0, f64::max);
    let irregular = Irregular {
        smallest,
        largest,
        deviation,
    };
    (spacing, (0..at.len()).collect(), Some(irregular))
}

/// The slice of each place if all steps are multiples of `regular`.
pub(crate) fn multiples(steps: &[f64], regular: f64) -> Option<Vec<usize>> {
    let mut slices = vec![0usize];
    for step in steps {
        let ratio = (step / regular).round();
        if !(1.0..=MAX_EXTENT as f64).contains(&ratio) {
            return None;
        }
        let allowed = (SPACING_TOLERANCE * ratio).min(0.1) * regular;
        // Rounding in files makes a difference of exactly 1 % a little more.
        if (step - ratio * regular).abs() > allowed * (1.0 + 1e-9) {
            return None;
        }
        slices.push(slices[slices.len() - 1].saturating_add(ratio as usize));
    }
    Some(slices)
}

fn tilt(planes: &[Plane], group: &Group, used: &[usize]) -> Option<Tilt> {
    let origin = planes[used[0]].position;
    let relative = |member: usize| {
        let apart = std::array::from_fn(|k| planes[member].position[k] - origin[k]);
        group.axes.map(|axis| dot(apart, axis))
    };
    let [x, y, z] = relative(used[used.len() - 1]);
    let shear = if used.len() > 1 { [x / z, y / z] } else { [0.0; 2] };
    let (mut largest, mut residual) = (0.0f64, 0.0f64);
    for &member in used {
        let [x, y, z] = relative(member);
        largest = largest.max(x.hypot(y));
        residual = residual.max((x - shear[0] * z).hypot(y - shear[1] * z));
    }
    (largest > IN_PLANE_TOLERANCE).then_some(Tilt {
        shear,
        largest,
        residual,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
