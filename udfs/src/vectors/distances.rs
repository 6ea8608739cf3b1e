//! `l2_distance(a, b)`, `inner_product(a, b)`, `vector_negative_inner_product(a, b)`, `cosine_distance(a, b)`, `l1_distance(a, b)`:
//! what the operators `<->`, `<#>`, `<=>` and `<+>` become.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;
use radlake_kernels::vectors::{Metric, distance};

use super::column::Vectors;
use super::{coerced, refused};
use crate::document::{Family, document};
use crate::rows::rows;

/// One of the five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Distance(Metric),
    InnerProduct,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Distance {
    kind: Kind,
    signature: Signature,
}

pub(super) fn all() -> Vec<Arc<ScalarUDF>> {
    let kinds = Metric::ALL.map(Kind::Distance);
    kinds
        .into_iter()
        .chain([Kind::InnerProduct])
        .map(|kind| {
            Arc::new(ScalarUDF::from(Distance {
                kind,
                signature: Signature::user_defined(Volatility::Immutable),
            }))
        })
        .collect()
}

impl Distance {
    fn of(&self, a: &[f32], b: &[f32]) -> Result<f64> {
        let found = match self.kind {
            Kind::Distance(metric) => distance(a, b, metric),
            // 0 less, so that 0 is not -0.
            Kind::InnerProduct => distance(a, b, Metric::NegativeInnerProduct).map(|negative| 0.0 - negative),
        };
        found.map_err(refused)
    }
}

impl ScalarUDFImpl for Distance {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Distance(metric) => super::function_of(metric),
            Kind::InnerProduct => "inner_product",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [a, b] = take_function_args(self.name(), types)?;
        Ok(vec![coerced(self.name(), a)?, coerced(self.name(), b)?])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [a, b] = take_function_args(self.name(), &args.args)?;
        let count = rows(&args);
        // The one vector that all others are compared with is read once.
        let (many, one, first) = match (a, b) {
            (ColumnarValue::Scalar(_), _) => (b, a, true),
            _ => (a, b, false),
        };
        let many = many.to_array(count)?;
        let many = Vectors::of(&many)?;
        let found: Float64Array = match one {
            ColumnarValue::Scalar(one) => {
                let one = one.to_array()?;
                let Some(one) = Vectors::of(&one)?.row(0)? else {
                    return Ok(ColumnarValue::Scalar(ScalarValue::Float64(None)));
                };
                let each = (0..count).map(|row| match many.row(row)? {
                    Some(other) if first => self.of(&one, &other).map(Some),
                    Some(other) => self.of(&other, &one).map(Some),
                    None => Ok(None),
                });
                each.collect::<Result<_>>()?
            }
            ColumnarValue::Array(others) => {
                let others = Vectors::of(others)?;
                let each = (0..count).map(|row| match (many.row(row)?, others.row(row)?) {
                    (Some(a), Some(b)) => self.of(&a, &b).map(Some),
                    _ => Ok(None),
                });
                each.collect::<Result<_>>()?
            }
        };
        let found: ArrayRef = Arc::new(found);
        let constant = args.args.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?),
            false => ColumnarValue::Array(found),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOCS: LazyLock<[Documentation; 5]> = LazyLock::new(|| {
            [
                (
                    "l2_distance",
                    "Euclidean distance of two vectors, as a <-> b: the root of the sum of squared differences.",
                ),
                (
                    "vector_negative_inner_product",
                    "The inner product of two vectors, negated, as a <#> b.",
                ),
                (
                    "cosine_distance",
                    "One less the cosine of the angle between two vectors, as a <=> b; NaN where one is zero.",
                ),
                (
                    "l1_distance",
                    "Taxicab distance of two vectors, as a <+> b: the sum of absolute differences.",
                ),
                ("inner_product", "The inner product of two vectors."),
            ]
            .map(|(name, description)| {
                document(
                    Family::Vector,
                    &format!("{name}(a, b)"),
                    description,
                    &[
                        ("a", "A vector."),
                        ("b", "A vector of as many dimensions."),
                    ],
                    &format!("SELECT {name}('[1,2]'::vector, '[3,4]');"),
                )
            })
        });
        let [l2, negative, cosine, l1, inner] = &*DOCS;
        Some(match self.kind {
            Kind::Distance(Metric::Euclidean) => l2,
            Kind::Distance(Metric::NegativeInnerProduct) => negative,
            Kind::Distance(Metric::Cosine) => cosine,
            Kind::Distance(Metric::Taxicab) => l1,
            Kind::InnerProduct => inner,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, number};

    #[test]
    fn in_sql() {
        for (call, expected) in [
            ("l2_distance('[0,0]', '[3,4]')", 5.0),
            ("inner_product('[1,2]', '[3,4]')", 11.0),
            ("vector_negative_inner_product('[1,2]', '[3,4]')", -11.0),
            ("cosine_distance('[1,2]', '[2,4]')", 0.0),
            ("l1_distance('[0,0]', vector_in('[3,-4]', 2))", 7.0),
        ] {
            assert_eq!(number(call), Some(expected), "{call}");
        }
        assert_eq!(number("l2_distance(NULL, '[1]')"), None);
        let refused = error("l2_distance('[1,2,3]', '[1,2]')");
        assert!(
            refused.contains("different vector dimensions 3 and 2"),
            "{refused}"
        );
        assert!(!error("l2_distance('[4711,x]', '[1]')").contains("4711"));
    }
}
