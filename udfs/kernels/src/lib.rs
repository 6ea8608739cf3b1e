//! Radiomics numerics: image and mask in, named numbers out.
//!
//! Two profiles over one engine: [`pyradiomics`] gives the features of PyRadiomics 3.0.1 under its names and with its
//! conventions, [`ibsi`] those of the Image Biomarker Standardisation Initiative (reference manual, arXiv:1612.07003)
//! under its tags. Pure functions over slices: no I/O, no threads, no global state; callers run one region per thread.
//!
//! Before the numbers stands the geometry of segmentations: [`planes`] makes grids of slices in any order,
//! [`contours`] fills the outlines of RT Structure Sets on them, [`placing`] puts frames of Segmentations on them, [`measures`]
//! compares what came of it; a [`PlacedMask`] keeps only the box of its region.
//!
//! [`vectors`] finds the nearest of many feature vectors, by pgvector's distances.
//!
//! Axes are x (fastest in memory), y, z throughout; lengths are millimetres, volumes mm³. Hostile input (sizes that do
//! not fit, empty masks, NaN, absurd settings) gives an [`Error`]; a feature that is not defined for a region gives an
//! [`Undefined`] instead of a number.

pub mod contours;
mod discretise;
mod eigen;
mod error;
mod feature;
pub mod filters;
pub mod firstorder;
mod geometry;
pub mod ibsi;
pub mod image_types;
mod levels;
mod mask;
pub mod matrix;
pub mod measures;
pub mod mesh;
pub mod neighbours;
mod normalise;
pub mod orientation;
mod placed;
pub mod placing;
pub mod planes;
pub mod pyradiomics;
#[cfg(test)]
mod random;
mod region;
pub mod resample;
pub mod resegment;
pub mod shape;
pub mod shape2d;
pub mod vectors;
mod volume;

pub use discretise::Discretisation;
pub use error::{Error, Result};
pub use feature::{Feature, Undefined};
pub use geometry::{Geometry, MAX_VOXELS};
pub use levels::{Levels, MAX_LEVELS};
pub use mask::{BoundingBox, Mask};
pub use normalise::Normalisation;
pub use placed::PlacedMask;
pub use region::Region;
pub use volume::{PixelType, Volume};
