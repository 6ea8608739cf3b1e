//! Texture matrices: one file per matrix (counting) and per family of features (formulas).
//!
//! Matrices are lists of their non-zero cells. Counting uses dense scratch tables where they fit the cache and sorted
//! keys where they would not, so that memory is bounded by the number of voxels and not by the number of grey levels.

mod cells;
mod distance;
pub mod glcm;
pub mod glcm_features;
pub mod gldm;
pub mod gldzm;
pub mod glrlm;
pub mod glszm;
mod mcc;
pub mod neighbourhood;
pub mod ngtdm;
pub mod size_features;

pub use cells::{Cell, merge};
