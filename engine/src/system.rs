//! What the lake tells about itself: the table functions behind the views of the schema `system`.
//!
//! The views are ordinary objects of the catalog, with OIDs and comments; what they read is computed here.

mod epochs;
mod functions;
mod radiomics;

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use radlake_catalogs::Lake;

use crate::Error;

/// Registers the table functions.
pub(crate) fn register(state: &mut SessionState, lake: &Lake) {
    state.register_udtf("radlake_epochs", Relation::of(epochs::Epochs::new(lake.clone())));
    state.register_udtf("radlake_functions", Relation::of(functions::Functions));
    state.register_udtf(
        "radlake_radiomics_dictionary",
        Relation::of(radiomics::Radiomics::Dictionary),
    );
    state.register_udtf(
        "radlake_radiomics_check",
        Relation::of(radiomics::Radiomics::Check),
    );
    crate::pixels::register(state);
}

/// A table function without arguments that always gives the same relation.
#[derive(Debug)]
struct Relation {
    provider: Arc<dyn TableProvider>,
}

impl Relation {
    fn of(provider: impl TableProvider + 'static) -> Arc<dyn TableFunctionImpl> {
        Arc::new(Self {
            provider: Arc::new(provider),
        })
    }
}

impl TableFunctionImpl for Relation {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        if !args.exprs().is_empty() {
            return Err(Error::InvalidParameter("this function takes no arguments".to_owned()).into());
        }
        Ok(Arc::clone(&self.provider))
    }
}

/// A scan of rows that have just been computed.
fn scan_of(batch: RecordBatch, projection: Option<&Vec<usize>>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = batch.schema();
    let exec = MemorySourceConfig::try_new_exec(&[vec![batch]], schema, projection.cloned())?;
    Ok(exec)
}

/// A schema without comments: the view has them, and the query engine does not carry them through casts.
fn plain(schema: &arrow::datatypes::Schema) -> arrow::datatypes::SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_metadata(Default::default()));
    Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}
