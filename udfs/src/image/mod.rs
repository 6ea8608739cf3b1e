//! Functions over images: their geometry in the patient, what regions measure, pictures of them.

mod centroid;
mod code_matches;
mod dice;
mod function;
mod hausdorff_mm;
mod hu_percentile;
mod kind;
mod max_diameter_mm;
mod mean_hu;
mod montage;
mod orientation;
mod png;
mod render;
pub mod roi;
#[cfg(test)]
pub(crate) mod samples;
mod suv_factor;
mod thumbnail;
mod volume_ml;
mod window;

use std::sync::Arc;

pub(crate) use kind::{Kind, coerce_all};

use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let declared = [
        centroid::declared(),
        code_matches::declared(),
        dice::declared(),
        hausdorff_mm::declared(),
        hu_percentile::declared(),
        max_diameter_mm::declared(),
        mean_hu::declared(),
        montage::declared(),
        suv_factor::declared(),
        thumbnail::declared(),
        volume_ml::declared(),
        window::declared(),
    ];
    let mut functions = vec![Arc::new(ScalarUDF::from(orientation::Orientation::default()))];
    functions.extend(declared.into_iter().map(|d| Arc::new(d.function())));
    functions
}
