//! The DICOM JSON model (PS3.18 annex F), written straight from the bytes of a header.
//!
//! Left out: group 0002, group lengths, padding, pixels, and the values (not the elements) of binaries longer than
//! [`INLINE_BINARY_MAX`]. Specific Character Set keeps what the file had, although the JSON is UTF-8.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Vr, limits::INLINE_BINARY_MAX, numbers::Numbers, values};

#[cfg(test)]
mod tests;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A comma, unless it is the first of its object or array.
pub(super) fn comma(out: &mut String) {
    if !matches!(out.as_bytes().last(), None | Some(b'{' | b'[')) {
        out.push(',');
    }
}

/// `"GGGGEEEE":{"vr":"XX"`, with the comma before.
pub(super) fn open(out: &mut String, tag: u32, vr: Vr) {
    comma(out);
    out.push('"');
    hex(out, tag);
    out.push_str("\":{\"vr\":\"");
    out.push_str(vr.as_str());
    out.push('"');
}

fn hex(out: &mut String, tag: u32) {
    let digit = |shift: u32| HEX[(tag >> shift & 0xF) as usize];
    let digits = [
        digit(28),
        digit(24),
        digit(20),
        digit(16),
        digit(12),
        digit(8),
        digit(4),
        digit(0),
    ];
    out.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// A JSON string.
pub(super) fn string(out: &mut String, text: &str) {
    /// As many bytes as are looked at in one go.
    const CHUNK: usize = 32;
    out.push('"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (start, chunk) in bytes
        .chunks(CHUNK)
        .enumerate()
        .map(|(n, chunk)| (n * CHUNK, chunk))
    {
        if !needs_escape(chunk) {
            continue;
        }
        for (i, b) in chunk.iter().enumerate().map(|(i, b)| (start + i, b)) {
            if needs_escape(&[*b]) {
                out.push_str(&text[from..i]);
                from = i + 1;
                escaped(out, *b);
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// Whether any of the bytes needs an escape; without branches, so that it runs on many at once.
#[inline]
fn needs_escape(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .fold(false, |any, b| any | (*b < 0x20) | (*b == b'"') | (*b == b'\\'))
}

fn escaped(out: &mut String, b: u8) {
    match b {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        _ => {
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 0xF)]));
        }
    }
}

/// The values of an element of text; a value of length zero is null.
pub(super) fn texts(out: &mut String, vr: Vr, text: &str) {
    let whole = if vr.single_text() {
        text.trim_end_matches(PADDING)
    } else {
        text.trim_matches(PADDING)
    };
    if whole.is_empty() {
        return;
    }
    out.push_str(",\"Value\":[");
    if vr.single_text() {
        string(out, whole);
    } else {
        let (first, rest) = whole
            .split_once('\\')
            .map_or((whole, None), |(first, rest)| (first, Some(rest)));
        text_value(out, vr, first);
        for value in rest.into_iter().flat_map(|rest| rest.split('\\')) {
            out.push(',');
            text_value(out, vr, value);
        }
    }
    out.push(']');
}

fn text_value(out: &mut String, vr: Vr, value: &str) {
    match (value.trim_matches(PADDING), vr) {
        ("", _) => out.push_str("null"),
        (name, Vr::PN) => person(out, name),
        (value, Vr::DS) => decimal(out, value),
        (value, Vr::IS) => integer(out, value),
        (value, _) => string(out, value),
    }
}

const PADDING: [char; 2] = [' ', '\0'];

/// A name, by its writing systems.
fn person(out: &mut String, name: &str) {
    out.push('{');
    for (group, part) in ["Alphabetic", "Ideographic", "Phonetic"]
        .iter()
        .zip(name.splitn(3, '='))
    {
        if !part.is_empty() {
            comma(out);
            string(out, group);
            out.push(':');
            string(out, part);
        }
    }
    out.push('}');
}

/// DS, with the digits that the file has where JSON takes them so; a string if it is no number.
fn decimal(out: &mut String, text: &str) {
    if text.len() <= 32 && is_json_decimal(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    match values::decimal(text.as_bytes()) {
        Some(number) => float(out, number),
        None => string(out, text),
    }
}

/// `-?(0|[1-9][0-9]*)(\.[0-9]+)?`: JSON's grammar without exponents, whose range readers differ on.
fn is_json_decimal(bytes: &[u8]) -> bool {
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut parts = unsigned.splitn(2, |b| *b == b'.');
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let whole = parts
        .next()
        .is_some_and(|w| digits(w) && (w.len() == 1 || w[0] != b'0'));
    whole && parts.next().is_none_or(digits)
}

fn integer(out: &mut String, text: &str) {
    match values::integer(text.as_bytes()) {
        Some(n) => whole(out, n),
        None => string(out, text),
    }
}

fn whole(out: &mut String, n: i64) {
    let mut buffer = [0; 32];
    out.push_str(std::str::from_utf8(lexical_core::write(n, &mut buffer)).unwrap_or("0"));
}

/// A double. What JSON has no number for is a string, as PS3.18 §F.2.3 wants it.
pub(super) fn float(out: &mut String, n: f64) {
    if n.is_nan() {
        out.push_str("\"NaN\"");
    } else if n.is_infinite() {
        out.push_str(if n > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        let mut buffer = [0; 64];
        out.push_str(std::str::from_utf8(lexical_core::write(n, &mut buffer)).unwrap_or("0"));
    }
}

/// The values of an element of binary numbers or tags.
pub(super) fn numbers(out: &mut String, numbers: &Numbers<'_>) {
    if numbers.is_empty() {
        return;
    }
    out.push_str(",\"Value\":[");
    for i in 0..numbers.len() {
        comma(out);
        if numbers.vr() == Vr::AT {
            out.push('"');
            hex(out, numbers.tag(i));
            out.push('"');
        } else if numbers.is_float() {
            float(out, numbers.float(i));
        } else {
            match numbers.whole(i) {
                Some(n) if n.unsigned_abs() <= 1 << 53 => whole(out, n),
                // Beyond what a double holds, readers lose digits of a number.
                Some(n) => string(out, &n.to_string()),
                None => string(out, &numbers.huge(i).to_string()),
            }
        }
    }
    out.push(']');
}

/// The value of a binary element, unless it is long.
pub(super) fn binary(out: &mut String, bytes: &[u8]) {
    if !bytes.is_empty() && bytes.len() <= INLINE_BINARY_MAX {
        out.push_str(",\"InlineBinary\":\"");
        STANDARD.encode_string(bytes, out);
        out.push('"');
    }
}
