//! Enumerations: texts that are one of a type's labels, and sorted as the type has them.
//!
//! A field of such a type bears `pg_type` metadata that holds the whole type (`enum:<oid>:<name and labels as JSON>`): whoever has the field can
//! check, sort and show its values without the catalog. Files hold the labels, so that other readers of Delta tables see them.

use std::collections::HashMap;
use std::fmt;

use arrow::array::StringArray;
use arrow::datatypes::Field;

use crate::pg_catalog::types::PG_TYPE_KEY;
use crate::{Error, Result};

/// Begins the name of such a type in a field's metadata.
const PREFIX: &str = "enum:";

/// The type of a column's values, or of its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enumeration {
    /// Of the type; its arrays' is [`crate::pg_catalog::types::array_type_of`].
    pub(crate) oid: u32,
    /// Its name, without the schema.
    pub(crate) name: String,
    /// Least first.
    pub(crate) labels: Vec<String>,
}

impl Enumeration {
    /// From the name of a type in a field's metadata; arrays' have `_` before it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (oid, rest) = name.strip_prefix(PREFIX)?.split_once(':')?;
        let (name, labels) = serde_json::from_str(rest).ok()?;
        Some(Self {
            oid: oid.parse().ok()?,
            name,
            labels,
        })
    }

    /// The type of a field, unless it is an array of it.
    pub(crate) fn of(field: &Field) -> Option<Self> {
        match field.data_type().is_string() {
            true => Self::named(field.metadata().get(PG_TYPE_KEY)?),
            false => None,
        }
    }

    /// Whether a type's name in a field's metadata is that of an enumeration, or of its arrays.
    pub(crate) fn is_one(name: &str) -> bool {
        name.strip_prefix('_').unwrap_or(name).starts_with(PREFIX)
    }

    /// Whether a type's name in a field's metadata is of an enumeration with this OID, or of its arrays.
    pub(crate) fn is_named(name: &str, oid: u32) -> bool {
        let name = name.strip_prefix('_').unwrap_or(name);
        let found = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':'));
        found.is_some_and(|(known, _)| known == oid.to_string())
    }

    /// Refuses what is none of the labels.
    ///
    /// # Errors
    /// [`Error::InvalidLabel`].
    pub(crate) fn check(&self, values: &StringArray) -> Result<()> {
        let places = self.places();
        match values.iter().flatten().any(|label| !places.contains_key(label)) {
            true => Err(self.invalid()),
            false => Ok(()),
        }
    }

    /// What is said of a text that is none of the labels.
    pub(crate) fn invalid(&self) -> Error {
        Error::InvalidLabel(self.name.clone())
    }

    /// Places of the labels, from 0.
    pub(crate) fn places(&self) -> HashMap<&str, i32> {
        self.labels.iter().map(String::as_str).zip(0..).collect()
    }
}

impl fmt::Display for Enumeration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = serde_json::to_string(&(&self.name, &self.labels)).map_err(|_| fmt::Error)?;
        write!(f, "{PREFIX}{}:{rest}", self.oid)
    }
}
