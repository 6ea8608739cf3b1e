//! The type `vector(n)`: lists of `n` floats of 32 bits, what casts to it become, and distances; as pgvector defines them.
//!
//! A vector whose dimensions are known when a statement is planned is a fixed-size list; any other (`$1::vector`, a cast of a text)
//! is its text, which the functions read too.

mod column;
mod distances;
mod vector_cmp;
mod vector_dims;
mod vector_in;
mod vector_norm;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::common::plan_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;

pub use radlake_kernels::vectors::{MAX_DIMENSIONS, Metric, VectorError, parse, print};

/// PostgreSQL's name of the type.
pub const TYPE: &str = "vector";

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let mut functions = distances::all();
    functions.extend([
        Arc::new(ScalarUDF::from(vector_cmp::VectorCmp::default())),
        Arc::new(ScalarUDF::from(vector_dims::VectorDims::default())),
        Arc::new(ScalarUDF::from(vector_in::VectorIn::default())),
        Arc::new(ScalarUDF::from(vector_norm::VectorNorm::default())),
    ]);
    functions
}

/// The function whose distances an operator's are.
#[must_use]
pub fn function_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Euclidean => "l2_distance",
        Metric::NegativeInnerProduct => "vector_negative_inner_product",
        Metric::Cosine => "cosine_distance",
        Metric::Taxicab => "l1_distance",
    }
}

/// The Arrow type of `vector(dimensions)`. Elements are never NULL; the field allows it so that lists become vectors by a plain cast.
#[must_use]
pub fn data_type(dimensions: i32) -> DataType {
    DataType::FixedSizeList(
        Arc::new(Field::new_list_field(DataType::Float32, true)),
        dimensions,
    )
}

/// The dimensions of a vector's Arrow type; of nothing else.
#[must_use]
pub fn dimensions(data_type: &DataType) -> Option<i32> {
    match data_type {
        DataType::FixedSizeList(item, dimensions) if item.data_type() == &DataType::Float32 => {
            Some(*dimensions)
        }
        _ => None,
    }
}

/// A refusal as a function gives it. The text that was refused stays out of it: it may be a patient's.
fn refused(error: VectorError) -> DataFusionError {
    match error {
        VectorError::Syntax { .. } => {
            DataFusionError::Execution("invalid input syntax for type vector".to_owned())
        }
        VectorError::OutOfRange { .. } => {
            DataFusionError::Execution("value out of range for type vector".to_owned())
        }
        other => DataFusionError::External(Box::new(other)),
    }
}

/// What an argument that is to be a vector becomes.
fn coerced(function: &str, argument: &DataType) -> Result<DataType> {
    match argument {
        vector if dimensions(vector).is_some() => Ok(vector.clone()),
        text if text.is_string() || text.is_null() => Ok(DataType::Utf8),
        other => plan_err!("{function} takes vectors, not {other}: cast with ::vector"),
    }
}
