//! Grey-level run-length matrix: IBSI TP0I, PyRadiomics `radiomics.glrlm`.

use super::cells::{Cell, from_sorted_keys};
use crate::levels::Levels;
use crate::neighbours::Offset;

/// Runs up to this length are counted in a table, longer ones are collected and sorted.
const SHORT: usize = 16;

/// Scratch space that is reused from direction to direction.
#[derive(Debug, Default)]
pub struct Scratch {
    length: Vec<u32>,
    table: Vec<u32>,
    long: Vec<u64>,
}

/// Appends the cells of one direction's matrix over the given member voxels (all of the region, or one slice of it for a
/// direction in its plane). The direction must be one of [`crate::neighbours::directions`]: forward in memory.
pub fn count(
    levels: &Levels,
    members: &[u32],
    direction: Offset,
    scratch: &mut Scratch,
    cells: &mut Vec<Cell>,
) {
    let delta = levels.delta(direction);
    let dense = levels.dense();
    let Scratch { length, table, long } = scratch;
    // Entries count only where the predecessor is a member, which has been written in this call.
    length.resize(dense.len().max(length.len()), 0);
    table.clear();
    table.resize((levels.present.len() + 1) * SHORT, 0);
    long.clear();
    for &member in members {
        let here = member as usize;
        let level = dense[here];
        let before = here.wrapping_add_signed(-delta);
        // Whether a run goes on is a coin toss in textured images: arithmetic instead of branches. A stale length is
        // multiplied by zero.
        let run = length[before] * u32::from(dense[before] == level) + 1;
        length[here] = run;
        let ends = dense[here.wrapping_add_signed(delta)] != level;
        if run <= SHORT as u32 {
            table[usize::from(level) * SHORT + run as usize - 1] += u32::from(ends);
        } else if ends {
            long.push(u64::from(level) << 32 | u64::from(run));
        }
    }
    let level = |k: usize| u32::from(levels.present[k - 1]);
    for (k, row) in table.chunks_exact(SHORT).enumerate().skip(1) {
        for (run, &n) in row.iter().enumerate().filter(|(_, n)| **n > 0) {
            cells.push(Cell {
                i: level(k),
                j: run as u32 + 1,
                n: f64::from(n),
            });
        }
    }
    long.sort_unstable();
    from_sorted_keys(long, |k, j, n| {
        cells.push(Cell {
            i: level(k as usize),
            j,
            n,
        })
    });
}

/// Whether some line in this direction meets more than one member voxel. PyRadiomics drops a direction where none does
/// (a flat region seen from the side).
pub fn has_lines(levels: &Levels, direction: Offset) -> bool {
    let delta = levels.delta(direction);
    levels.members.iter().any(|&member| {
        let mut position = levels.position(member).map(|v| v as i64);
        let mut index = member as usize;
        loop {
            for axis in 0..3 {
                position[axis] += i64::from(direction[axis]);
                if position[axis] < 0 || position[axis] >= levels.size[axis] as i64 {
                    return false;
                }
            }
            index = index.wrapping_add_signed(delta);
            if levels.grey[index] != 0 {
                return true;
            }
        }
    })
}
