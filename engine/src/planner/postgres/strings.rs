//! Texts: `format`, `parse_ident`, `unistr`, `string_to_table`; and `num_nulls`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, ListBuilder, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{Result, internal_err};

use super::{Named, texts, unknown};
use crate::Error;
use crate::pg_catalog::{quote_ident, quote_literal};

fn list_of_texts() -> DataType {
    DataType::new_list(DataType::Utf8, true)
}

fn invalid<T>(message: &str) -> Result<T> {
    Err(Error::InvalidParameter(message.to_owned()).into())
}

/// How a value is put out, where a cast to text says it otherwise: `t` for true.
pub(super) const AS_OUTPUT: Named = Named {
    name: "as_output",
    returns: |types, _| match types {
        [DataType::Boolean | DataType::Null] => Ok(DataType::Utf8),
        [other] => Ok(other.clone()),
        _ => internal_err!("as_output takes one argument"),
    },
    run: |values, to| {
        let [values] = values else {
            return internal_err!("as_output takes one argument");
        };
        let DataType::Boolean = values.data_type() else {
            return Ok(cast(values, to)?);
        };
        let letters: StringArray = values
            .as_boolean()
            .iter()
            .map(|value| value.map(|value| if value { "t" } else { "f" }))
            .collect();
        Ok(Arc::new(letters))
    },
};

/// A text with values put in.
pub(super) const FORMAT: Named = Named {
    name: "format",
    returns: |types, _| match types {
        [first, ..] if first.is_string() || first.is_null() => Ok(DataType::Utf8),
        _ => unknown("format", types),
    },
    run: |values, _| {
        let columns = values.iter().map(texts).collect::<Result<Vec<_>>>()?;
        let Some((formats, arguments)) = columns.split_first() else {
            return internal_err!("format takes a text");
        };
        let mut out = StringBuilder::new();
        for (row, format) in formats.iter().enumerate() {
            let given: Vec<Option<&str>> = arguments
                .iter()
                .map(|column| column.is_valid(row).then(|| column.value(row)))
                .collect();
            out.append_option(format.map(|format| formatted(format, &given)).transpose()?);
        }
        Ok(Arc::new(out.finish()))
    },
};

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<usize>> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    match digits.is_empty() {
        true => Ok(None),
        false => match digits.parse::<i32>() {
            Ok(number) => Ok(usize::try_from(number).ok()),
            Err(_) => Err(Error::NumericOverflow("integer".to_owned()).into()),
        },
    }
}

/// `%[position$][-][width]type`, as `text_format` reads it (`src/backend/utils/adt/varlena.c`).
fn formatted(format: &str, given: &[Option<&str>]) -> Result<String> {
    const TERMINATOR: &str = "unterminated format() type specifier";
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    let argument = |place: usize| match given.get(place) {
        Some(value) => Ok(*value),
        None => Err(Error::InvalidParameter(
            "too few arguments for format()".to_owned(),
        )),
    };
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut position = None;
        let mut width: i64 = 0;
        let mut left = false;
        let first = number(&mut chars)?;
        if first.is_some() && chars.next_if_eq(&'$').is_some() {
            position = first;
        } else if let Some(first) = first {
            width = first as i64;
        }
        if width == 0 {
            while chars.next_if_eq(&'-').is_some() {
                left = true;
            }
            if chars.next_if_eq(&'*').is_some() {
                let place = match number(&mut chars)? {
                    Some(0) => {
                        return invalid("format specifies argument 0, but arguments are numbered from 1");
                    }
                    Some(place) if chars.next_if_eq(&'$').is_some() => place - 1,
                    Some(_) => return invalid("width argument position must be ended by \"$\""),
                    None => next,
                };
                next = place + 1;
                width = match argument(place)? {
                    Some(text) => text.trim().parse::<i32>().map_err(|_| Error::InvalidText {
                        type_name: "integer".to_owned(),
                    })?,
                    None => 0,
                }
                .into();
            } else if let Some(given) = number(&mut chars)? {
                width = given as i64;
            }
        }
        let Some(kind) = chars.next() else {
            return invalid(TERMINATOR);
        };
        if !matches!(kind, 's' | 'I' | 'L') {
            return invalid("unrecognized format() type specifier");
        }
        let place = match position {
            Some(0) => return invalid("format specifies argument 0, but arguments are numbered from 1"),
            Some(position) => position - 1,
            None => next,
        };
        next = place + 1;
        let value = argument(place)?;
        let text = match (kind, value) {
            ('s', value) => value.unwrap_or_default().to_owned(),
            ('I', Some(value)) => quote_ident(value),
            ('I', None) => {
                return Err(
                    Error::NullNotAllowed("null values cannot be formatted as an SQL identifier").into(),
                );
            }
            (_, Some(value)) => quote_literal(value),
            (_, None) => "NULL".to_owned(),
        };
        let missing = usize::try_from(width.unsigned_abs())
            .unwrap_or(0)
            .saturating_sub(text.chars().count());
        if missing > MAX_WIDTH {
            return Err(Error::LimitExceeded("a width of format()".to_owned()).into());
        }
        let blanks = " ".repeat(missing);
        match left || width < 0 {
            true => out.extend([text, blanks]),
            false => out.extend([blanks, text]),
        }
    }
    Ok(out)
}

/// Blanks that a width may add.
const MAX_WIDTH: usize = 1 << 20;

