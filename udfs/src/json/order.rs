//! Documents in PostgreSQL's order of jsonb, and what `@>` says of two of them.

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::document::Json;

/// Bytes that sort as the documents do, and are equal where these are: 1.0 is 1.
///
/// Null, strings, numbers, booleans, arrays and objects come in this order; of two arrays or objects the one with more elements is the
/// greater. A document that is a scalar counts as an array of it, but is less than one that is written so, which leaves the empty array
/// before all scalars.
pub(super) fn sort_key(document: &Json<'_>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match document {
        Json::Array(_) | Json::Object(_) => value(document, &mut out)?,
        scalar => {
            header(ARRAY, 1, &mut out);
            out.push(0);
            value(scalar, &mut out)?;
        }
    }
    Ok(out)
}

const ARRAY: u8 = 4;
const OBJECT: u8 = 5;

fn header(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn value(json: &Json<'_>, out: &mut Vec<u8>) -> Result<()> {
    match json {
        Json::Null => out.push(0),
        Json::String(text) => string(text, out),
        Json::Number(digits) => {
            out.push(2);
            number(digits, out)?;
        }
        Json::Bool(value) => out.extend([3, u8::from(*value)]),
        Json::Array(items) => {
            header(ARRAY, items.len(), out);
            out.push(1);
            items.iter().try_for_each(|item| value(item, out))?;
        }
        Json::Object(pairs) => {
            header(OBJECT, pairs.len(), out);
            for (key, item) in pairs {
                string(key, out);
                value(item, out)?;
            }
        }
    }
    Ok(())
}

/// No string holds the byte 0, which therefore ends it.
fn string(text: &str, out: &mut Vec<u8>) {
    out.push(1);
    out.extend(text.as_bytes());
    out.push(0);
}

/// Sign, power of ten and digits.
fn number(text: &str, out: &mut Vec<u8>) -> Result<()> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let Ok(exponent) = exponent.parse::<i32>() else {
        return exec_err!("value overflows numeric format");
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [integer, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let zeros = digits.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        out.push(1);
        return Ok(());
    }
    let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let power = length(integer.len()) - length(zeros) + i64::from(exponent);
    // Above zero, so that its bytes sort as it does.
    let power = power.saturating_add(i64::MAX / 2).unsigned_abs();
    out.push(if negative { 0 } else { 2 });
    let flip = if negative { 0xff } else { 0 };
    let magnitude = power
        .to_be_bytes()
        .into_iter()
        .chain(significant.bytes())
        .chain([0]);
    out.extend(magnitude.map(|byte| byte ^ flip));
    Ok(())
}

/// Whether `left @> right`.
pub(super) fn contains(left: &Json<'_>, right: &Json<'_>) -> Result<bool> {
    match (left, right) {
        // An array holds what it has for elements; this is so for whole documents only.
        (Json::Array(items), scalar) if !is_container(scalar) => any(items, scalar),
        (left, right) => within(left, right),
    }
}

fn within(left: &Json<'_>, right: &Json<'_>) -> Result<bool> {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            for (key, wanted) in right {
                match left.iter().find(|(known, _)| known == key) {
                    Some((_, found)) if within(found, wanted)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Json::Array(items), Json::Array(wanted)) => {
            for item in wanted {
                if !any(items, item)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (left, right) if is_container(left) || is_container(right) => Ok(false),
        (left, right) => Ok(sort_key(left)? == sort_key(right)?),
    }
}

fn any(items: &[Json<'_>], wanted: &Json<'_>) -> Result<bool> {
    for item in items {
        if within(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_container(json: &Json<'_>) -> bool {
    matches!(json, Json::Array(_) | Json::Object(_))
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::{contains, sort_key};

    /// As PostgreSQL 15 sorts them.
    #[test]
    fn order() {
        let sorted = [
            "[]",
            "null",
            "\"\"",
            "\"a\"",
            "\"ab\"",
            "\"b\"",
            "-1e10",
            "-2",
            "-1.5",
            "-0.001",
            "0",
            "0.001",
            "1",
            "1.5",
            "2",
            "10",
            "12345678901234567890.1",
            "false",
            "true",
            "[null]",
            "[1]",
            "[[]]",
            "[[1]]",
            "[{}]",
            "[1, 2]",
            "[2, 1]",
            "{}",
            "{\"a\": 1}",
            "{\"a\": 2}",
            "{\"b\": 1}",
            "{\"a\": 1, \"b\": 1}",
        ];
        let keys: Vec<_> = sorted
            .iter()
            .map(|text| sort_key(&parse(text).unwrap()).unwrap())
            .collect();
        for (pair, texts) in keys.windows(2).zip(sorted.windows(2)) {
            assert!(pair[0] < pair[1], "{texts:?}");
        }
        for (left, right) in [("1.0", "1"), ("-0", "0.00"), ("1e2", "100"), ("[0.10]", "[1e-1]")] {
            let key = |text: &str| sort_key(&parse(text).unwrap()).unwrap();
            assert_eq!(key(left), key(right), "{left} {right}");
        }
    }

    #[test]
    fn containment() {
        for (left, right, expected) in [
            ("{\"a\":1}", "1", false),
            ("[1,[2]]", "[[2]]", true),
            ("[1]", "1", true),
            ("1", "1.0", true),
            ("1", "[1]", false),
            ("{\"a\":[1,2]}", "{\"a\":1}", false),
            ("{\"a\":[1,2]}", "{\"a\":[2]}", true),
            ("[]", "[]", true),
            ("[{\"a\":1,\"b\":2}]", "[{\"a\":1}]", true),
            ("{\"a\":1}", "{}", true),
            ("[]", "{}", false),
        ] {
            let found = contains(&parse(left).unwrap(), &parse(right).unwrap()).unwrap();
            assert_eq!(found, expected, "{left} @> {right}");
        }
    }
}
