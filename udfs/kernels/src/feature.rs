//! A named number, or why there is none.

/// One value of a feature class.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// PyRadiomics' class (`glcm`) or the prefix of IBSI's tag (`cm`).
    pub class: &'static str,
    /// PyRadiomics' name (`JointEntropy`) or IBSI's tag without prefix (`joint_entr`).
    pub name: &'static str,
    /// IBSI's aggregation (`3D_avg`), empty where there is none.
    pub aggregation: &'static str,
    /// The value, or why it is not defined for this region.
    pub value: Result<f64, Undefined>,
}

/// Why a feature has no value. Stable texts: they are stored beside NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Undefined {
    /// The definition divides by a spread, and all voxels are equal.
    FlatRegion,
    /// No two voxels of the region are neighbours in any direction.
    NoNeighbours,
    /// The definition needs a surface or axes that one voxel (or a line of them) has not.
    Degenerate,
    /// The computation would need more memory than is allowed.
    TooLarge,
    /// The formula gives no finite number for these values.
    NotFinite,
    /// The image cannot be filtered: it has too few voxels along an axis, or is zero everywhere.
    NoFilteredImage,
}

impl Undefined {
    /// The reason in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::FlatRegion => "all voxels of the region have one grey level",
            Self::NoNeighbours => "no voxel of the region has a neighbour inside it",
            Self::Degenerate => "the region has too few voxels or dimensions",
            Self::TooLarge => "the region is too large for this feature",
            Self::NotFinite => "the definition gives no finite number here",
            Self::NoFilteredImage => "the image is too small for this filter, or zero everywhere",
        }
    }
}

/// Names a finite value; anything else becomes `why`.
pub(crate) fn feature(class: &'static str, name: &'static str, value: f64, why: Undefined) -> Feature {
    Feature {
        class,
        name,
        aggregation: "",
        value: if value.is_finite() { Ok(value) } else { Err(why) },
    }
}