/// The parts of a qualified name.
pub(super) const PARSE_IDENT: Named = Named {
    name: "parse_ident",
    returns: |types, _| match types {
        [text] | [text, DataType::Boolean] if text.is_string() || text.is_null() => Ok(list_of_texts()),
        _ => unknown("parse_ident", types),
    },
    run: |values, _| {
        let Some(first) = values.first() else {
            return internal_err!("parse_ident takes a text");
        };
        let strict = values.get(1).map(|strict| strict.as_boolean().clone());
        let mut out = ListBuilder::new(StringBuilder::new());
        for (row, text) in texts(first)?.iter().enumerate() {
            let strict = strict.as_ref().map_or(Some(true), |s: &BooleanArray| {
                s.is_valid(row).then(|| s.value(row))
            });
            let (Some(text), Some(strict)) = (text, strict) else {
                out.append_null();
                continue;
            };
            match parts(text, strict) {
                Some(parts) => parts.iter().for_each(|part| out.values().append_value(part)),
                None => return invalid("string is not a valid identifier"),
            }
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    },
};

fn parts(text: &str, strict: bool) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let mut part = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut chars = quoted.chars();
            loop {
                match chars.next()? {
                    '"' if chars.as_str().starts_with('"') => {
                        part.push('"');
                        let _ = chars.next();
                    }
                    '"' => break,
                    c => part.push(c),
                }
            }
            rest = chars.as_str();
        } else {
            let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
            let end = rest
                .find(|c: char| !(starts(c) || c.is_ascii_digit() || c == '$'))
                .unwrap_or(rest.len());
            if !rest.starts_with(starts) {
                return None;
            }
            part.push_str(&rest[..end].to_lowercase());
            rest = &rest[end..];
        }
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None => return (rest.is_empty() || !strict).then_some(parts),
        }
    }
}

/// A text with escapes of Unicode.
pub(super) const UNISTR: Named = Named {
    name: "unistr",
    returns: |types, _| match types {
        [text] if text.is_string() || text.is_null() => Ok(DataType::Utf8),
        _ => unknown("unistr", types),
    },
    run: |values, _| {
        let [given] = values else {
            return internal_err!("unistr takes a text");
        };
        let mut out = StringBuilder::new();
        for text in &texts(given)? {
            match text.map(unescaped) {
                Some(Some(text)) => out.append_value(text),
                Some(None) => {
                    return Err(Error::Syntax {
                        message: "invalid Unicode escape".to_owned(),
                        position: None,
                    }
                    .into());
                }
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    },
};

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut high: Option<u32> = None;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if high.is_some() && at > 0 {
            return None;
        }
        if let Some(after) = rest.strip_prefix('\\') {
            out.push('\\');
            rest = after;
            continue;
        }
        let (skip, length) = match rest.as_bytes().first()? {
            b'+' => (1, 6),
            b'u' => (1, 4),
            b'U' => (1, 8),
            _ => (0, 4),
        };
        let code = u32::from_str_radix(rest.get(skip..skip + length)?, 16).ok()?;
        rest = &rest[skip + length..];
        match (high.take(), code) {
            (None, 0xD800..0xDC00) => high = Some(code),
            (Some(first), 0xDC00..0xE000) => {
                out.push(char::from_u32(
                    0x10000 + ((first - 0xD800) << 10) + (code - 0xDC00),
                )?);
            }
            (Some(_), _) | (None, 0) => return None,
            (None, code) => out.push(char::from_u32(code)?),
        }
    }
    out.push_str(rest);
    high.is_none().then_some(out)
}

/// The parts of a text between separators, whose rows are asked for.
pub(super) const STRING_TO_TABLE: Named = Named {
    name: "string_to_table",
    returns: |types, _| match types.len() {
        2 | 3 if types.iter().all(|one| one.is_string() || one.is_null()) => Ok(list_of_texts()),
        _ => unknown("string_to_table", types),
    },
    run: |values, _| {
        let columns = values.iter().map(texts).collect::<Result<Vec<_>>>()?;
        let [given, separators, nulls @ ..] = columns.as_slice() else {
            return internal_err!("string_to_table takes two texts");
        };
        let mut out = ListBuilder::new(StringBuilder::new());
        for (row, text) in given.iter().enumerate() {
            let Some(text) = text else {
                out.append_null();
                continue;
            };
            let null = nulls
                .first()
                .and_then(|nulls| nulls.is_valid(row).then(|| nulls.value(row)));
            let separator = separators.is_valid(row).then(|| separators.value(row));
            let parts: Vec<&str> = match separator {
                _ if text.is_empty() => Vec::new(),
                None => text.split_inclusive(|_| true).collect(),
                Some("") => vec![text],
                Some(separator) => text.split(separator).collect(),
            };
            for part in parts {
                out.values()
                    .append_option(Some(part).filter(|part| Some(*part) != null));
            }
            out.append(true);
        }
        Ok(Arc::new(out.finish()))
    },
};

/// How many of the arguments are NULL.
pub(super) const NUM_NULLS: Named = Named {
    name: "num_nulls",
    returns: |types, _| match types {
        [] => unknown("num_nulls", types),
        _ => Ok(DataType::Int32),
    },
    run: |values, _| Ok(Arc::new(counted(values, false))),
};

/// How many are not.
pub(super) const NUM_NONNULLS: Named = Named {
    name: "num_nonnulls",
    returns: |types, _| match types {
        [] => unknown("num_nonnulls", types),
        _ => Ok(DataType::Int32),
    },
    run: |values, _| Ok(Arc::new(counted(values, true))),
};

fn counted(values: &[ArrayRef], valid: bool) -> Int32Array {
    let rows = values.first().map_or(0, |first| first.len());
    let nulls: Vec<_> = values.iter().map(|column| column.logical_nulls()).collect();
    (0..rows)
        .map(|row| {
            let is_valid = |nulls: &&Option<arrow::buffer::NullBuffer>| {
                nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) == valid
            };
            i32::try_from(nulls.iter().filter(is_valid).count()).ok()
        })
        .collect()
}
