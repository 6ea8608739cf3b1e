//! `similar_to(text, pattern [, escape])`: what `text SIMILAR TO pattern ESCAPE escape` becomes.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, BooleanBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::pattern::{Compiled, escape_character, similar};
use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `similar_to`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SimilarTo {
    signature: Signature,
}

impl Default for SimilarTo {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for SimilarTo {
    fn name(&self) -> &str {
        "similar_to"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        if !matches!(types.len(), 2 | 3) {
            return plan_err!("similar_to does not take {} arguments", types.len());
        }
        match types.iter().find(|t| !t.is_string() && !t.is_null()) {
            Some(other) => plan_err!("similar_to: a text is wanted, not {other}"),
            None => Ok(vec![DataType::Utf8; types.len()]),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let (texts, patterns, escapes) = match values {
                [texts, patterns] => (texts, patterns, None),
                [texts, patterns, escapes] => (texts, patterns, Some(escapes.as_string::<i32>())),
                _ => return internal_err!("similar_to: two or three arguments expected"),
            };
            let (texts, patterns) = (texts.as_string::<i32>(), patterns.as_string::<i32>());
            let mut compiled = Compiled::default();
            let mut out = BooleanBuilder::with_capacity(texts.len());
            for (row, pair) in texts.iter().zip(patterns).enumerate() {
                let escape = match escapes {
                    None => Some("\\"),
                    Some(escapes) if escapes.is_valid(row) => Some(escapes.value(row)),
                    Some(_) => None,
                };
                out.append_option(match (pair, escape) {
                    ((Some(text), Some(pattern)), Some(escape)) => {
                        let escape = escape_character(escape)?;
                        let key = format!("{}{pattern}", escape.unwrap_or('\0'));
                        let regex = compiled.get(&key, || similar(pattern, escape))?;
                        Some(regex.is_match(text))
                    }
                    _ => None,
                });
            }
            Ok(Arc::new(out.finish()))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "similar_to(text, pattern [, escape])",
                "Whether the whole of a text is as a pattern of SQL says: % any characters, _ one, and | * + ? {m,n} () [] as in \
                 regular expressions.",
                &[
                    ("text", "Text to look at."),
                    ("pattern", "Pattern of SIMILAR TO."),
                    (
                        "escape",
                        "Character that takes the meaning from the next; a backslash where it is left out.",
                    ),
                ],
                "SELECT similar_to('abc', '%(b|d)%', '\\');  -- true",
            )
        });
        Some(&DOC)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, text, texts};
    use arrow::array::StringArray;
    use std::sync::Arc;

    #[test]
    fn in_sql() {
        for (value, pattern, expected) in [
            ("abc", "abc", "true"),
            ("abc", "a", "false"),
            ("abc", "%(b|d)%", "true"),
            ("abc", "(b|c)%", "false"),
            ("abc", "a_c", "true"),
            ("abc", "_", "false"),
            ("aaa", "a{2,3}", "true"),
            ("aaaa", "a{2,3}", "false"),
            ("a.c", "a.c", "true"),
            ("abc", "a.c", "false"),
            ("a^$c", "a^$c", "true"),
            ("b5", "[a-c][0-9]", "true"),
            ("d5", "[^a-c][[:digit:]]", "true"),
            ("]", "[]]", "true"),
            ("-", "[a-]", "true"),
            ("&", "[&&]", "true"),
            ("50%", "50\\%", "true"),
            ("505", "50\\%", "false"),
            ("a\nb", "a%b", "true"),
            ("ab\n", "ab", "false"),
            ("", "%", "true"),
        ] {
            let call = format!("similar_to('{value}', '{pattern}', '\\')");
            assert_eq!(text(&call).as_deref(), Some(expected), "{call}");
        }
        assert_eq!(text("similar_to('50%', '50#%', '#')").as_deref(), Some("true"));
        assert_eq!(text("similar_to('a\\b', 'a\\b', '')").as_deref(), Some("true"));
        assert_eq!(text("similar_to('a', NULL, '\\')"), None);
        assert_eq!(text("similar_to('a', 'a', NULL)"), None);
        assert!(error("similar_to('a', 'a', 'xy')").contains("invalid escape string"));
        assert!(error("similar_to('a', '(a', '\\')").contains("invalid regular expression"));
    }

    #[test]
    fn rows() {
        let column = Arc::new(StringArray::from(vec![Some("abc"), None, Some("xyz")]));
        let expected = [Some("true".to_owned()), None, Some("false".to_owned())];
        let answers = texts("SELECT similar_to(a, 'a%') FROM t", vec![column]).unwrap();
        assert_eq!(answers, expected);
    }
}
