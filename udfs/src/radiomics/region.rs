//! A region as the kernels take it, and whether it shows enough of its image.

use datafusion::common::exec_err;
use datafusion::error::Result;
use radlake_kernels::{Mask, PixelType, Volume};
use radlake_radiomics::{Context, Settings, Value, extract};

use crate::image::roi::ImageView;

/// Image and mask of a region; `None` where it has no mask.
///
/// # Errors
/// A crop that shows less of the image than the settings need: the numbers would be others than those of the image.
pub(super) fn region(
    function: &str,
    view: &ImageView,
    settings: &Settings,
) -> Result<Option<(Volume, Mask)>> {
    let Some(mask) = view.mask() else {
        return Ok(None);
    };
    let context = settings.context();
    if let Some(margin) = view.margin
        && !context.is_within(margin, view.geometry.spacing)
    {
        let spacing = view.geometry.spacing;
        let (what, how) = match context {
            Context::Whole => (
                "the whole image".to_owned(),
                "say preCrop: true in the settings, or SET radlake.roi_margin = 'whole'".to_owned(),
            ),
            Context::Voxels(n) => (
                format!("{n} voxels around the region"),
                format!("SET radlake.roi_margin = {n}"),
            ),
            Context::Millimetres(mm) => {
                let least = spacing.iter().copied().fold(f64::INFINITY, f64::min);
                let n = (mm / least).ceil();
                (
                    format!("{mm:.1} mm around the region"),
                    format!("SET radlake.roi_margin = {n}"),
                )
            }
        };
        return exec_err!(
            "{function}: these settings look at {what}, and roi shows {margin} voxels around it: {how}"
        );
    }
    let values: Vec<f64> = view.voxels().iter().map(|v| f64::from(*v)).collect();
    // PyRadiomics computes filters of single-precision images in single precision, of whole numbers in double.
    let whole = values.iter().all(|v| v.fract() == 0.0);
    let pixel = match whole {
        true => PixelType::Integer {
            min: f64::from(i32::MIN),
            max: f64::from(i32::MAX),
        },
        false => PixelType::Float32,
    };
    let volume = Volume {
        geometry: view.geometry.clone(),
        values,
        pixel,
    };
    let mask = Mask {
        geometry: view.geometry.clone(),
        voxels: mask.iter().map(|v| *v != 0).collect(),
    };
    Ok(Some((volume, mask)))
}

/// A value for each of [`Settings::names`], or why there is none of any, for people. `stop` is asked between images and classes.
///
/// # Errors
/// A crop that shows less of the image than the settings need, a region that the kernels refuse, a stop.
pub fn of_region(
    view: &ImageView,
    settings: &Settings,
    stop: &dyn Fn() -> bool,
) -> std::result::Result<Vec<Value>, String> {
    let Some((volume, mask)) = region("radiomics", view, settings).map_err(|error| error.to_string())? else {
        return Err("it has no mask".to_owned());
    };
    extract(&volume, &mask, settings, stop).map_err(|error| error.to_string())
}

/// Whether features of a region are undefined for what it is, rather than for what is wrong: those of an empty one, or of too few voxels.
pub(super) fn is_no_region(error: &radlake_radiomics::Error) -> bool {
    use radlake_kernels::Error as Kernel;
    matches!(
        error,
        radlake_radiomics::Error::Kernel(Kernel::EmptyMask | Kernel::RegionTooSmall { .. })
    )
}
