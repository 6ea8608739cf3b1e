//! Grey-level distance-zone matrix: IBSI VMDZ. PyRadiomics has none.

use super::cells::{Cell, from_sorted_keys};
use super::distance;
use super::glszm::{self, Scratch};
use crate::error::{Error, Result};
use crate::levels::Levels;
use crate::neighbours::Offset;

/// Distances to the border, computed once for all slices.
#[derive(Debug)]
pub struct BorderDistance(Vec<u32>);

impl BorderDistance {
    /// Distances within slices (`in_plane`) or through the volume, to the border of the morphological mask: `inside`
    /// holds its memberships in the box of `levels`. Fails on another length.
    pub fn new(levels: &Levels, inside: &[bool], in_plane: bool) -> Result<Self> {
        let expected = levels.size.iter().product();
        if inside.len() != expected {
            return Err(Error::WrongLength {
                size: levels.size,
                expected,
                got: inside.len(),
            });
        }
        Ok(Self(distance::to_border(levels, inside, in_plane)))
    }
}

/// Appends the cells of the distance-zone matrix over the given member voxels: a zone's distance is that of its voxel
/// nearest to the border.
pub fn count(
    levels: &Levels,
    members: &[u32],
    offsets: &[Offset],
    border: &BorderDistance,
    scratch: &mut Scratch,
    cells: &mut Vec<Cell>,
) {
    let mut keys = Vec::new();
    glszm::zones(levels, members, offsets, None, scratch, |level, voxels| {
        let nearest = voxels.iter().map(|&v| border.0[v as usize]).min().unwrap_or(0);
        keys.push(u64::from(level) << 32 | u64::from(nearest));
    });
    keys.sort_unstable();
    from_sorted_keys(&keys, |i, j, n| cells.push(Cell { i, j, n }));
}
