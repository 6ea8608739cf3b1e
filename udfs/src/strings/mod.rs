//! Functions over texts: patterns of SQL and of POSIX.

mod finder;
mod pattern;
mod regex_pattern;
mod similar_to;
mod substring_from;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

pub use finder::{Finder, Match};

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    use regex_pattern::{Kind, RegexPattern};
    let pattern = |kind| Arc::new(ScalarUDF::from(RegexPattern::new(kind)));
    vec![
        pattern(Kind::Found),
        pattern(Kind::Exact),
        pattern(Kind::Replacement),
        Arc::new(ScalarUDF::from(similar_to::SimilarTo::default())),
        Arc::new(ScalarUDF::from(substring_from::SubstringFrom::default())),
    ]
}
