//! The system relations of one epoch: built when first read, kept for every session that reads the same epoch.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::sync::OnceLock;

use super::declared::{self, Declared, INFORMATION_SCHEMA, PG_CATALOG};
use super::model::Model;
use super::{information_schema, relations};

/// The catalog's content at one epoch.
#[derive(Debug)]
pub struct EpochCatalog {
    pub(crate) model: Model,
    /// One slot per declared relation, in their order.
    built: Vec<OnceLock<RecordBatch>>,
}

impl EpochCatalog {
    pub(crate) fn from_model(model: Model) -> Self {
        let built = declared::relations().iter().map(|_| OnceLock::new()).collect();
        Self {
            model: model.complete(),
            built,
        }
    }

    /// The rows of a system relation, built at most once.
    pub(crate) fn rows(&self, relation: &'static Declared) -> Result<RecordBatch, ArrowError> {
        let slot = declared::relations()
            .iter()
            .position(|r| std::ptr::eq(r, relation))
            .and_then(|i| self.built.get(i));
        if let Some(batch) = slot.and_then(OnceLock::get) {
            return Ok(batch.clone());
        }
        let batch = match relation.namespace {
            PG_CATALOG => relations::rows(relation, &self.model)?,
            INFORMATION_SCHEMA => information_schema::rows(relation, &self.model)?,
            _ => {
                return Err(ArrowError::SchemaError(format!(
                    "{} belongs to no system schema",
                    relation.name
                )));
            }
        };
        Ok(slot.map_or_else(
            || batch.clone(),
            |slot| slot.get_or_init(|| batch.clone()).clone(),
        ))
    }
}
