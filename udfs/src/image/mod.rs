//! Functions over images: their geometry in the patient.

mod orientation;
pub mod roi;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![Arc::new(ScalarUDF::from(orientation::Orientation::default()))]
}
