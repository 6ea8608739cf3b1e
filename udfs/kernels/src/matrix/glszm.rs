//! Grey-level size-zone matrix: IBSI 9SAK, PyRadiomics `radiomics.glszm`.

use super::cells::{Cell, from_sorted_keys};
use crate::levels::Levels;
use crate::neighbours::Offset;

/// Reused by every zone search.
#[derive(Debug, Default)]
pub struct Scratch {
    open: Vec<u16>,
    stack: Vec<u32>,
    keys: Vec<u64>,
}

/// Finds connected voxels of equal level among `members` and tells each zone's level and voxels. `offsets` holds both
/// directions of each neighbourhood line. `alike`, if known, tells for each member how many neighbours have its level.
pub(super) fn zones(
    levels: &Levels,
    members: &[u32],
    offsets: &[Offset],
    alike: Option<&[u16]>,
    scratch: &mut Scratch,
    mut zone: impl FnMut(u16, &[u32]),
) {
    let deltas: Vec<isize> = offsets.iter().map(|&o| levels.delta(o)).collect();
    let Scratch { open, stack, .. } = scratch;
    open.clear();
    open.extend_from_slice(&levels.grey);
    for (k, &member) in members.iter().enumerate() {
        let level = open[member as usize];
        if level == 0 {
            continue;
        }
        if alike.is_some_and(|alike| alike[k] == 0) {
            zone(level, &[member]);
            continue;
        }
        // The stack is never popped: it ends as the list of the zone's voxels.
        stack.clear();
        stack.push(member);
        open[member as usize] = 0;
        let mut next = 0;
        while let Some(&voxel) = stack.get(next) {
            next += 1;
            for &delta in &deltas {
                let neighbour = (voxel as usize).wrapping_add_signed(delta);
                if open[neighbour] == level {
                    open[neighbour] = 0;
                    stack.push(neighbour as u32);
                }
            }
        }
        zone(level, stack);
    }
}

/// Appends the cells of the size-zone matrix over the given member voxels. `alike` saves time if it is known: for each
/// member, the number of its neighbours at these offsets with its own level ([`super::neighbourhood::survey`] with
/// coarseness 0 counts them).
pub fn count(
    levels: &Levels,
    members: &[u32],
    offsets: &[Offset],
    alike: Option<&[u16]>,
    scratch: &mut Scratch,
    cells: &mut Vec<Cell>,
) {
    let mut keys = std::mem::take(&mut scratch.keys);
    keys.clear();
    let alike = alike.filter(|alike| alike.len() == members.len());
    zones(levels, members, offsets, alike, scratch, |level, voxels| {
        keys.push(u64::from(level) << 32 | voxels.len() as u64);
    });
    keys.sort_unstable();
    from_sorted_keys(&keys, |i, j, n| cells.push(Cell { i, j, n }));
    scratch.keys = keys;
}
