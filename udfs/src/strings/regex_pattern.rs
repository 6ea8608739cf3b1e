//! `regex_pattern(pattern)` and `regex_exact(pattern)`: what PostgreSQL's regular expressions become before the query engine's
//! operators and functions read them; `regex_replacement(text)`: the text that `regexp_replace` puts in.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::utils::take_function_args;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::pattern::{compile, leftmost_is_longest, posix};
use crate::document::{Family, document};
use crate::rows::by_row;

/// What is made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A pattern of which it matters only whether it is found.
    Found,
    /// A pattern of which it matters what is found.
    Exact,
    /// What stands in the place of what was found.
    Replacement,
}

/// One of the three functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct RegexPattern {
    kind: Kind,
    signature: Signature,
}

impl RegexPattern {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn translate(&self, text: &str) -> Result<String> {
        let pattern = match self.kind {
            Kind::Found => posix(text)?,
            Kind::Exact => leftmost_is_longest(text).and_then(|()| posix(text))?,
            Kind::Replacement => return replacement(text),
        };
        // The query engine's own error would show the pattern, and be none of a client's.
        compile(&pattern).map(|_| pattern)
    }
}

/// `\1` and `\&` name what was found; a dollar sign, which names it in the crate `regex`, is itself.
fn replacement(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match chars.next() {
                Some('&' | '0') => out.push_str("${0}"),
                Some(digit @ '1'..='9') => {
                    out.push_str("${");
                    out.push(digit);
                    out.push('}');
                }
                // The query engine takes away a backslash that nothing follows.
                _ => {
                    return exec_err!(
                        "invalid regular expression: a backslash before another character of a replacement is not supported"
                    );
                }
            },
            c => out.push(c),
        }
    }
    Ok(out)
}

impl ScalarUDFImpl for RegexPattern {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Found => "regex_pattern",
            Kind::Exact => "regex_exact",
            Kind::Replacement => "regex_replacement",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [text] = take_function_args(self.name(), types)?;
        match text.is_string() || text.is_null() {
            true => Ok(vec![DataType::Utf8]),
            false => plan_err!("No operator matches the given name and argument types: a pattern is text"),
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
            let [texts] = take_function_args(self.name(), values)?;
            self.all(texts)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static FOUND: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "regex_pattern(pattern)",
                "A regular expression of PostgreSQL as the query engine reads it: what ~, ~*, !~, !~* and regexp_like are given.",
                &[("pattern", "Regular expression.")],
                "SELECT regex_pattern('a.\\d');  -- (?s)a.\\d",
            )
        });
        static EXACT: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "regex_exact(pattern)",
                "As regex_pattern, where it matters what is found: refuses what would find a shorter part of the text than PostgreSQL.",
                &[("pattern", "Regular expression.")],
                "SELECT regex_exact('a.\\d');  -- (?s)a.\\d",
            )
        });
        static REPLACEMENT: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "regex_replacement(text)",
                "What regexp_replace puts in, as the query engine reads it: \\1 and \\& name what was found, a dollar sign is itself.",
                &[("text", "Text of PostgreSQL's regexp_replace.")],
                "SELECT regex_replacement('$\\1');  -- $$${1}",
            )
        });
        Some(match self.kind {
            Kind::Found => &*FOUND,
            Kind::Exact => &*EXACT,
            Kind::Replacement => &*REPLACEMENT,
        })
    }
}

impl RegexPattern {
    fn all(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let mut out = StringBuilder::new();
        // Most often one pattern for all rows.
        let mut last: Option<(&str, String)> = None;
        for text in texts.as_string::<i32>() {
            let Some(text) = text else {
                out.append_null();
                continue;
            };
            let translated = match last.take() {
                Some((before, translated)) if before == text => translated,
                _ => self.translate(text)?,
            };
            out.append_value(&translated);
            last = Some((text, translated));
        }
        Ok(Arc::new(out.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::replacement;

    #[test]
    fn a_replacement_names_groups_by_backslashes_only() {
        assert_eq!(replacement(r"a\1b\2$1\&").unwrap(), "a${1}b${2}$$1${0}");
        assert!(replacement(r"a\\b").is_err());
        assert!(replacement("a\\").is_err());
    }
}
