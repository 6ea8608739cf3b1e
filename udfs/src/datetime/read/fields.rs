//! The fields of a text: what belongs together by its characters, before anything is known of its meaning.

use super::Problem;
use super::words;

/// What a field looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Digits, perhaps with a point.
    Number,
    /// Digits or letters with separators: a date, or a zone's name.
    Date,
    /// Digits with colons.
    Time,
    /// A sign and digits.
    Zone,
    /// Letters, perhaps with a sign before them.
    Word,
}

/// A field in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) shape: Shape,
    pub(super) text: String,
}

/// More are no date.
const MOST: usize = 25;

struct Cursor<'a> {
    rest: &'a [u8],
    text: String,
}

impl Cursor<'_> {
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn take(&mut self) {
        if let Some((byte, rest)) = self.rest.split_first() {
            self.text.push(char::from(byte.to_ascii_lowercase()));
            self.rest = rest;
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while wanted(self.peek()) {
            self.take();
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Splits a text as PostgreSQL's `ParseDateTime` does.
pub(super) fn split(text: &str) -> Result<Vec<Field>, Problem> {
    let mut fields = Vec::new();
    let mut at = Cursor {
        rest: text.as_bytes(),
        text: String::new(),
    };
    while !at.rest.is_empty() {
        let first = at.peek();
        if is_space(first) {
            at.skip();
            continue;
        }
        let shape = match first {
            b'0'..=b'9' => digits(&mut at),
            b'.' => {
                at.take();
                at.take_while(|b| b.is_ascii_digit());
                Shape::Number
            }
            b'+' | b'-' => {
                at.take();
                while is_space(at.peek()) {
                    at.skip();
                }
                if at.peek().is_ascii_digit() {
                    at.take_while(|b| b.is_ascii_digit() || b":.-".contains(&b));
                    Shape::Zone
                } else if at.peek().is_ascii_alphabetic() {
                    at.take_while(|b| b.is_ascii_alphabetic());
                    Shape::Word
                } else {
                    return Err(Problem::Syntax);
                }
            }
            byte if byte.is_ascii_alphabetic() => letters(&mut at),
            byte if byte.is_ascii_punctuation() => {
                at.skip();
                continue;
            }
            _ => return Err(Problem::Syntax),
        };
        if fields.len() == MOST {
            return Err(Problem::Syntax);
        }
        let text = std::mem::take(&mut at.text);
        fields.push(Field { shape, text });
    }
    Ok(fields)
}

fn digits(at: &mut Cursor<'_>) -> Shape {
    at.take_while(|b| b.is_ascii_digit());
    match at.peek() {
        b':' => {
            at.take_while(|b| b.is_ascii_digit() || b":.".contains(&b));
            Shape::Time
        }
        separator @ (b'-' | b'/' | b'.') => {
            at.take();
            if !at.peek().is_ascii_digit() {
                at.take_while(|b| b.is_ascii_alphanumeric() || b == separator);
                return Shape::Date;
            }
            at.take_while(|b| b.is_ascii_digit());
            if at.peek() == separator {
                at.take_while(|b| b.is_ascii_digit() || b == separator);
                Shape::Date
            } else if separator == b'.' {
                Shape::Number
            } else {
                Shape::Date
            }
        }
        _ => Shape::Number,
    }
}

fn letters(at: &mut Cursor<'_>) -> Shape {
    at.take_while(|b| b.is_ascii_alphabetic());
    let next = at.peek();
    let more = match next {
        b'-' | b'/' | b'.' => true,
        // `j2451187` and `t101112` are a word and a number, `gmt+3` is a zone.
        b'+' | b'0'..=b'9' => words::word(&at.text).is_none(),
        _ => false,
    };
    if !more {
        return Shape::Word;
    }
    at.take_while(|b| b.is_ascii_alphanumeric() || b"+-/_.:".contains(&b));
    Shape::Date
}
