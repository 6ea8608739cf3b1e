//! `substring_from(text, from)`: what `substring(text FROM from)` becomes where its syntax does not tell a place from a pattern.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::plan_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::substring_regex::matched;
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `substring_from`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SubstringFrom {
    signature: Signature,
}

impl Default for SubstringFrom {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for SubstringFrom {
    fn name(&self) -> &str {
        "substring_from"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [text, from] = take_function_args(self.name(), types)?;
        let from = match from {
            from if from.is_string() || from.is_null() => DataType::Utf8,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
            other => {
                return plan_err!(
                    "No function matches the given name and argument types 'substring({text}, {other})'."
                );
            }
        };
        match text.is_string() || text.is_null() {
            true => Ok(vec![DataType::Utf8, from]),
            false => plan_err!("substring of {text} from what is no number is not supported"),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [texts, from] = take_function_args(self.name(), values)?;
            match from.data_type() {
                DataType::Int64 => Ok(placed(texts, from)),
                _ => matched(texts, from),
            }
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "substring_from(text, from)",
                "The part of a text from a place on, counted from 1, or the part that a regular expression finds.",
                &[
                    ("text", "Text to look at."),
                    ("from", "A place, or a POSIX regular expression."),
                ],
                "SELECT substring_from('foobar', 4);  -- bar",
            )
        });
        Some(&DOC)
    }
}

fn placed(texts: &ArrayRef, from: &ArrayRef) -> ArrayRef {
    let (texts, from) = (texts.as_string::<i32>(), from.as_primitive::<Int64Type>());
    let mut out = StringBuilder::new();
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text.filter(|_| from.is_valid(row)) else {
            out.append_null();
            continue;
        };
        let before = usize::try_from(from.value(row).saturating_sub(1)).unwrap_or(0);
        let start = text.char_indices().nth(before).map_or(text.len(), |(at, _)| at);
        out.append_value(text.get(start..).unwrap_or_default());
    }
    Arc::new(out.finish())
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn in_sql() {
        assert_eq!(text("substring_from('foobär', 5)").as_deref(), Some("är"));
        assert_eq!(text("substring_from('foobar', 0)").as_deref(), Some("foobar"));
        assert_eq!(text("substring_from('foobar', 10)").as_deref(), Some(""));
        assert_eq!(
            text("substring_from('foobar', lower('O.B'))").as_deref(),
            Some("oob")
        );
        assert_eq!(text("substring_from(NULL, 1)"), None);
    }
}
