//! Grey-level co-occurrence matrix: IBSI LFYI, PyRadiomics `radiomics.glcm`.

use super::cells::{Cell, from_sorted_keys};
use crate::levels::Levels;
use crate::neighbours::Offset;

/// Up to this many levels the scratch table is dense (4 MiB); above, pairs are sorted.
const DENSE_LEVELS: usize = 1023;

/// Scratch space that is reused from direction to direction.
#[derive(Debug, Default)]
pub struct Scratch {
    table: Vec<u32>,
    keys: Vec<u64>,
}

/// Appends the cells of one direction's matrix over the given member voxels, rows ascending: pairs (voxel, neighbour),
/// and if `symmetric` also (neighbour, voxel).
pub fn count(
    levels: &Levels,
    members: &[u32],
    direction: Offset,
    symmetric: bool,
    scratch: &mut Scratch,
    cells: &mut Vec<Cell>,
) {
    let delta = levels.delta(direction);
    if levels.present.len() > DENSE_LEVELS {
        return count_sorted(levels, members, delta, symmetric, scratch, cells);
    }
    let dense = levels.dense();
    let width = levels.present.len() + 1;
    let table = &mut scratch.table;
    table.clear();
    table.resize(width * width, 0);
    // Column 0 collects neighbours outside the region, so that the loop has no branch. A symmetric matrix is counted
    // as its lower triangle.
    if symmetric {
        for &member in members {
            let a = usize::from(dense[member as usize]);
            let b = usize::from(dense[(member as usize).wrapping_add_signed(delta)]);
            table[a.max(b) * width + a.min(b)] += 1;
        }
    } else {
        for &member in members {
            let a = usize::from(dense[member as usize]);
            let b = usize::from(dense[(member as usize).wrapping_add_signed(delta)]);
            table[a * width + b] += 1;
        }
    }
    let level = |k: usize| u32::from(levels.present[k - 1]);
    for a in 1..width {
        if symmetric {
            for b in 1..=a {
                let n = table[a * width + b] * if a == b { 2 } else { 1 };
                if n > 0 {
                    cells.push(Cell {
                        i: level(a),
                        j: level(b),
                        n: f64::from(n),
                    });
                }
            }
            for b in a + 1..width {
                let n = table[b * width + a];
                if n > 0 {
                    cells.push(Cell {
                        i: level(a),
                        j: level(b),
                        n: f64::from(n),
                    });
                }
            }
        } else {
            for b in 1..width {
                let n = table[a * width + b];
                if n > 0 {
                    cells.push(Cell {
                        i: level(a),
                        j: level(b),
                        n: f64::from(n),
                    });
                }
            }
        }
    }
}

fn count_sorted(
    levels: &Levels,
    members: &[u32],
    delta: isize,
    symmetric: bool,
    scratch: &mut Scratch,
    cells: &mut Vec<Cell>,
) {
    let keys = &mut scratch.keys;
    keys.clear();
    for &member in members {
        let a = u64::from(levels.grey[member as usize]);
        let b = u64::from(levels.grey[(member as usize).wrapping_add_signed(delta)]);
        if b != 0 {
            keys.push(a << 32 | b);
            if symmetric {
                keys.push(b << 32 | a);
            }
        }
    }
    keys.sort_unstable();
    from_sorted_keys(keys, |i, j, n| cells.push(Cell { i, j, n }));
}
