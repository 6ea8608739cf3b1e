//! Which voxels are neighbours: IBSI's directions and PyRadiomics' `generate_angles`.

use crate::error::{Error, Result};

/// Furthest neighbour distance that settings may ask for.
pub const MAX_DISTANCE: usize = 64;

/// An offset in voxels along x, y, z.
pub type Offset = [i32; 3];

/// Offsets whose largest component is in `distances`, without movement along `flat` (0: z, 1: y, 2: x, PyRadiomics'
/// `force2Ddimension`), and shorter than the box on each axis. Both directions of each line, in PyRadiomics' order;
/// the first half are those that move forward in memory.
pub fn offsets(size: [usize; 3], distances: &[usize], flat: Option<usize>) -> Result<Vec<Offset>> {
    if distances.is_empty() || distances.iter().any(|d| !(1..=MAX_DISTANCE).contains(d)) {
        let reason = format!("must be from 1 to {MAX_DISTANCE}, and not none");
        return Err(Error::BadSetting {
            name: "distances",
            reason,
        });
    }
    if flat.is_some_and(|axis| axis > 2) {
        return Err(Error::BadSetting {
            name: "force2Ddimension",
            reason: "must be 0, 1 or 2".to_owned(),
        });
    }
    let furthest = distances.iter().copied().max().unwrap_or(1);
    let reach = |axis: usize| -> i32 {
        let still = flat == Some(2 - axis);
        if still {
            0
        } else {
            furthest.min(size[axis].saturating_sub(1)) as i32
        }
    };
    let [rx, ry, rz] = [reach(0), reach(1), reach(2)];
    let mut found = Vec::new();
    for z in (-rz..=rz).rev() {
        for y in (-ry..=ry).rev() {
            for x in (-rx..=rx).rev() {
                let norm = x.abs().max(y.abs()).max(z.abs()) as usize;
                if norm > 0 && distances.contains(&norm) {
                    found.push([x, y, z]);
                }
            }
        }
    }
    Ok(found)
}

/// One offset per line: the first half of [`offsets`].
pub fn directions(size: [usize; 3], distances: &[usize], flat: Option<usize>) -> Result<Vec<Offset>> {
    let mut all = offsets(size, distances, flat)?;
    all.truncate(all.len() / 2);
    Ok(all)
}

/// PyRadiomics' `weightingNorm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightingNorm {
    /// Features of each direction, then their mean (`None`).
    #[default]
    None,
    /// Longest component of the offset in mm.
    Infinity,
    /// Length of the offset in mm.
    Euclidean,
    /// Sum of the components in mm.
    Manhattan,
    /// All directions in one matrix (`no_weighting`).
    NoWeighting,
}

impl WeightingNorm {
    /// Length of an offset under this norm, mm; `None` where directions are not merged.
    pub fn length(self, offset: Offset, spacing: [f64; 3]) -> Option<f64> {
        let mm: [f64; 3] = std::array::from_fn(|k| f64::from(offset[k].abs()) * spacing[k]);
        match self {
            Self::None => None,
            Self::Infinity => Some(mm[0].max(mm[1]).max(mm[2])),
            Self::Euclidean => Some((mm[0] * mm[0] + mm[1] * mm[1] + mm[2] * mm[2]).sqrt()),
            Self::Manhattan => Some(mm[0] + mm[1] + mm[2]),
            Self::NoWeighting => Some(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_those_of_the_literature() {
        assert_eq!(offsets([9, 9, 9], &[1], None).unwrap().len(), 26);
        assert_eq!(offsets([9, 9, 9], &[1, 2], None).unwrap().len(), 124);
        assert_eq!(directions([9, 9, 9], &[1], None).unwrap().len(), 13);
        assert_eq!(directions([9, 9, 9], &[1], Some(0)).unwrap().len(), 4);
        assert_eq!(directions([9, 9, 1], &[1], None).unwrap().len(), 4);
        assert_eq!(directions([1, 1, 1], &[1], None).unwrap().len(), 0);
        assert!(offsets([9, 9, 9], &[0], None).is_err());
        assert!(offsets([9, 9, 9], &[], None).is_err());
        assert!(offsets([9, 9, 9], &[1 << 40], None).is_err());
    }

    #[test]
    fn the_first_half_moves_forward() {
        for [x, y, z] in directions([9, 9, 9], &[1, 2], None).unwrap() {
            assert!((z, y, x) > (0, 0, 0));
        }
    }
}
