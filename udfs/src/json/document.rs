//! A JSON document: read with the digits of its numbers kept, written in the normal form of jsonb.

use std::borrow::Cow;

use datafusion::common::exec_err;
use datafusion::error::Result;

/// Arrays and objects within each other; PostgreSQL ends at the size of its stack.
const DEPTH: usize = 512;

/// Bytes of a document in normal form: what PostgreSQL allows the strings of one.
const SIZE: usize = 256 << 20;

/// Digits before and after the point of a numeric.
const INTEGER_DIGITS: i64 = 131_072;
const SCALE: i64 = 16_383;

/// A value, whose numbers are as the text has them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Cow<'a, str>),
    String(String),
    Array(Vec<Json<'a>>),
    /// Keys are unique, and sorted as jsonb sorts them.
    Object(Vec<(String, Json<'a>)>),
}

/// Whether characters are wanted from strings, which takes escapes that stand for characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As the type json: `\u` may stand for anything.
    Text,
    /// As the type jsonb.
    Values,
}

/// The document in `text`, as jsonb sees it.
pub(super) fn parse(text: &str) -> Result<Json<'_>> {
    Reader::new(text, Mode::Values).document()
}

/// The parts of a document, as its text has them: without what stands around them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outline<'a> {
    Object(Vec<(String, &'a str)>),
    Array(Vec<&'a str>),
    Scalar(&'a str),
}

/// The parts of the document in `text`.
pub(super) fn outline(text: &str) -> Result<Outline<'_>> {
    Reader::new(text, Mode::Values).outline()
}

/// Refuses what the type json refuses.
pub(super) fn validate(text: &str) -> Result<()> {
    Reader::new(text, Mode::Text).document().map(|_| ())
}

fn invalid<T>() -> Result<T> {
    exec_err!("invalid input syntax for type json")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    mode: Mode,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, mode: Mode) -> Self {
        Self { text, at: 0, mode }
    }

    fn document(mut self) -> Result<Json<'a>> {
        let value = self.value(DEPTH)?;
        self.space();
        if self.at < self.text.len() {
            return invalid();
        }
        Ok(value)
    }

    fn outline(mut self) -> Result<Outline<'a>> {
        self.space();
        let parts = match self.peek() {
            Some(b'[') => {
                let mut items = Vec::new();
                self.items(|reader| {
                    items.push(reader.part()?);
                    Ok(())
                })?;
                Outline::Array(items)
            }
            Some(b'{') => {
                let mut pairs = Vec::new();
                self.pairs(|reader, key| {
                    pairs.push((key, reader.part()?));
                    Ok(())
                })?;
                Outline::Object(pairs)
            }
            _ => Outline::Scalar(self.part()?),
        };
        self.space();
        if self.at < self.text.len() {
            return invalid();
        }
        Ok(parts)
    }

    /// The text of the value that is next.
    fn part(&mut self) -> Result<&'a str> {
        self.space();
        let start = self.at;
        let _ = self.value(DEPTH - 1)?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the next byte is `byte`, which is then behind.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return invalid();
        }
        self.at += word.len();
        // `nullx` is one wrong word.
        if matches!(self.peek(), Some(b) if b.is_ascii_alphanumeric() || b == b'_' || !b.is_ascii()) {
            return invalid();
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>> {
        self.space();
        match self.peek() {
            Some(b'n') => self.word("null", Json::Null),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'[' | b'{') if depth == 0 => {
                exec_err!("JSON nested deeper than {DEPTH} levels is not supported")
            }
            Some(b'[') => self.array(depth - 1),
            Some(b'{') => self.object(depth - 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => invalid(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>> {
        let mut items = Vec::new();
        self.items(|reader| {
            items.push(reader.value(depth)?);
            Ok(())
        })?;
        Ok(Json::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>> {
        let mut pairs = Vec::new();
        self.pairs(|reader, key| {
            pairs.push((key, reader.value(depth)?));
            Ok(())
        })?;
        Ok(Json::Object(unique(pairs)))
    }

    /// The array whose bracket is next; `item` reads each value.
    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.at += 1;
        self.space();
        if self.takes(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            if self.takes(b']') {
                return Ok(());
            }
            if !self.takes(b',') {
                return invalid();
            }
        }
    }

    /// The object whose brace is next; `pair` reads the value of each key.
    fn pairs(&mut self, mut pair: impl FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
        self.at += 1;
        self.space();
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return invalid();
            }
            let key = self.string()?;
            self.space();
            if !self.takes(b':') {
                return invalid();
            }
            pair(self, key)?;
            self.space();
            if self.takes(b'}') {
                return Ok(());
            }
            if !self.takes(b',') {
                return invalid();
            }
        }
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { invalid() } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Json<'a>> {
        let start = self.at;
        let _ = self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        // `01` and `1a` are one wrong word.
        if matches!(self.peek(), Some(b) if b.is_ascii_alphanumeric() || b == b'_' || !b.is_ascii()) {
            return invalid();
        }
        Ok(Json::Number(
            self.text.get(start..self.at).unwrap_or_default().into(),
        ))
    }

    /// The string whose opening quote is next.
    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(b) if b != b'"' && b != b'\\' && b >= 0x20) {
                self.at += 1;
            }
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return invalid(),
            }
        }
    }

    /// The character of the escape whose backslash is behind.
    fn escape(&mut self) -> Result<char> {
        let Some(byte) = self.peek() else {
            return invalid();
        };
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return invalid(),
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let first = self.hex()?;
        if self.mode == Mode::Text {
            return Ok('\u{fffd}');
        }
        let code = match first {
            0 => return exec_err!("unsupported Unicode escape sequence"),
            0xd800..=0xdbff => {
                if !self.takes(b'\\') || !self.takes(b'u') {
                    return invalid();
                }
                match self.hex()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return invalid(),
                }
            }
            code => code,
        };
        char::from_u32(code).map_or_else(invalid, Ok)
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return invalid();
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).or_else(|_| invalid())
    }
}

