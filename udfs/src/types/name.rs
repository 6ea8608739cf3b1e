//! The type `name`: a text of at most 63 bytes.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};

/// PostgreSQL's NAMEDATALEN, without the zero at the end.
const LONGEST: usize = 63;

/// The characters of a text that fit a name.
#[must_use]
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or(text)
}

/// Texts cut to names; what holds no texts stays as it is.
#[must_use]
pub fn names(values: &ArrayRef) -> ArrayRef {
    match values.as_string_opt::<i32>() {
        Some(texts) if texts.iter().flatten().any(|text| text.len() > LONGEST) => {
            Arc::new(texts.iter().map(|text| text.map(cut)).collect::<StringArray>())
        }
        _ => Arc::clone(values),
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_character_is_kept_whole() {
        assert_eq!(cut("abc"), "abc");
        assert_eq!(cut(&"x".repeat(63)).len(), 63);
        assert_eq!(cut(&"x".repeat(64)).len(), 63);
        assert_eq!(cut(&"é".repeat(40)), "é".repeat(31));
    }
}
