//! Neighbouring grey-level dependence matrix: IBSI REK0 (NGLDM), PyRadiomics `radiomics.gldm`.

use super::cells::{Cell, from_sorted_keys};
use super::neighbourhood::Neighbourhood;
use crate::levels::Levels;

/// Appends the cells over member voxels `range` (indices into the region's members): column = dependent neighbours + 1,
/// the voxel itself counting.
pub fn count(levels: &Levels, around: &Neighbourhood, range: std::ops::Range<usize>, cells: &mut Vec<Cell>) {
    let columns = around.dependent[range.clone()]
        .iter()
        .copied()
        .max()
        .map_or(0, usize::from)
        + 1;
    let voxels = || {
        range
            .clone()
            .map(|k| (levels.members[k] as usize, around.dependent[k]))
    };
    if columns * levels.present.len() <= 1 << 22 {
        let dense = levels.dense();
        let mut table = vec![0u32; columns * levels.present.len()];
        for (voxel, dependent) in voxels() {
            table[(usize::from(dense[voxel]) - 1) * columns + usize::from(dependent)] += 1;
        }
        for (k, row) in table.chunks_exact(columns).enumerate() {
            for (j, &n) in row.iter().enumerate().filter(|(_, n)| **n > 0) {
                cells.push(Cell {
                    i: u32::from(levels.present[k]),
                    j: j as u32 + 1,
                    n: f64::from(n),
                });
            }
        }
    } else {
        let mut keys: Vec<u64> = voxels()
            .map(|(v, d)| u64::from(levels.grey[v]) << 32 | (u64::from(d) + 1))
            .collect();
        keys.sort_unstable();
        from_sorted_keys(&keys, |i, j, n| cells.push(Cell { i, j, n }));
    }
}
