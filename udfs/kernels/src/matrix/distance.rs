//! City-block distance of member voxels to the border of their region.

use crate::levels::Levels;

/// Distance of every voxel of the padded box to the nearest voxel outside `inside` (memberships of the box, x fastest), in
/// steps through faces; 1 on the border, 0 outside. `in_plane`: within slices (4 neighbours), as IBSI's 2D and 2.5D
/// distance zones need. What lies around the box counts as outside, as IBSI defines for the edge of the image.
pub(super) fn to_border(levels: &Levels, inside: &[bool], in_plane: bool) -> Vec<u32> {
    let mut distance = vec![0u32; levels.grey.len()];
    let mut members = Vec::new();
    let [nx, ny, _] = levels.size;
    for (k, _) in inside.iter().enumerate().filter(|(_, member)| **member) {
        let (x, y, z) = (
            k % nx + levels.pad,
            k / nx % ny + levels.pad,
            k / (nx * ny) + levels.pad,
        );
        let at = x + levels.stride[1] * y + levels.stride[2] * z;
        distance[at] = u32::MAX - 1;
        members.push(at);
    }
    let strides: &[usize] = if in_plane {
        &levels.stride[..2]
    } else {
        &levels.stride
    };
    // City-block distances are exact after one sweep forward and one backward.
    for &here in &members {
        let near = strides.iter().map(|s| distance[here - s]).min().unwrap_or(0);
        distance[here] = distance[here].min(near.saturating_add(1));
    }
    for &here in members.iter().rev() {
        let near = strides.iter().map(|s| distance[here + s]).min().unwrap_or(0);
        distance[here] = distance[here].min(near.saturating_add(1));
    }
    distance
}
