//! What surrounds each voxel: the one pass that NGTDM and GLDM share.

use crate::levels::Levels;
use crate::neighbours::Offset;

/// Per member voxel (in the order of the region's members): its surroundings within the region.
#[derive(Debug, Default)]
pub struct Neighbourhood {
    /// Sum of the neighbours' grey levels.
    pub sum: Vec<u32>,
    /// Number of neighbours.
    pub count: Vec<u16>,
    /// Number of neighbours whose level differs by at most the coarseness.
    pub dependent: Vec<u16>,
}

/// Looks at the neighbours of every member voxel at the given offsets (both directions). Rows are processed whole, with
/// one offset at a time, so that the compiler can use vector instructions; in 16 bits where sums fit.
pub fn survey(levels: &Levels, offsets: &[Offset], coarseness: u16) -> Neighbourhood {
    let members = levels.members.len();
    let mut all = Neighbourhood {
        sum: Vec::with_capacity(members),
        count: Vec::with_capacity(members),
        dependent: Vec::with_capacity(members),
    };
    let width = levels.size[0];
    let deltas: Vec<isize> = offsets.iter().map(|&o| levels.delta(o)).collect();
    let narrow = levels.highest() * deltas.len() <= usize::from(u16::MAX);
    let (mut sum, mut wide) = (vec![0u16; width], vec![0u32; width]);
    let (mut count, mut dependent) = (vec![0u16; width], vec![0u16; width]);
    for z in 0..levels.size[2] {
        for y in 0..levels.size[1] {
            let at = levels.pad + (y + levels.pad) * levels.stride[1] + (z + levels.pad) * levels.stride[2];
            let row = &levels.grey[at..at + width];
            // From the first member of the row to its last.
            let (Some(first), Some(last)) = (
                row.iter().position(|&g| g != 0),
                row.iter().rposition(|&g| g != 0),
            ) else {
                continue;
            };
            let (at, row) = (at + first, &row[first..=last]);
            let width = row.len();
            let (sum, wide) = (&mut sum[..width], &mut wide[..width]);
            let (count, dependent) = (&mut count[..width], &mut dependent[..width]);
            if narrow {
                sum.fill(0);
            } else {
                wide.fill(0);
            }
            count.fill(0);
            dependent.fill(0);
            for &delta in &deltas {
                let from = at.wrapping_add_signed(delta);
                let other = &levels.grey[from..from + width];
                if narrow {
                    sum.iter_mut().zip(other).for_each(|(s, g)| *s += g);
                } else {
                    wide.iter_mut().zip(other).for_each(|(s, g)| *s += u32::from(*g));
                }
                count
                    .iter_mut()
                    .zip(other)
                    .for_each(|(n, g)| *n += u16::from(*g != 0));
                let pairs = dependent.iter_mut().zip(row.iter().zip(other));
                if coarseness == 0 {
                    pairs.for_each(|(n, (mine, theirs))| *n += u16::from(mine == theirs));
                } else {
                    pairs.for_each(|(n, (mine, theirs))| {
                        *n += u16::from(*theirs != 0) & u16::from(mine.abs_diff(*theirs) <= coarseness);
                    });
                }
            }
            for x in 0..width {
                if row[x] != 0 {
                    all.sum.push(if narrow { u32::from(sum[x]) } else { wide[x] });
                    all.count.push(count[x]);
                    all.dependent.push(dependent[x]);
                }
            }
        }
    }
    all
}
