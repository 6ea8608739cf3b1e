//! `radlake_epochs()`: the commits of the lake.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use radlake_catalogs::Lake;
use radlake_catalogs::system::{epochs_schema, epochs_to_batch};

use super::{plain, scan_of};

#[derive(Debug)]
pub(super) struct Epochs {
    lake: Lake,
    schema: SchemaRef,
}

impl Epochs {
    pub(super) fn new(lake: Lake) -> Self {
        Self {
            lake,
            schema: plain(&epochs_schema()),
        }
    }
}

#[async_trait]
impl TableProvider for Epochs {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Newest first, as the log is kept: a LIMIT without a filter reads no more than it needs.
        let records = self.lake.history(limit.unwrap_or(usize::MAX)).await?;
        let batch = epochs_to_batch(&records)?;
        scan_of(
            RecordBatch::try_new(self.schema(), batch.columns().to_vec())?,
            projection,
        )
    }
}
