//! Parts of documents by key, index and path.

use datafusion::error::Result;

use super::document::{Json, Outline, outline, parse};

/// The value of a key, if `text` is an object that has it.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Result<Option<&'a str>> {
    Ok(match outline(text)? {
        Outline::Object(pairs) => valued(&pairs, key),
        _ => None,
    })
}

/// Of a key that is given twice, the last value.
fn valued<'a>(pairs: &[(String, &'a str)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .rev()
        .find(|(known, _)| known == key)
        .map(|(_, value)| *value)
}

/// An element of an array, from its end where `index` is negative. A jsonb that is a scalar counts as an array of it.
pub(super) fn element(text: &str, index: i32, jsonb: bool) -> Result<Option<&str>> {
    Ok(match outline(text)? {
        Outline::Array(items) => place(items.len(), index).and_then(|at| items.get(at).copied()),
        Outline::Scalar(scalar) if jsonb && matches!(index, 0 | -1) => Some(scalar),
        _ => None,
    })
}

/// Where the element is in an array of `length`.
pub(super) fn place(length: usize, index: i32) -> Option<usize> {
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    match index < 0 {
        true => length.checked_sub(distance),
        false => Some(distance),
    }
}

/// What stands at the end of a path of keys and indexes.
pub(super) fn at_path<'a>(text: &'a str, path: &[&str]) -> Result<Option<&'a str>> {
    let mut here = text.trim_matches([' ', '\t', '\n', '\r']);
    for step in path {
        let next = match outline(here)? {
            Outline::Object(pairs) => valued(&pairs, step),
            Outline::Array(items) => {
                let index = step.trim_start().parse::<i32>().ok();
                index
                    .and_then(|index| place(items.len(), index))
                    .and_then(|at| items.get(at).copied())
            }
            Outline::Scalar(_) => None,
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// A part as json or jsonb, or as a text, which a null is none of.
pub(super) fn shown(part: &str, jsonb: bool, text: bool) -> Result<Option<String>> {
    if text && part == "null" {
        return Ok(None);
    }
    if text
        && part.starts_with('"')
        && let Json::String(text) = parse(part)?
    {
        return Ok(Some(text));
    }
    match jsonb {
        true => parse(part)?.to_text().map(Some),
        false => Ok(Some(part.to_owned())),
    }
}
