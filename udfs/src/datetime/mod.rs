//! Functions over dates, times and intervals, as PostgreSQL has them.

mod calendar;
mod make_interval;
mod pattern;
pub mod read;
mod to_char;
mod value;

pub use pattern::number::NumberPattern;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(make_interval::MakeInterval::default())),
        Arc::new(ScalarUDF::from(to_char::ToChar::default())),
    ]
}
