//! Types of PostgreSQL that are texts to the query engine, and whose values have one spelling: what casts to them become.

mod cut_blanks;
mod name;
mod namein;
pub mod numeric;
mod uuid;
mod uuid_array_in;
mod uuid_in;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::logical_expr::ScalarUDF;

pub use name::{cut, names};
pub use uuid::{bytes_of_uuids, uuid, uuids};

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(cut_blanks::CutBlanks::default())),
        Arc::new(ScalarUDF::from(namein::NameIn::default())),
        Arc::new(ScalarUDF::from(uuid_array_in::UuidArrayIn::default())),
        Arc::new(ScalarUDF::from(uuid_in::UuidIn::default())),
    ]
}

/// A field of PostgreSQL's type `pg_type`.
fn typed(name: &str, data_type: DataType, pg_type: &str) -> FieldRef {
    let metadata = HashMap::from([("pg_type".to_owned(), pg_type.to_owned())]);
    Arc::new(Field::new(name, data_type, true).with_metadata(metadata))
}
