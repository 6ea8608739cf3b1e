//! The system relations of one epoch: built when first read, kept for every session that reads the same epoch.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::fmt;
use std::sync::OnceLock;

use super::declared::{self, Declared, INFORMATION_SCHEMA, PG_CATALOG};
use super::from_epoch::Source;
use super::model::Model;
use super::{information_schema, relations};

/// The catalog's content at one epoch. Most statements ask for none of it, and each commit makes an epoch: it is built when it is.
pub struct EpochCatalog {
    source: Option<Source>,
    model: OnceLock<Model>,
    /// One slot per declared relation, in their order.
    built: Vec<OnceLock<RecordBatch>>,
}

/// Messages must tell nothing of what is in it.
impl fmt::Debug for EpochCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochCatalog").finish_non_exhaustive()
    }
}

impl EpochCatalog {
    pub(super) fn from_source(source: Source) -> Self {
        Self {
            source: Some(source),
            model: OnceLock::new(),
            built: declared::relations().iter().map(|_| OnceLock::new()).collect(),
        }
    }

    #[cfg(test)]
    pub(crate) fn from_model(model: Model) -> Self {
        Self {
            source: None,
            model: OnceLock::from(model.complete()),
            built: declared::relations().iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// The objects, built at most once.
    pub(crate) fn model(&self) -> &Model {
        self.model.get_or_init(|| {
            let model = self.source.as_ref().map(Source::model);
            model.unwrap_or_default().complete()
        })
    }

    /// The rows of a system relation as a superuser sees them, built at most once.
    pub(crate) fn rows(&self, relation: &'static Declared) -> Result<RecordBatch, ArrowError> {
        let slot = declared::relations()
            .iter()
            .position(|r| std::ptr::eq(r, relation))
            .and_then(|i| self.built.get(i));
        if let Some(batch) = slot.and_then(OnceLock::get) {
            return Ok(batch.clone());
        }
        let batch = match relation.namespace {
            PG_CATALOG => relations::rows(relation, self.model())?,
            INFORMATION_SCHEMA => {
                information_schema::rows(relation, &information_schema::Viewer::of_all(self.model()))?
            }
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