/// The pairs in jsonb's order, shorter keys first; of a key given twice the last value.
fn unique<'a>(mut pairs: Vec<(String, Json<'a>)>) -> Vec<(String, Json<'a>)> {
    pairs.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
    let mut out: Vec<(String, Json<'a>)> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match out.last_mut() {
            Some(last) if last.0 == pair.0 => *last = pair,
            _ => out.push(pair),
        }
    }
    out
}

/// What `||` makes of two documents.
pub(super) fn concat<'a>(left: Json<'a>, right: Json<'a>) -> Json<'a> {
    match (left, right) {
        (Json::Object(mut left), Json::Object(right)) => {
            left.extend(right);
            Json::Object(unique(left))
        }
        (left, right) => {
            let mut items = items(left);
            items.extend(self::items(right));
            Json::Array(items)
        }
    }
}

fn items(value: Json<'_>) -> Vec<Json<'_>> {
    match value {
        Json::Array(items) => items,
        other => vec![other],
    }
}

impl Json<'_> {
    /// The normal form.
    pub(super) fn to_text(&self) -> Result<String> {
        let mut out = String::new();
        self.write(&mut out)?;
        Ok(out)
    }

    fn write(&self, out: &mut String) -> Result<()> {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Number(digits) => write_number(digits, out)?,
            Json::String(text) => write_string(text, out),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    item.write(out)?;
                }
                out.push(']');
            }
            Json::Object(pairs) => {
                out.push('{');
                for (i, (key, value)) in pairs.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    write_string(key, out);
                    out.push_str(": ");
                    value.write(out)?;
                }
                out.push('}');
            }
        }
        if out.len() > SIZE {
            return exec_err!("total size of jsonb elements exceeds the maximum of {SIZE} bytes");
        }
        Ok(())
    }
}

pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A number as numeric writes it: without an exponent, with the digits after the point that it was given.
fn write_number(text: &str, out: &mut String) -> Result<()> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (text, "0"),
    };
    // An exponent beyond i32 overflows whatever the digits are, even of zero.
    let Ok(exponent) = exponent.parse::<i32>() else {
        return exec_err!("value overflows numeric format");
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [integer, fraction].concat();
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    // The place of the point within `digits`.
    let point = length(integer) + i64::from(exponent);
    let scale = (length(&digits) - point).max(0);
    let significant = digits.trim_start_matches('0');
    let zeros = length(&digits) - length(significant);
    if scale > SCALE || (!significant.is_empty() && point - zeros > INTEGER_DIGITS) {
        return exec_err!("value overflows numeric format");
    }
    if negative && !significant.is_empty() {
        out.push('-');
    }
    let nought = significant.is_empty();
    let digit = |place: i64| {
        let found = usize::try_from(place)
            .ok()
            .and_then(|place| digits.as_bytes().get(place));
        found.map_or('0', |b| char::from(*b))
    };
    if nought || point <= zeros {
        out.push('0');
    } else {
        out.extend((zeros..point).map(digit));
    }
    if scale > 0 {
        out.push('.');
        out.extend((point..point + scale).map(digit));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
