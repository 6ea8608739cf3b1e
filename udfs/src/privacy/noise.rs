//! `noise(value, ratio)`: a number that is about as large.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::key::{PrivacyKey, keyed};
use crate::document::{Family, document};
use crate::rows::by_row;

const NAME: &str = "noise";

/// The SQL function `noise`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Noise {
    signature: Signature,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Stable),
        }
    }
}

impl ScalarUDFImpl for Noise {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [number, _] if number.is_integer() => Ok(vec![DataType::Int64, DataType::Float64]),
            [number, _] if number.is_numeric() || number.is_null() => {
                Ok(vec![DataType::Float64, DataType::Float64])
            }
            _ => plan_err!("{NAME} takes a number and a ratio"),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Float64))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mac = PrivacyKey::of(&args.config_options)?;
        by_row(&args, |values| {
            let [numbers, ratios] = values else {
                return exec_err!("{NAME} takes two arguments");
            };
            let ratios = cast(ratios, &DataType::Float64)?;
            let ratios = ratios.as_primitive::<Float64Type>();
            // The same value has the same noise: asking again and again does not average it away.
            let factor = |row: usize, value: &[u8]| -> f64 {
                let hash = keyed(&mac, NAME, value);
                let mut number = [0; 8];
                number.copy_from_slice(&hash[..8]);
                #[expect(clippy::cast_precision_loss, reason = "a random number between -1 and 1")]
                let unit = (u64::from_be_bytes(number) as f64 / u64::MAX as f64).mul_add(2.0, -1.0);
                1.0 + ratios.value(row).abs().min(1.0) * unit
            };
            let noisy: ArrayRef = match numbers.data_type() {
                DataType::Int64 => {
                    let numbers = numbers.as_primitive::<Int64Type>();
                    let noisy = (0..numbers.len()).map(|row| {
                        (numbers.is_valid(row) && ratios.is_valid(row)).then(|| {
                            let value = numbers.value(row);
                            #[expect(
                                clippy::cast_precision_loss,
                                clippy::cast_possible_truncation,
                                reason = "the value is not to be exact"
                            )]
                            let noisy = (value as f64 * factor(row, &value.to_be_bytes())).round() as i64;
                            noisy
                        })
                    });
                    Arc::new(noisy.collect::<Int64Array>())
                }
                _ => {
                    let numbers = cast(numbers, &DataType::Float64)?;
                    let numbers = numbers.as_primitive::<Float64Type>();
                    let noisy = (0..numbers.len()).map(|row| {
                        (numbers.is_valid(row) && ratios.is_valid(row)).then(|| {
                            let value = numbers.value(row);
                            value * factor(row, &value.to_bits().to_be_bytes())
                        })
                    });
                    Arc::new(noisy.collect::<Float64Array>())
                }
            };
            Ok(noisy)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "noise(value, ratio)",
                "A number that differs from a value by at most a ratio of it. How much depends on the value and the lake's key: \
                 the same value has the same noise, so that asking often does not average it away.",
                &[
                    ("value", "A number."),
                    ("ratio", "By how much of it at most, such as 0.1."),
                ],
                "SELECT abs(noise(100.0, 0.1) - 100) <= 10;  -- true",
            )
        });
        Some(&DOC)
    }
}
