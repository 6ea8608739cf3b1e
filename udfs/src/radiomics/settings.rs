//! Settings as an argument: a text that is the same for all rows, since it decides which columns there are.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use datafusion::common::{exec_datafusion_err, not_impl_err, plan_err};
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;
use radlake_radiomics::Settings;

/// Settings that were read, by their text: a query has one, and asks for them with every batch.
static READ: LazyLock<Mutex<HashMap<String, Arc<Settings>>>> = LazyLock::new(Mutex::default);
/// How many are remembered.
const REMEMBERED: usize = 64;

/// The settings of a text; the defaults of PyRadiomics without.
///
/// # Errors
/// What is wrong with them, by key, value and hint.
pub(super) fn of_text(function: &str, text: Option<&str>) -> Result<Arc<Settings>> {
    let text = text.unwrap_or_default();
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = read.get(text) {
        return Ok(Arc::clone(known));
    }
    let settings = match text.trim() {
        "" => Settings::default(),
        // A profile alone needs no key.
        "ibsi" => Settings::of(radlake_radiomics::Profile::Ibsi),
        "pyradiomics" => Settings::default(),
        text => Settings::from_text(text).map_err(|error| exec_datafusion_err!("{function}: {error}"))?,
    };
    let settings = Arc::new(settings);
    if read.len() >= REMEMBERED {
        read.clear();
    }
    read.insert(text.to_owned(), Arc::clone(&settings));
    Ok(settings)
}

/// The text of an argument that has to be known before rows are read; `None` where it is left out or NULL.
///
/// # Errors
/// An argument that differs from row to row, or is no text.
pub(super) fn constant<'a>(
    function: &str,
    what: &str,
    arguments: &[Option<&'a ScalarValue>],
    at: usize,
) -> Result<Option<&'a str>> {
    match arguments.get(at) {
        None => Ok(None),
        Some(Some(value)) if value.is_null() => Ok(None),
        Some(Some(value)) => match value.try_as_str() {
            Some(Some(text)) => Ok(Some(text)),
            _ => plan_err!("{function}: {what} is a text"),
        },
        Some(None) => not_impl_err!(
            "{function} with a {what} that is not written out: it decides what is computed, and has to be known before rows are read"
        ),
    }
}
