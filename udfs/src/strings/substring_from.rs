//! `substring_from(text, from)`: what `substring(text FROM from)` becomes: its syntax does not tell a place from a pattern.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::plan_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::pattern::{Compiled, leftmost_is_longest, posix};
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

/// The part of each text that its pattern finds.
fn matched(texts: &ArrayRef, patterns: &ArrayRef) -> Result<ArrayRef> {
    let mut compiled = Compiled::default();
    let mut out = StringBuilder::new();
    for pair in texts.as_string::<i32>().iter().zip(patterns.as_string::<i32>()) {
        let (Some(text), Some(pattern)) = pair else {
            out.append_null();
            continue;
        };
        let regex = compiled.get(pattern, || {
            leftmost_is_longest(pattern)?;
            posix(pattern)
        })?;
        // The first group where there is one, else all that matched.
        let found = if regex.captures_len() > 1 {
            regex.captures(text).and_then(|groups| groups.get(1))
        } else {
            regex.find(text)
        };
        out.append_option(found.map(|found| found.as_str()));
    }
    Ok(Arc::new(out.finish()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text};

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

    #[test]
    fn patterns() {
        for (value, pattern, expected) in [
            ("foobar", "o.b", Some("oob")),
            ("foobar", "o(.)b", Some("o")),
            ("foobar", "(?:o)(.)b", Some("o")),
            ("foobar", "x", None),
            ("ab12", "\\d+", Some("12")),
            ("ab12", "[[:alpha:]]+", Some("ab")),
            ("ABC", "(?i)b", Some("B")),
            ("one two", "\\mt\\w+\\M", Some("two")),
            ("a{b", "a{b", Some("a{b")),
            ("a.b", "***=.", Some(".")),
            ("a\nb", "a.b", Some("a\nb")),
        ] {
            let call = format!("substring_from('{value}', '{pattern}')");
            assert_eq!(text(&call).as_deref(), expected, "{call}");
        }
        assert_eq!(text("substring_from(NULL, 'a')"), None);
        for pattern in ["o|oo", "o+?", "(x)?foo", "(?:ab)*", "a{1,2}?"] {
            let call = format!("substring_from('foobar', '{pattern}')");
            assert!(error(&call).contains("not supported"), "{pattern}");
        }
        assert!(error("substring_from('a', '(')").contains("invalid regular expression"));
        assert!(error("substring_from('a', '[a')").contains("invalid regular expression"));
    }
}
