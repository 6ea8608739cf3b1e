//! `substring_regex(text, pattern)`: what `substring(text FROM pattern)` becomes.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::pattern::{Compiled, leftmost_is_longest, posix};
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `substring_regex`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SubstringRegex {
    signature: Signature,
}

impl Default for SubstringRegex {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for SubstringRegex {
    fn name(&self) -> &str {
        "substring_regex"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, _] = take_function_args(self.name(), types)?;
        match types.iter().find(|t| !t.is_string() && !t.is_null()) {
            Some(other) => plan_err!("substring_regex: a text is wanted, not {other}"),
            None => Ok(vec![DataType::Utf8; 2]),
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
            let [texts, patterns] = take_function_args(self.name(), values)?;
            matched(texts, patterns)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "substring_regex(text, pattern)",
                "The part of a text that a regular expression finds, or of it that its first parentheses find. NULL where it finds \
                 nothing.",
                &[
                    ("text", "Text to look at."),
                    ("pattern", "POSIX regular expression."),
                ],
                "SELECT substring_regex('foobar', 'o(.)b');  -- o",
            )
        });
        Some(&DOC)
    }
}

/// The part of each text that its pattern finds.
pub(super) fn matched(texts: &ArrayRef, patterns: &ArrayRef) -> Result<ArrayRef> {
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
            let call = format!("substring_regex('{value}', '{pattern}')");
            assert_eq!(text(&call).as_deref(), expected, "{call}");
        }
        assert_eq!(text("substring_regex(NULL, 'a')"), None);
        for pattern in ["o|oo", "o+?", "(x)?foo", "(?:ab)*", "a{1,2}?"] {
            let call = format!("substring_regex('foobar', '{pattern}')");
            assert!(error(&call).contains("not supported"), "{pattern}");
        }
        assert!(error("substring_regex('a', '(')").contains("invalid regular expression"));
        assert!(error("substring_regex('a', '[a')").contains("invalid regular expression"));
    }
}
