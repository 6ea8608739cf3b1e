//! Where voxels lie in the patient: size, spacing, origin, direction cosines, as ITK and DICOM define them.

use crate::error::{Error, Result};

/// Most voxels that one volume may hold: 512 × 512 × 2048, 4 GiB of values.
pub const MAX_VOXELS: usize = 1 << 29;

/// Most voxels along an axis.
const LONGEST: usize = 1 << 30;

/// A grid of voxels. Axes are x (fastest), y, z; lengths in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// Voxels along x, y, z.
    pub size: [usize; 3],
    /// Distance between voxel centres along x, y, z, mm.
    pub spacing: [f64; 3],
    /// Centre of voxel (0, 0, 0), mm.
    pub origin: [f64; 3],
    /// Direction cosines, row-major: column `a` is the direction of index axis `a`.
    pub direction: [f64; 9],
}

impl Geometry {
    /// An axis-aligned grid at the origin. Fails on empty sizes and on spacing that is not positive.
    pub fn new(size: [usize; 3], spacing: [f64; 3]) -> Result<Self> {
        let geometry = Self {
            size,
            spacing,
            origin: [0.0; 3],
            direction: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        };
        geometry.check()?;
        Ok(geometry)
    }

    /// Checks sizes, spacing and direction; every entry point that takes a grid calls it.
    pub fn check(&self) -> Result<()> {
        let voxels = self.size.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        if !voxels.is_some_and(|n| (1..=MAX_VOXELS).contains(&n)) {
            return Err(Error::BadSize {
                size: self.size,
                limit: MAX_VOXELS,
            });
        }
        self.check_lattice()
    }

    /// Checks all but the number of voxels: for grids of which only a box is held. No axis may be longer than 2³⁰ voxels.
    pub fn check_lattice(&self) -> Result<()> {
        if !self.size.iter().all(|n| (1..=LONGEST).contains(n)) {
            return Err(Error::BadSize {
                size: self.size,
                limit: LONGEST,
            });
        }
        if !self.spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(Error::BadSpacing {
                spacing: self.spacing,
            });
        }
        let finite = self.origin.iter().chain(&self.direction).all(|v| v.is_finite());
        if !finite || invert(&self.index_to_physical()).is_none() {
            return Err(Error::BadDirection);
        }
        Ok(())
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.size.iter().product()
    }

    /// Never true for a checked grid; here because `len` is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Volume of a voxel, mm³.
    pub fn voxel_volume(&self) -> f64 {
        self.spacing.iter().product()
    }

    /// Direction times spacing, row-major: index offsets to millimetres.
    pub fn index_to_physical(&self) -> [f64; 9] {
        std::array::from_fn(|k| self.direction[k] * self.spacing[k % 3])
    }

    /// Physical position (mm) of a continuous index; (0, 0, 0) is the centre of the first voxel.
    pub fn physical(&self, index: [f64; 3]) -> [f64; 3] {
        let m = self.index_to_physical();
        // ITK's order of additions.
        std::array::from_fn(|r| (0..3).fold(self.origin[r], |sum, c| sum + m[3 * r + c] * index[c]))
    }

    /// Continuous index of a physical position; the inverse of [`Geometry::physical`].
    pub fn index(&self, point: [f64; 3]) -> Result<[f64; 3]> {
        let inverse = invert(&self.index_to_physical()).ok_or(Error::BadDirection)?;
        Ok(multiply(
            &inverse,
            std::array::from_fn(|k| point[k] - self.origin[k]),
        ))
    }

    /// The grid of a box of voxels of this grid; `low` inclusive, `high` inclusive.
    pub(crate) fn crop(&self, low: [usize; 3], high: [usize; 3]) -> Self {
        Self {
            size: std::array::from_fn(|k| high[k] + 1 - low[k]),
            spacing: self.spacing,
            origin: self.physical(low.map(|v| v as f64)),
            direction: self.direction,
        }
    }
}

/// Matrix (row-major 3×3) times vector.
pub(crate) fn multiply(m: &[f64; 9], v: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|r| m[3 * r] * v[0] + m[3 * r + 1] * v[1] + m[3 * r + 2] * v[2])
}

/// Inverse of a row-major 3×3 matrix, if it has one. Multiplies by the reciprocal of the determinant, as ITK does: half-way
/// positions of resampled grids round the same way.
pub(crate) fn invert(m: &[f64; 9]) -> Option<[f64; 9]> {
    let minor = |a: usize, b: usize, c: usize, d: usize| m[a] * m[d] - m[b] * m[c];
    let cofactors = [
        minor(4, 5, 7, 8),
        -minor(1, 2, 7, 8),
        minor(1, 2, 4, 5),
        -minor(3, 5, 6, 8),
        minor(0, 2, 6, 8),
        -minor(0, 2, 3, 5),
        minor(3, 4, 6, 7),
        -minor(0, 1, 6, 7),
        minor(0, 1, 3, 4),
    ];
    let determinant = m[0] * cofactors[0] + m[1] * cofactors[3] + m[2] * cofactors[6];
    (determinant.is_finite() && determinant.abs() > f64::MIN_POSITIVE)
        .then(|| cofactors.map(|c| c * (1.0 / determinant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn physical_and_index_are_inverse() {
        let (c, s) = (0.8, 0.6);
        let grid = Geometry {
            size: [3, 4, 5],
            spacing: [0.5, 2.0, 3.0],
            origin: [-7.0, 1.0, 9.0],
            direction: [c, -s, 0.0, s, c, 0.0, 0.0, 0.0, 1.0],
        };
        grid.check().unwrap();
        let back = grid.index(grid.physical([1.25, 2.0, -3.5])).unwrap();
        for (got, want) in back.iter().zip([1.25, 2.0, -3.5]) {
            assert!((got - want).abs() < 1e-12);
        }
    }

    #[test]
    fn a_lattice_may_be_larger_than_a_volume() {
        let mut grid = Geometry::new([1; 3], [1.0; 3]).unwrap();
        grid.size = [1 << 20; 3];
        assert!(matches!(grid.check(), Err(Error::BadSize { .. })));
        assert_eq!(grid.check_lattice(), Ok(()));
        grid.size[1] = 0;
        assert!(matches!(grid.check_lattice(), Err(Error::BadSize { .. })));
        grid.size[1] = 1 << 31;
        assert!(matches!(grid.check_lattice(), Err(Error::BadSize { .. })));
    }

    #[test]
    fn refuses_what_is_no_grid() {
        assert!(matches!(
            Geometry::new([0, 1, 1], [1.0; 3]),
            Err(Error::BadSize { .. })
        ));
        assert!(matches!(
            Geometry::new([usize::MAX, 2, 2], [1.0; 3]),
            Err(Error::BadSize { .. })
        ));
        assert!(matches!(
            Geometry::new([1, 1, 1], [1.0, 0.0, 1.0]),
            Err(Error::BadSpacing { .. })
        ));
        assert!(matches!(
            Geometry::new([1, 1, 1], [1.0, f64::NAN, 1.0]),
            Err(Error::BadSpacing { .. })
        ));
        let mut grid = Geometry::new([1, 1, 1], [1.0; 3]).unwrap();
        grid.direction = [0.0; 9];
        assert_eq!(grid.check(), Err(Error::BadDirection));
    }
}
