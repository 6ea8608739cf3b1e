//! `vector_norm(vector)`.

use std::sync::{Arc, LazyLock};

use arrow::array::Float64Array;
use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::coerced;
use super::column::Vectors;
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `vector_norm`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct VectorNorm {
    signature: Signature,
}

impl Default for VectorNorm {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for VectorNorm {
    fn name(&self) -> &str {
        "vector_norm"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [vector] = take_function_args(self.name(), types)?;
        Ok(vec![coerced(self.name(), vector)?])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [values] = take_function_args(self.name(), values)?;
            let vectors = Vectors::of(values)?;
            let each = (0..values.len()).map(|row| Ok(vectors.row(row)?.map(|vector| norm(&vector))));
            Ok(Arc::new(each.collect::<Result<Float64Array>>()?))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Vector,
                "vector_norm(vector)",
                "The Euclidean norm of a vector: the root of its sum of squares.",
                &[("vector", "A vector.")],
                "SELECT vector_norm('[3,4]'::vector);  -- 5",
            )
        });
        Some(&DOC)
    }
}

fn norm(vector: &[f32]) -> f64 {
    let squares: f64 = vector.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    squares.sqrt()
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn in_sql() {
        assert_eq!(text("vector_norm('[3,4]')").as_deref(), Some("5.0"));
        assert_eq!(text("vector_norm(NULL)"), None);
    }
}
