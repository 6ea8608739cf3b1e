//! Radiomics of a region: one feature, or all that some settings ask for.

mod feature;
mod features;
mod region;
mod settings;

use std::sync::Arc;

pub use radlake_radiomics::{Context, Profile, Settings, Value, dictionary, phantom_check, similar};
pub use region::of_region;

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use crate::image::{Kind, coerce_all};

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(features::Radiomics::default())),
        Arc::new(ScalarUDF::from(feature::RadiomicsFeature::default())),
    ]
}

/// Brings arguments to a region and texts.
fn coerce(function: &str, given: &[DataType]) -> Result<Vec<DataType>> {
    coerce_all(function, &[Kind::Roi, Kind::Text, Kind::Text], given)
}
