//! `vector_dims(vector)`.

use std::sync::{Arc, LazyLock};

use arrow::array::Int32Array;
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

/// The SQL function `vector_dims`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct VectorDims {
    signature: Signature,
}

impl Default for VectorDims {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for VectorDims {
    fn name(&self) -> &str {
        "vector_dims"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [vector] = take_function_args(self.name(), types)?;
        Ok(vec![coerced(self.name(), vector)?])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [values] = take_function_args(self.name(), values)?;
            let vectors = Vectors::of(values)?;
            let each = (0..values.len()).map(|row| {
                Ok(vectors
                    .row(row)?
                    .map(|vector| i32::try_from(vector.len()).unwrap_or(i32::MAX)))
            });
            Ok(Arc::new(each.collect::<Result<Int32Array>>()?))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Vector,
                "vector_dims(vector)",
                "How many elements a vector has, as an integer.",
                &[("vector", "A vector.")],
                "SELECT vector_dims('[1,2,3]'::vector);  -- 3",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn in_sql() {
        assert_eq!(text("vector_dims('[1,2,3]')").as_deref(), Some("3"));
        assert_eq!(text("vector_dims(NULL)"), None);
    }
}
