//! Changes at the end of a path, as `setPath` makes them (`src/backend/utils/adt/jsonfuncs.c`).

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::document::Json;

/// What is done at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Delete,
    Replace,
    /// Replace, or add what is not there.
    Create,
    Before,
    After,
}

impl Op {
    const fn adds(self) -> bool {
        matches!(self, Self::Create | Self::Before | Self::After)
    }
}

/// The document with `value` at the end of `path`, or without what is there.
pub(super) fn set_path<'a>(
    document: Json<'a>,
    path: &[Option<String>],
    value: Option<&Json<'a>>,
    op: Op,
) -> Result<Json<'a>> {
    let (scalar, empty) = match &document {
        Json::Array(items) => (false, items.is_empty()),
        Json::Object(pairs) => (false, pairs.is_empty()),
        _ => (true, false),
    };
    if scalar {
        return match op {
            Op::Delete => exec_err!("cannot delete path in scalar"),
            _ => exec_err!("cannot set path in scalar"),
        };
    }
    if path.is_empty() || (empty && !op.adds()) {
        return Ok(document);
    }
    step(document, path, 0, value, op)
}

fn step<'a>(
    document: Json<'a>,
    path: &[Option<String>],
    level: usize,
    value: Option<&Json<'a>>,
    op: Op,
) -> Result<Json<'a>> {
    let Some(step) = path.get(level) else {
        return Ok(document);
    };
    let Some(wanted) = step else {
        return exec_err!("path element at position {} is null", level + 1);
    };
    let last = level + 1 == path.len();
    match document {
        Json::Object(mut pairs) => {
            match pairs.iter().position(|(key, _)| key == wanted) {
                Some(at) if last => match (op, value) {
                    (Op::Before | Op::After, _) => return exec_err!("cannot replace existing key"),
                    (Op::Delete, _) | (_, None) => {
                        let _ = pairs.remove(at);
                    }
                    (_, Some(value)) => {
                        if let Some(pair) = pairs.get_mut(at) {
                            pair.1 = value.clone();
                        }
                    }
                },
                Some(at) => {
                    if let Some(pair) = pairs.get_mut(at) {
                        let inner = std::mem::replace(&mut pair.1, Json::Null);
                        pair.1 = self::step(inner, path, level + 1, value, op)?;
                    }
                }
                None if last && op.adds() => {
                    pairs.extend(value.map(|value| (wanted.clone(), value.clone())));
                    pairs.sort_by(|(a, _), (b, _)| (a.len(), a.as_bytes()).cmp(&(b.len(), b.as_bytes())));
                }
                None => {}
            }
            Ok(Json::Object(pairs))
        }
        Json::Array(mut items) => {
            let Ok(index) = wanted.trim_start().parse::<i32>() else {
                return exec_err!("path element at position {} is not an integer", level + 1);
            };
            let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
            // Before the first element is none.
            let at = match index < 0 {
                true => items.len().checked_sub(distance),
                false => Some(distance.min(items.len())),
            };
            let new = || value.cloned();
            match at {
                _ if last && op.adds() && items.is_empty() => items.extend(new()),
                None if last && op.adds() => items.splice(0..0, new()).for_each(drop),
                None => {}
                Some(at) if at >= items.len() && last && op.adds() => items.extend(new()),
                Some(at) if at >= items.len() => {}
                Some(at) if !last => {
                    if let Some(item) = items.get_mut(at) {
                        let inner = std::mem::replace(item, Json::Null);
                        *item = self::step(inner, path, level + 1, value, op)?;
                    }
                }
                Some(at) => match op {
                    Op::Before => items.splice(at..at, new()).for_each(drop),
                    Op::After => items.splice(at + 1..at + 1, new()).for_each(drop),
                    Op::Delete | Op::Replace | Op::Create => items.splice(at..=at, new()).for_each(drop),
                },
            }
            Ok(Json::Array(items))
        }
        scalar => Ok(scalar),
    }
}
