//! `cut_blanks(text, length)`: what an assignment to `varchar(length)` makes of a text before its length is checked.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::document::{Family, document};
use crate::rows::by_row;

/// The SQL function `cut_blanks`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CutBlanks {
    signature: Signature,
}

impl Default for CutBlanks {
    fn default() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Utf8, DataType::Int64], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for CutBlanks {
    fn name(&self) -> &str {
        "cut_blanks"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [texts, lengths] = take_function_args(self.name(), values)?;
            let lengths = lengths.as_primitive::<Int64Type>();
            let pairs = texts.as_string::<i32>().iter().zip(lengths);
            let cut: StringArray = pairs.map(|(text, length)| Some(cut(text?, length?))).collect();
            Ok(Arc::new(cut))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: LazyLock<Documentation> = LazyLock::new(|| {
            document(
                Family::Text,
                "cut_blanks(text, length)",
                "The text without its blanks beyond a length in characters, if there is nothing else beyond it.",
                &[("text", "Text to cut."), ("length", "Characters to keep.")],
                "SELECT cut_blanks('ab   ', 3);",
            )
        });
        Some(&DOC)
    }
}

fn cut(text: &str, length: i64) -> &str {
    let kept = usize::try_from(length).ok();
    let end = kept.and_then(|kept| text.char_indices().nth(kept));
    match end.and_then(|(at, _)| text.split_at_checked(at)) {
        Some((kept, rest)) if rest.bytes().all(|byte| byte == b' ') => kept,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::text;

    #[test]
    fn in_sql() {
        for (value, expected) in [
            ("ab", "ab"),
            ("ab   ", "ab "),
            ("äöü ", "äöü"),
            ("abc d", "abc d"),
            ("     ", "   "),
        ] {
            let call = format!("cut_blanks('{value}', 3)");
            assert_eq!(text(&call).as_deref(), Some(expected), "{call}");
        }
        assert_eq!(text("cut_blanks(NULL, 3)"), None);
    }
}
