//! Places in a text: the parser counts lines and columns, clients count characters, Rust counts bytes.

/// A text with the byte offset of each of its lines.
pub(crate) struct Places<'a> {
    text: &'a str,
    lines: Vec<usize>,
    /// Characters are bytes, so that a place is found without reading its line.
    ascii: bool,
}

impl<'a> Places<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let starts = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            ascii: text.is_ascii(),
        }
    }

    /// The byte offset of a line and column, both from 1; the text's end for places after it.
    pub(crate) fn byte(&self, line: u64, column: u64) -> usize {
        let line = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.lines.get(line).copied() else {
            return self.text.len();
        };
        let column = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        if self.ascii {
            return start.saturating_add(column).min(self.text.len());
        }
        let rest = self.text.get(start..).unwrap_or_default();
        rest.char_indices()
            .nth(column)
            .map_or(self.text.len(), |(at, _)| start + at)
    }

    /// The number of a place's character in the text, from 1; `None` for line 0, which stands for "unknown".
    pub(crate) fn character(&self, line: u64, column: u64) -> Option<usize> {
        if line == 0 {
            return None;
        }
        let byte = self.byte(line, column);
        if self.ascii {
            return Some(byte + 1);
        }
        Some(self.text.get(..byte)?.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let places = Places::new("ü b\ncd");
        assert_eq!(places.byte(1, 3), 3);
        assert_eq!(places.character(1, 3), Some(3));
        assert_eq!(places.character(2, 2), Some(6));
        assert_eq!(places.character(9, 1), Some(7));
        assert_eq!(places.character(0, 0), None);
        let plain = Places::new("u b\ncd");
        assert_eq!((plain.byte(1, 3), plain.character(2, 2)), (2, Some(6)));
        assert_eq!((plain.byte(2, 9), plain.character(9, 1)), (6, Some(7)));
    }
}
