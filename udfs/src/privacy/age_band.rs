//! `age_band(age)`: the ten years that an age is in, all from 90 on together.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::document::{Family, document};
use crate::rows::by_row;

const NAME: &str = "age_band";

/// The SQL function `age_band`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AgeBand {
    signature: Signature,
}

impl Default for AgeBand {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Whole years of an age as DICOM writes it (`043Y`, `006M`; PS3.5 table 6.2-1), or of a plain number.
fn years(text: &str) -> Option<i64> {
    let text = text.trim_matches([' ', '\0']);
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit @ ('Y' | 'M' | 'W' | 'D'))) => (text.get(..at)?, unit),
        _ => (text, 'Y'),
    };
    let number: i64 = number.trim().parse().ok().filter(|number| *number >= 0)?;
    Some(match unit {
        'M' => number / 12,
        'W' => number.saturating_mul(7) / 365,
        'D' => number / 365,
        _ => number,
    })
}

/// The lower end of an age's band.
fn lower(years: i64) -> i64 {
    (years.max(0) / 10 * 10).min(90)
}

impl ScalarUDFImpl for AgeBand {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [number] if number.is_integer() => Ok(vec![DataType::Int64]),
            [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => {
                Ok(vec![DataType::Utf8])
            }
            _ => plan_err!("{NAME} takes one whole number of years, or an age as DICOM writes it"),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Utf8))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [ages] = values else {
                return exec_err!("{NAME} takes one argument");
            };
            let bands: ArrayRef = match ages.data_type() {
                DataType::Utf8 => {
                    let bands = ages.as_string::<i32>().iter().map(|age| {
                        Some(match lower(years(age?)?) {
                            90 => "90+".to_owned(),
                            from => format!("{from}-{}", from + 9),
                        })
                    });
                    Arc::new(bands.collect::<StringArray>())
                }
                _ => {
                    let ages = cast(ages, &DataType::Int64)?;
                    let ages = ages.as_primitive::<Int64Type>();
                    Arc::new(ages.iter().map(|age| age.map(lower)).collect::<Int64Array>())
                }
            };
            Ok(bands)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "age_band(age)",
                "The ten years that an age is in; all from 90 on are one, as HIPAA's safe harbour asks. Of a number its lower \
                 end, of a text the band as text; NULL for what is no age.",
                &[("age", "Whole years, or a text such as '043Y'.")],
                "SELECT age_band(43), age_band('043Y'), age_band('097Y');  -- 40, 40-49, 90+",
            )
        });
        Some(&DOC)
    }
}
