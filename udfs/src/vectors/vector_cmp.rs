//! `vector_cmp(a, b)`: what comparisons of vectors become.

use std::cmp::Ordering;
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

/// The SQL function `vector_cmp`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct VectorCmp {
    signature: Signature,
}

impl Default for VectorCmp {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for VectorCmp {
    fn name(&self) -> &str {
        "vector_cmp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [a, b] = take_function_args(self.name(), types)?;
        Ok(vec![coerced(self.name(), a)?, coerced(self.name(), b)?])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [a, b] = take_function_args(self.name(), values)?;
            let (left, right) = (Vectors::of(a)?, Vectors::of(b)?);
            let each = (0..a.len()).map(|row| match (left.row(row)?, right.row(row)?) {
                (Some(a), Some(b)) => Ok(Some(compare(&a, &b) as i32)),
                _ => Ok(None),
            });
            Ok(Arc::new(each.collect::<Result<Int32Array>>()?))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Vector,
                "vector_cmp(a, b)",
                "-1, 0 or 1 as a vector stands before another, equals it or stands behind it: by the first elements that differ, then by length.",
                &[("a", "A vector."), ("b", "A vector.")],
                "SELECT vector_cmp('[1,2]'::vector, '[1,3]');  -- -1",
            )
        });
        Some(&DOC)
    }
}

/// As pgvector: 0 and -0 are equal.
fn compare(a: &[f32], b: &[f32]) -> Ordering {
    let mut pairs = a.iter().zip(b);
    let first = pairs.find_map(|(a, b)| a.partial_cmp(b).filter(|order| order.is_ne()));
    first.unwrap_or_else(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_decides_then_the_length() {
        assert_eq!(compare(&[1.0, 2.0], &[1.0, 3.0]), Ordering::Less);
        assert_eq!(compare(&[0.0], &[-0.0]), Ordering::Equal);
        assert_eq!(compare(&[1.0, 2.0], &[1.0]), Ordering::Greater);
    }
}
