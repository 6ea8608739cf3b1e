//! What can be wrong with a volume, a mask or a setting.

/// Why a kernel refused its input. Messages hold sizes and settings, never voxel values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of voxels handed over is not the product of the three sizes.
    #[error("a volume of {size:?} voxels needs {expected} values, got {got}")]
    WrongLength {
        /// Voxels along x, y, z.
        size: [usize; 3],
        /// Product of the sizes.
        expected: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// A size is zero, or the volume exceeds what one region may hold.
    #[error("volume size {size:?} is outside 1 to {limit} voxels in all")]
    BadSize {
        /// Voxels along x, y, z.
        size: [usize; 3],
        /// Most voxels that are accepted.
        limit: usize,
    },
    /// Spacing must be finite and positive.
    #[error("spacing {spacing:?} mm is not finite and positive on every axis")]
    BadSpacing {
        /// Millimetres along x, y, z.
        spacing: [f64; 3],
    },
    /// The direction matrix cannot be inverted, or holds a value that is not finite.
    #[error("direction cosines or origin are not finite, or the direction matrix is singular")]
    BadDirection,
    /// Image and mask differ in size.
    #[error("image has {image:?} voxels and mask {mask:?}: resample the mask onto the image's grid first")]
    SizeMismatch {
        /// Image voxels along x, y, z.
        image: [usize; 3],
        /// Mask voxels along x, y, z.
        mask: [usize; 3],
    },
    /// The mask has no voxel (left).
    #[error("the mask is empty: no voxel carries the requested label")]
    EmptyMask,
    /// The region has fewer voxels or dimensions than the settings require.
    #[error("the region has {voxels} voxel(s) in {dimensions} dimension(s); the settings require more")]
    RegionTooSmall {
        /// Voxels of the region.
        voxels: usize,
        /// Axes along which the bounding box is longer than one voxel.
        dimensions: usize,
    },
    /// NaN or infinity inside the region.
    #[error("{count} voxel(s) of the region are NaN or infinite")]
    NotFinite {
        /// How many.
        count: usize,
    },
    /// A setting is outside its range.
    #[error("setting {name}: {reason}")]
    BadSetting {
        /// The setting's name, as PyRadiomics spells it.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Discretisation would make more levels than a matrix may have.
    #[error(
        "discretisation gives {levels} grey levels, at most {limit} are supported: use a larger bin width"
    )]
    TooManyLevels {
        /// Levels that the settings ask for.
        levels: f64,
        /// Most levels that are accepted.
        limit: usize,
    },
    /// A plane (slice, frame) that is none: values that are not finite, spacing of 0, cosines that are no directions.
    #[error("plane {plane}: {what} {reason}")]
    BadPlane {
        /// Its place in the list, from 0.
        plane: usize,
        /// Which part of it.
        what: &'static str,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// Planes that belong to no common grid.
    #[error("the planes form no grid: {reason}")]
    NoGrid {
        /// Why.
        reason: String,
    },
    /// A contour with a coordinate that is NaN, infinite or absurd.
    #[error("contour {contour}, point {point}: a coordinate is not finite, or beyond a kilometre")]
    BadContour {
        /// Its place in the list, from 0.
        contour: usize,
        /// The point's place in the contour, from 0.
        point: usize,
    },
    /// Masks whose voxels are not those of one lattice.
    #[error("the masks lie on different grids ({reason}): resample one onto the other's grid first")]
    LatticeMismatch {
        /// What differs.
        reason: &'static str,
    },
    /// More of something than a kernel takes.
    #[error("{what}: {got}, at most {limit} are supported")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// Most that are accepted.
        limit: usize,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;
