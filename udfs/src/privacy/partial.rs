//! `partial(value, prefix, padding, suffix)`: the ends of a text, as in PostgreSQL Anonymizer.

use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::document::{Family, document};
use crate::rows::by_row;

const NAME: &str = "partial";

/// The SQL function `partial`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Partial {
    signature: Signature,
}

impl Default for Partial {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// So many characters of the beginning, the padding, and so many of the end. Of a text that is no longer than what would be
/// shown of it, only the padding.
fn shown(value: &str, prefix: i64, padding: &str, suffix: i64) -> String {
    let characters = value.chars().count();
    let (prefix, suffix) = (
        usize::try_from(prefix).unwrap_or(0),
        usize::try_from(suffix).unwrap_or(0),
    );
    if prefix.saturating_add(suffix) >= characters {
        return padding.to_owned();
    }
    let mut text: String = value.chars().take(prefix).collect();
    text.push_str(padding);
    text.extend(value.chars().skip(characters - suffix));
    text
}

impl ScalarUDFImpl for Partial {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given.len() {
            4 => Ok(vec![
                DataType::Utf8,
                DataType::Int64,
                DataType::Utf8,
                DataType::Int64,
            ]),
            n => plan_err!("{NAME} takes four arguments, not {n}"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [value, prefix, padding, suffix] = values else {
                return exec_err!("{NAME} takes four arguments");
            };
            let (value, padding) = (cast(value, &DataType::Utf8)?, cast(padding, &DataType::Utf8)?);
            let (prefix, suffix) = (cast(prefix, &DataType::Int64)?, cast(suffix, &DataType::Int64)?);
            let (value, padding) = (value.as_string::<i32>(), padding.as_string::<i32>());
            let (prefix, suffix) = (
                prefix.as_primitive::<Int64Type>(),
                suffix.as_primitive::<Int64Type>(),
            );
            let texts = (0..value.len()).map(|row| {
                let known = value.is_valid(row)
                    && prefix.is_valid(row)
                    && padding.is_valid(row)
                    && suffix.is_valid(row);
                known.then(|| {
                    shown(
                        value.value(row),
                        prefix.value(row),
                        padding.value(row),
                        suffix.value(row),
                    )
                })
            });
            Ok(Arc::new(texts.collect::<StringArray>()))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "partial(value, prefix, padding, suffix)",
                "The first and last characters of a text with a padding in place of the rest, as in PostgreSQL Anonymizer. A \
                 text that is too short to hide anything of it is the padding alone.",
                &[
                    ("value", "A text."),
                    ("prefix", "How many characters of its beginning are shown."),
                    ("padding", "What stands in place of the rest."),
                    ("suffix", "How many characters of its end are shown."),
                ],
                "SELECT partial('Hospital-4711', 2, '***', 1);  -- Ho***1",
            )
        });
        Some(&DOC)
    }
}
