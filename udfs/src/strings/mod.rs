//! Functions over texts: patterns of SQL and of POSIX.

mod pattern;
mod similar_to;
mod substring_from;

use std::sync::Arc;

use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(similar_to::SimilarTo::default())),
        Arc::new(ScalarUDF::from(substring_from::SubstringFrom::default())),
    ]
}
