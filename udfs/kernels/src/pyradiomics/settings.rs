//! Settings of the profile.

use crate::discretise::Discretisation;
use crate::neighbours::WeightingNorm;
use crate::resample::Interpolator;
use crate::resegment::Resegmentation;

/// PyRadiomics' settings, with its defaults. Field comments give its names.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `binWidth` or `binCount`.
    pub discretisation: Discretisation,
    /// `force2D` with its `force2Ddimension` (0: z, 1: y, 2: x).
    pub force_2d: Option<usize>,
    /// `distances` of GLCM, GLDM and NGTDM, voxels.
    pub distances: Vec<usize>,
    /// `symmetricalGLCM`.
    pub symmetrical_glcm: bool,
    /// `weightingNorm` of GLCM and GLRLM.
    pub weighting_norm: WeightingNorm,
    /// `gldm_a`.
    pub gldm_a: u16,
    /// `voxelArrayShift`.
    pub voxel_array_shift: f64,
    /// `normalize` with its `normalizeScale` and `removeOutliers`.
    pub normalise: Option<(f64, Option<f64>)>,
    /// `resampledPixelSpacing` x, y, z, mm (0: as the image's) with its `interpolator`.
    pub resample: Option<([f64; 3], Interpolator)>,
    /// `preCrop`: filters see only the mask's box and `pad_distance` around it.
    pub pre_crop: bool,
    /// `padDistance` of resampling and of `preCrop`, voxels.
    pub pad_distance: usize,
    /// `resegmentRange` and `resegmentMode`.
    pub resegment: Option<Resegmentation>,
    /// `resegmentShape`.
    pub resegment_shape: bool,
    /// `minimumROIDimensions`.
    pub minimum_dimensions: usize,
    /// `minimumROISize`: the region must have more voxels.
    pub minimum_size: Option<usize>,
    /// Whether to compute MCC, the one feature that costs more than all others with many grey levels.
    pub mcc: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            discretisation: Discretisation::PyRadiomicsWidth(25.0),
            force_2d: None,
            distances: vec![1],
            symmetrical_glcm: true,
            weighting_norm: WeightingNorm::None,
            gldm_a: 0,
            voxel_array_shift: 0.0,
            normalise: None,
            resample: None,
            pre_crop: false,
            pad_distance: 5,
            resegment: None,
            resegment_shape: false,
            minimum_dimensions: 2,
            minimum_size: None,
            mcc: true,
        }
    }
}
