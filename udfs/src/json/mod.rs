//! JSON as PostgreSQL reads and writes it.

mod document;
mod functions;
mod named;
mod order;
mod parts;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use datafusion::error::Result;
use datafusion::logical_expr::ScalarUDF;

/// The functions of this family.
pub fn all() -> Vec<Arc<ScalarUDF>> {
    functions::all()
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
