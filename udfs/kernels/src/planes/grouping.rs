//! Planes that can share a grid: same orientation, pixel spacing and size.

use super::{MAX_GROUPS, MAX_PLANES, Plane, SPACING_TOLERANCE, cosines};
use crate::error::{Error, Result};

/// Planes that may lie in one stack.
pub(crate) struct Group {
    /// Row, column, normal of the first plane that came.
    pub(crate) axes: [[f64; 3]; 3],
    /// Indexes of its planes, as they came.
    pub(crate) members: Vec<usize>,
}

/// Whether two lengths are the same within the tolerance for spacing.
pub(crate) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= SPACING_TOLERANCE * a.min(b)
}

/// Groups planes; each is checked. Time is linear in planes times groups, and groups are bounded.
pub(crate) fn group(planes: &[Plane]) -> Result<Vec<Group>> {
    let many = |what, got, limit| Err(Error::TooMany { what, got, limit });
    if planes.len() > MAX_PLANES {
        return many("planes", planes.len(), MAX_PLANES);
    }
    let mut groups: Vec<Group> = Vec::new();
    let mut latest = 0;
    for (at, plane) in planes.iter().enumerate() {
        let axes = plane.axes(at)?;
        let fits = |group: &Group| {
            let first = &planes[group.members[0]];
            first.size == plane.size
                && cosines::same(group.axes[0], axes[0])
                && cosines::same(group.axes[1], axes[1])
                && near(first.spacing[0], plane.spacing[0])
                && near(first.spacing[1], plane.spacing[1])
        };
        // Files of one stack come one after the other.
        let found = match groups.get(latest) {
            Some(group) if fits(group) => Some(latest),
            _ => groups.iter().position(fits),
        };
        latest = match found {
            Some(found) => {
                groups[found].members.push(at);
                found
            }
            None if groups.len() == MAX_GROUPS => {
                return many("orientations of planes", groups.len() + 1, MAX_GROUPS);
            }
            None => {
                groups.push(Group {
                    axes,
                    members: vec![at],
                });
                groups.len() - 1
            }
        };
    }
    Ok(groups)
}
