//! Columns and their values.

mod ibsi;
mod pyradiomics;

use radlake_kernels::{Mask, Undefined, Volume};

use crate::error::{Error, Result, short};
use crate::settings::Settings;

/// A number, or why there is none.
pub type Value = std::result::Result<f64, Undefined>;

/// Asked between images and between classes of features: `true` stops with [`Error::Cancelled`].
pub(crate) type Stop<'a> = &'a dyn Fn() -> bool;

impl Settings {
    /// The columns of these settings in order, for any image and region the same.
    ///
    /// PyRadiomics' names are folded to lower case, dots and dashes to `_`: `original_glcm_contrast`,
    /// `wavelet_hlh_firstorder_mean`, `log_sigma_3_0_mm_3d_glszm_zoneentropy`. IBSI's are the tags of its reference values:
    /// `cm_contrast_3d_avg`.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::PyRadiomics(s) => pyradiomics::names(s),
            Self::Ibsi(s) => ibsi::names(s),
        }
    }
}

/// The features of a region: one value per name of [`Settings::names`], in that order.
///
/// `mask` lies on the image's grid; the image is whole, since filters, resampling and normalisation look beyond the region.
/// Derived images are made one at a time. `stop` is asked between images and classes.
pub fn extract(
    image: &Volume,
    mask: &Mask,
    settings: &Settings,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Value>> {
    match settings {
        Settings::PyRadiomics(s) => pyradiomics::extract(image, mask, s, None, stop),
        Settings::Ibsi(s) => ibsi::extract(image, mask, s, stop),
    }
}

/// One feature by its column, with the work of its image and class only.
pub fn extract_one(
    image: &Volume,
    mask: &Mask,
    settings: &Settings,
    name: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Value> {
    let found = match settings {
        Settings::PyRadiomics(s) => pyradiomics::extract_one(image, mask, s, name, stop)?,
        Settings::Ibsi(s) => ibsi::extract_one(image, mask, s, name, stop)?,
    };
    found.ok_or_else(|| {
        let hint = match settings.names().first() {
            Some(first) => format!("columns are named like {first}"),
            None => "the settings select no feature".to_owned(),
        };
        Error::UnknownFeature {
            name: short(name),
            hint,
        }
    })
}
