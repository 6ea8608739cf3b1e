//! Numbers read by a pattern, as `to_number` does.

use datafusion::common::{exec_err, not_impl_err};
use datafusion::error::Result;

use super::{Key, Node, NumberPattern};

impl NumberPattern {
    /// Digits behind the point of what is read by it.
    #[must_use]
    pub fn scale(&self) -> usize {
        self.behind
    }

    /// Reads a number, as a whole one of which [`Self::scale`] digits stand behind the point; nothing where the text has none.
    ///
    /// # Errors
    /// Patterns that are for writing alone.
    pub fn read(&self, text: &str) -> Result<Option<i128>> {
        if self.roman || self.scientific || self.shifted {
            return not_impl_err!("RN, EEEE and V in a pattern that a number is read by");
        }
        let mut rest = text.trim_start();
        let (mut digits, mut sign, mut behind) = (String::new(), None, None);
        for node in &self.nodes {
            match node {
                Node::Key(Key::Nine | Key::Zero | Key::Point) => {
                    if sign.is_none() && digits.is_empty() {
                        let negative = rest.starts_with('-') || self.bracket && rest.starts_with('<');
                        if negative || rest.starts_with('+') {
                            sign = Some(negative);
                            rest = rest.get(1..).unwrap_or_default();
                        }
                    }
                    match rest.bytes().next() {
                        Some(digit @ b'0'..=b'9') if behind.is_none_or(|behind| behind < self.behind) => {
                            digits.push(char::from(digit));
                            behind = behind.map(|behind| behind + 1);
                            rest = rest.get(1..).unwrap_or_default();
                        }
                        Some(b'.') if self.decimal && behind.is_none() => {
                            behind = Some(0);
                            rest = rest.get(1..).unwrap_or_default();
                        }
                        _ => {}
                    }
                }
                Node::Key(Key::Comma | Key::Group) => rest = rest.strip_prefix(',').unwrap_or(rest),
                Node::Key(Key::Minus | Key::Plus | Key::Either) => {
                    if rest.starts_with(['-', '+']) {
                        sign = Some(rest.starts_with('-'));
                        rest = rest.get(1..).unwrap_or_default();
                    }
                }
                Node::Key(Key::Currency) => rest = without_sign(rest),
                Node::Key(_) => {}
                Node::Text(literal) => {
                    for _ in literal.chars() {
                        rest = without_sign(rest);
                    }
                }
            }
        }
        if sign.is_none() && self.sign.is_some() {
            sign = rest.starts_with(['-', '+']).then(|| rest.starts_with('-'));
        }
        if digits.is_empty() {
            return Ok(None);
        }
        digits.push_str(&"0".repeat(self.behind.saturating_sub(behind.unwrap_or(0))));
        let value: i128 = match digits.len() <= 38 {
            true => digits.parse().unwrap_or_default(),
            false => return exec_err!("numeric field out of range"),
        };
        Ok(Some(if sign == Some(true) { -value } else { value }))
    }
}

/// What follows a character that is no part of a number.
fn without_sign(text: &str) -> &str {
    text.strip_prefix(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '+' | '-'))
        .unwrap_or(text)
}
