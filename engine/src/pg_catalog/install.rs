//! Puts the system catalogs into a DataFusion session.

use datafusion::catalog::{CatalogProvider, TableFunctionImpl};
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use std::sync::Arc;

use super::context::Context;
use super::declared::{INFORMATION_SCHEMA, PG_CATALOG};
use super::epoch_catalog::EpochCatalog;
use super::functions::{
    self, array_bounds, array_or_empty, expand_array, in_array, only_value, pg_typeof, values_of,
};
use super::keywords;
use super::schema::SystemSchema;
use super::session::SessionView;
use crate::sequences::Sequences;

/// The system catalogs of one session at one epoch.
#[derive(Debug, Clone)]
pub struct SystemCatalogs {
    context: Arc<Context>,
}

impl SystemCatalogs {
    /// For a session that reads `catalog`'s epoch.
    #[must_use]
    pub fn new(catalog: Arc<EpochCatalog>, session: Arc<dyn SessionView>) -> Self {
        Self {
            context: Arc::new(Context { catalog, session }),
        }
    }

    /// The schema `pg_catalog`.
    #[must_use]
    pub fn pg_catalog(&self) -> Arc<SystemSchema> {
        self.schema(PG_CATALOG)
    }

    /// The schema `information_schema`.
    #[must_use]
    pub fn information_schema(&self) -> Arc<SystemSchema> {
        self.schema(INFORMATION_SCHEMA)
    }

    /// The session's part in sequences.
    pub(crate) fn sequences(&self) -> Option<&Arc<Sequences>> {
        self.context.session.sequences()
    }

    fn schema(&self, namespace: u32) -> Arc<SystemSchema> {
        let Context { catalog, session } = self.context.as_ref();
        Arc::new(SystemSchema::new(
            namespace,
            Arc::clone(catalog),
            Arc::clone(session),
        ))
    }

    /// The functions that look at the catalog or the session.
    #[must_use]
    pub fn functions(&self) -> Vec<Arc<ScalarUDF>> {
        let own = functions::all(&self.context).into_iter().map(Arc::new);
        let generic = [
            array_bounds::array_lower(),
            array_bounds::array_upper(),
            array_or_empty::array_or_empty(),
            expand_array::numbered_elements(),
            in_array::in_array(),
            only_value::only_value(),
            pg_typeof::pg_typeof(),
            values_of::values_of(),
        ];
        own.chain(generic.into_iter().map(Arc::new)).collect()
    }

    /// The aggregates that rewritten statements call.
    #[must_use]
    pub fn aggregates(&self) -> Vec<Arc<AggregateUDF>> {
        vec![Arc::new(only_value::up_to_two())]
    }

    /// The table functions: name and implementation.
    #[must_use]
    pub fn table_functions(&self) -> Vec<(&'static str, Arc<dyn TableFunctionImpl>)> {
        vec![(keywords::PG_GET_KEYWORDS, keywords::keywords())]
    }

    /// Registers the functions and aggregates.
    ///
    /// # Errors
    /// DataFusion's, if the registry takes none.
    pub fn register_functions(&self, registry: &mut dyn FunctionRegistry) -> Result<()> {
        for function in self.functions() {
            registry.register_udf(function)?;
        }
        for aggregate in self.aggregates() {
            registry.register_udaf(aggregate)?;
        }
        Ok(())
    }

    /// Registers the two schemas.
    ///
    /// # Errors
    /// DataFusion's, if the catalog takes none.
    pub fn register_schemas(&self, catalog: &dyn CatalogProvider) -> Result<()> {
        catalog.register_schema("pg_catalog", self.pg_catalog())?;
        catalog.register_schema("information_schema", self.information_schema())?;
        Ok(())
    }
}
