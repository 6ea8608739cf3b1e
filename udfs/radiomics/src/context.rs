//! How far beyond a region its features look: what of the image has to be there for their values to be those of the whole image.

use radlake_kernels::image_types::ImageType;

use crate::settings::Settings;

/// Radius of the sphere of IBSI's local intensity peak, 1 cm³ (reference manual, 3.2.1), mm.
const PEAK_MM: f64 = 6.203_504_908_994_001;

/// What of an image the features of a region need.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Context {
    /// The region's box, and so many voxels around it.
    Voxels(usize),
    /// The region's box, and so many millimetres around it.
    Millimetres(f64),
    /// All of it.
    Whole,
}

impl Context {
    /// Whether a crop is enough that has `margin` voxels around the region's box, or ends where the image does; of voxels of `spacing`
    /// mm.
    pub fn is_within(self, margin: usize, spacing: [f64; 3]) -> bool {
        match self {
            Self::Voxels(n) => n <= margin,
            Self::Millimetres(mm) => spacing.iter().all(|step| margin as f64 * step >= mm),
            Self::Whole => false,
        }
    }
}

impl Settings {
    /// How far these settings look beyond the region.
    pub fn context(&self) -> Context {
        match self {
            Self::Ibsi(s) => {
                if s.resample.is_some() {
                    Context::Whole
                } else if s.features.iter().any(|entry| entry.class == "loc") {
                    Context::Millimetres(PEAK_MM)
                } else {
                    Context::Voxels(0)
                }
            }
            Self::PyRadiomics(s) => {
                if s.base.normalise.is_some() || s.base.resample.is_some() {
                    return Context::Whole;
                }
                if s.base.pre_crop {
                    return Context::Voxels(s.base.pad_distance);
                }
                let of = |kind: ImageType| match kind {
                    ImageType::Original => Context::Voxels(0),
                    // Central differences.
                    ImageType::Gradient | ImageType::GradientPerVoxel => Context::Voxels(1),
                    // Recursive filters, periodic ones, and scales by the image's extremes.
                    _ => Context::Whole,
                };
                let mut needed = 0;
                for image in &s.images {
                    match of(image.kind) {
                        Context::Voxels(n) => needed = needed.max(n),
                        other => return other,
                    }
                }
                Context::Voxels(needed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_how_far_they_look() {
        let of = |text: &str| Settings::from_text(text).unwrap().context();
        assert_eq!(of("{}"), Context::Voxels(0));
        assert_eq!(of("imageType: {Original: {}, Gradient: {}}"), Context::Voxels(1));
        assert_eq!(of("imageType: {Wavelet: {}}"), Context::Whole);
        assert_eq!(
            of("{preCrop: true, imageType: {Wavelet: {}}}"),
            Context::Voxels(5)
        );
        for text in [
            "normalize: true",
            "imageType: {Square: {}}",
            "imageType: {Exponential: {}}",
        ] {
            assert_eq!(of(text), Context::Whole);
        }
        assert_eq!(of("resampledPixelSpacing: [1, 1, 1]"), Context::Whole);
        assert_eq!(of("profile: ibsi"), Context::Millimetres(PEAK_MM));
        assert_eq!(of("{profile: ibsi, featureClass: {cm: []}}"), Context::Voxels(0));
        assert!(Context::Millimetres(PEAK_MM).is_within(7, [0.9, 0.9, 3.0]));
        assert!(!Context::Millimetres(PEAK_MM).is_within(6, [0.9, 0.9, 3.0]));
        assert!(!Context::Whole.is_within(1000, [1.0; 3]));
    }
}
