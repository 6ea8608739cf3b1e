//! Patterns of SQL (`SIMILAR TO`) and PostgreSQL's regular expressions, as patterns of the crate `regex`.

use std::iter::Peekable;
use std::str::Chars;

use datafusion::common::exec_err;
use datafusion::error::Result;
use regex::{Regex, RegexBuilder};

/// Memory of one compiled pattern.
const SIZE: usize = 10 << 20;

/// A pattern, compiled again only where it differs from that of the row before.
#[derive(Default)]
pub(super) struct Compiled {
    last: Option<(String, Regex)>,
}

impl Compiled {
    /// `translate` makes the pattern of the crate from what `key` stands for.
    pub(super) fn get(&mut self, key: &str, translate: impl FnOnce() -> Result<String>) -> Result<&Regex> {
        let regex = match self.last.take() {
            Some((last, regex)) if last == key => regex,
            _ => compile(&translate()?)?,
        };
        Ok(&self.last.insert((key.to_owned(), regex)).1)
    }
}

pub(super) fn compile(pattern: &str) -> Result<Regex> {
    match RegexBuilder::new(pattern).size_limit(SIZE).build() {
        Ok(regex) => Ok(regex),
        Err(regex::Error::CompiledTooBig(_)) => {
            exec_err!("invalid regular expression: regular expression is too complex")
        }
        Err(_) => exec_err!("invalid regular expression"),
    }
}

/// The character as itself.
fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// The one character of an escape clause; none where it is empty.
pub(super) fn escape_character(escape: &str) -> Result<Option<char>> {
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (first, None) => Ok(first),
        _ => exec_err!("invalid escape string"),
    }
}

/// `SIMILAR TO`: the whole of a text.
pub(super) fn similar(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("(?s)\\A(?:");
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            match chars.next() {
                Some(c) => escaped(c, &mut out)?,
                // At the end it stands for nothing.
                None => break,
            }
            continue;
        }
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '[' => bracket(&mut chars, escape, &mut out)?,
            '{' => bound(&mut chars, &mut out),
            '|' | '*' | '+' | '?' | ')' => out.push(c),
            c => literal(c, &mut out),
        }
    }
    out.push_str(")\\z");
    Ok(out)
}

/// Refuses patterns of which PostgreSQL may find more than the crate does, which takes the first way to match and not the longest:
/// alternatives, parts in parentheses that repeat, and quantifiers that take as little as they can.
pub(super) fn leftmost_is_longest(pattern: &str) -> Result<()> {
    if pattern.starts_with("***=") {
        return Ok(());
    }
    let mut chars = pattern.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let unsure = match c {
            '\\' => chars.next().is_none(),
            '[' => {
                bracket(&mut chars, Some('\\'), &mut String::new())?;
                false
            }
            '|' => true,
            '*' | '+' => before == ')',
            '{' if chars.peek().is_some_and(char::is_ascii_digit) => before == ')',
            // Behind a parenthesis it says of what kind this is.
            '?' => matches!(before, ')' | '*' | '+' | '?' | '}'),
            _ => false,
        };
        if unsure {
            return exec_err!(
                "invalid regular expression: alternatives and lazy or repeated groups are not supported"
            );
        }
        before = if c == '\\' || c == '[' { 'x' } else { c };
    }
    Ok(())
}

/// A POSIX ("advanced") regular expression, found anywhere in a text.
pub(super) fn posix(pattern: &str) -> Result<String> {
    if let Some(text) = pattern.strip_prefix("***=") {
        return Ok(regex::escape(text));
    }
    let pattern = pattern.strip_prefix("***:").unwrap_or(pattern);
    let (flags, pattern) = options(pattern)?;
    let mut out = flags;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c) => escaped(c, &mut out)?,
                None => return exec_err!("invalid regular expression: invalid escape \\ sequence"),
            },
            '[' => bracket(&mut chars, Some('\\'), &mut out)?,
            '{' => bound(&mut chars, &mut out),
            '(' => {
                out.push('(');
                // Of what may follow, only `?:` is understood by both.
                if chars.peek() == Some(&'?') {
                    let _ = chars.next();
                    if chars.next() != Some(':') {
                        return exec_err!("invalid regular expression: lookaround is not supported");
                    }
                    out.push_str("?:");
                }
            }
            '|' | '*' | '+' | '?' | ')' | '.' | '^' | '$' => out.push(c),
            c => literal(c, &mut out),
        }
    }
    Ok(out)
}

