//! JSON as PostgreSQL reads and writes it.

mod document;
mod edits;
mod functions;
mod named;
mod order;
mod parts;
mod path_functions;
mod path_parse;
mod path_run;
mod paths;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

use document::{Outline, outline};

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    let mut all = functions::all();
    all.extend(edits::all());
    all.extend(path_functions::all());
    all
}

/// Texts as the type jsonb keeps them, or as json does if not `jsonb`: unchanged.
///
/// # Errors
/// One is not JSON.
pub fn stored(texts: &ArrayRef, jsonb: bool) -> Result<ArrayRef> {
    match texts.as_string_opt::<i32>() {
        Some(documents) if jsonb => functions::normal(documents),
        Some(documents) => {
            documents.iter().flatten().try_for_each(document::validate)?;
            Ok(Arc::clone(texts))
        }
        None => Ok(Arc::clone(texts)),
    }
}

/// As [`stored`], for one text.
///
/// # Errors
/// It is not JSON.
pub fn literal(text: &str, jsonb: bool) -> Result<String> {
    match jsonb {
        true => document::parse(text)?.to_text(),
        false => document::validate(text).map(|()| text.to_owned()),
    }
}

/// Writes a text as a JSON string.
pub fn quote(text: &str, out: &mut String) {
    document::write_string(text, out);
}

/// The elements of an array, as documents or as texts.
///
/// # Errors
/// `text` is no JSON or no array.
pub fn elements(text: &str, jsonb: bool, as_text: bool) -> Result<Vec<Option<String>>> {
    match outline(text)? {
        Outline::Array(items) => items
            .into_iter()
            .map(|item| parts::shown(item, jsonb, as_text))
            .collect(),
        Outline::Object(_) => exec_err!("cannot extract elements from an object"),
        Outline::Scalar(_) => exec_err!("cannot extract elements from a scalar"),
    }
}

/// A key, and its value as a document or as a text.
pub type Member = (String, Option<String>);

/// The keys and values of an object; in a jsonb each key once, and in its order.
///
/// # Errors
/// `text` is no JSON or no object.
pub fn members(text: &str, jsonb: bool, as_text: bool) -> Result<Vec<Member>> {
    let normal = match jsonb {
        true => Some(document::parse(text)?.to_text()?),
        false => None,
    };
    match outline(normal.as_deref().unwrap_or(text))? {
        Outline::Object(pairs) => pairs
            .into_iter()
            .map(|(key, value)| Ok((key, parts::shown(value, jsonb, as_text)?)))
            .collect(),
        Outline::Array(_) => exec_err!("cannot take keys of an array"),
        Outline::Scalar(_) => exec_err!("cannot take keys of a scalar"),
    }
}

/// The value of a key of an object as a document or as a text. What is null, or not there, is none.
///
/// # Errors
/// `text` is no JSON or no object.
pub fn field(text: &str, key: &str, as_text: bool) -> Result<Option<String>> {
    match outline(text)? {
        Outline::Object(_) => match parts::field(text, key)? {
            None | Some("null") => Ok(None),
            Some(found) => parts::shown(found, false, as_text),
        },
        _ => exec_err!("a record is made of an object only"),
    }
}

/// A scalar of a jsonb: its kind, and its text without quotes.
///
/// # Errors
/// `text` is no JSON.
pub fn scalar(text: &str) -> Result<(&'static str, String)> {
    let document = document::parse(text)?;
    Ok((functions::type_of(&document), document.to_text()?))
}
