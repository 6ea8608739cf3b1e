//! Functions that show a value otherwise than it is: for masks of columns, and for whoever gives data away.
//!
//! Each takes any value and fails on none, so that a mask tells nothing by an error; NULL stays NULL. Those with a key give the
//! same answer to the same value, within one lake, and none without it.

mod age_band;
mod date_shift;
mod key;
mod noise;
mod partial;
mod pseudonym;
mod pseudonym_uid;
mod year_only;

use std::sync::Arc;

use datafusion::logical_expr::{ScalarUDF, ScalarUDFImpl};

pub use key::PrivacyKey;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    fn udf(function: impl ScalarUDFImpl + 'static) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::from(function))
    }
    vec![
        udf(age_band::AgeBand::default()),
        udf(date_shift::DateShift::default()),
        udf(noise::Noise::default()),
        udf(partial::Partial::default()),
        udf(pseudonym::Pseudonym::default()),
        udf(pseudonym_uid::PseudonymUid::default()),
        udf(year_only::YearOnly::default()),
    ]
}