/// The letters of `(?letters)` at the beginning, as flags; a dot is any character unless they say otherwise.
fn options(pattern: &str) -> Result<(String, &str)> {
    let none = Ok(("(?s)".to_owned(), pattern));
    let Some((letters, rest)) = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')) else {
        return none;
    };
    if letters.is_empty() || !letters.bytes().all(|b| b.is_ascii_lowercase()) {
        return none;
    }
    let (mut insensitive, mut dot, mut lines) = (false, true, false);
    for letter in letters.chars() {
        match letter {
            'i' => insensitive = true,
            'c' => insensitive = false,
            'n' | 'm' => (dot, lines) = (false, true),
            's' => (dot, lines) = (true, false),
            'p' => (dot, lines) = (false, false),
            'w' => (dot, lines) = (true, true),
            't' => {}
            _ => return unsupported(),
        }
    }
    let flags = [(insensitive, 'i'), (dot, 's'), (lines, 'm')];
    let set: String = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, flag)| *flag)
        .collect();
    let flags = if set.is_empty() {
        String::new()
    } else {
        format!("(?{set})")
    };
    Ok((flags, rest))
}

fn unsupported<T>() -> Result<T> {
    exec_err!("invalid regular expression: invalid embedded option")
}

/// `{m,n}` or, where no digit follows, the brace itself.
fn bound(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    if !chars.peek().is_some_and(char::is_ascii_digit) {
        out.push_str("\\{");
        return;
    }
    out.push('{');
    while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || *c == ',') {
        out.push(c);
    }
    if chars.next_if_eq(&'}').is_some() {
        out.push('}');
    }
}

/// A character behind a backslash.
fn escaped(c: char, out: &mut String) -> Result<()> {
    match c {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
            out.push('\\');
            out.push(c);
        }
        'y' => out.push_str("\\b"),
        'Y' => out.push_str("\\B"),
        'm' => out.push_str("\\b{start}"),
        'M' => out.push_str("\\b{end}"),
        'A' => out.push_str("\\A"),
        'Z' => out.push_str("\\z"),
        'n' => out.push_str("\\n"),
        't' => out.push_str("\\t"),
        'r' => out.push_str("\\r"),
        'f' => out.push_str("\\f"),
        'v' => out.push_str("\\v"),
        'a' => out.push_str("\\a"),
        'b' => out.push_str("\\x08"),
        'e' => out.push_str("\\x1b"),
        'B' => out.push_str("\\\\"),
        '1'..='9' => return exec_err!("invalid regular expression: back references are not supported"),
        c if c.is_ascii_alphanumeric() => {
            return exec_err!("invalid regular expression: invalid escape \\ sequence");
        }
        c => literal(c, out),
    }
    Ok(())
}

/// The rest of a bracket expression, whose `[` is behind.
fn bracket(chars: &mut Peekable<Chars<'_>>, escape: Option<char>, out: &mut String) -> Result<()> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut begun = false;
    // Whether what stands last may begin a range.
    let mut single = false;
    while let Some(c) = chars.next() {
        match c {
            ']' if begun => {
                out.push(']');
                return Ok(());
            }
            '[' if matches!(chars.peek(), Some(':' | '.' | '=')) => {
                single = named(chars, out)?;
            }
            '-' if single && chars.peek().is_some_and(|next| *next != ']') => {
                out.push('-');
                single = false;
            }
            c if Some(c) == escape => match chars.next() {
                Some(class @ ('d' | 's' | 'w' | 'D' | 'S' | 'W')) => {
                    out.push('\\');
                    out.push(class);
                    single = false;
                }
                Some(c @ ('n' | 't' | 'r' | 'f' | 'v' | 'a' | 'b' | 'e' | 'B')) => {
                    escaped(c, out)?;
                    single = true;
                }
                Some(c) => {
                    literal(c, out);
                    single = true;
                }
                None => break,
            },
            c => {
                literal(c, out);
                single = true;
            }
        }
        begun = true;
    }
    exec_err!("invalid regular expression: brackets [] not balanced")
}

/// `[:class:]`, `[.c.]` or `[=c=]`, whose `[` is behind; whether it is a single character.
fn named(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<bool> {
    let kind = chars.next().unwrap_or(':');
    let mut name = String::new();
    while let Some(c) = chars.next() {
        if c == kind && chars.next_if_eq(&']').is_some() {
            break;
        }
        name.push(c);
    }
    if kind != ':' {
        let mut letters = name.chars();
        return match (letters.next(), letters.next()) {
            (Some(c), None) => {
                literal(c, out);
                Ok(true)
            }
            _ => exec_err!("invalid regular expression: invalid collating element"),
        };
    }
    out.push_str(match name.as_str() {
        "alpha" => "\\p{Alphabetic}",
        "digit" => "\\d",
        "alnum" => "\\p{Alphabetic}\\d",
        "upper" => "\\p{Uppercase}",
        "lower" => "\\p{Lowercase}",
        "space" => "\\s",
        "word" => "\\w",
        "blank" => "[:blank:]",
        "cntrl" => "[:cntrl:]",
        "graph" => "[:graph:]",
        "print" => "[:print:]",
        "punct" => "[:punct:]",
        "xdigit" => "[:xdigit:]",
        _ => return exec_err!("invalid regular expression: invalid character class"),
    });
    Ok(false)
}
