//! The node that reads files beside rows: one row at a time per worker, in the order of the rows.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, reset_plan_states};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};
use radlake_catalogs::segments::Reserve;

use super::rows::{Row, Source};

/// Rows, and what their files hold.
pub(super) struct PixelExec {
    rows: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
    source: Arc<Source>,
    properties: Arc<PlanProperties>,
}

impl PixelExec {
    pub(super) fn new(rows: Arc<dyn ExecutionPlan>, schema: SchemaRef, source: Source) -> Self {
        let partitions = rows.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            rows,
            schema,
            source: Arc::new(source),
            properties: Arc::new(properties),
        }
    }
}

impl fmt::Debug for PixelExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PixelExec").finish_non_exhaustive()
    }
}

impl DisplayAs for PixelExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelExec: {}", self.source.kind.table())?;
        match self.source.kind.reads_pixels(&self.schema) {
            true => write!(f, ", files are read"),
            false => Ok(()),
        }
    }
}

impl ExecutionPlan for PixelExec {
    fn name(&self) -> &str {
        "PixelExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// None are shown: what is below was optimised by itself, and is of tables that who asks may know nothing of.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            rows: reset_plan_states(Arc::clone(&self.rows))?,
            schema: Arc::clone(&self.schema),
            source: Arc::clone(&self.source),
            properties: Arc::clone(&self.properties),
        }))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.rows.execute(partition, Arc::clone(&context))?;
        let schema = Arc::clone(&self.schema);
        if !self.source.kind.reads_pixels(&schema) {
            let out = Arc::clone(&schema);
            let plain = rows.map(move |batch| only(&batch?, &out));
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, plain)));
        }
        // Workers of one partition; an idle machine has a row in work for each processor.
        let partitions = self.properties.output_partitioning().partition_count().max(1);
        let workers = (context.session_config().target_partitions() / partitions).max(1);
        let source = Arc::clone(&self.source);
        let out = Arc::clone(&schema);
        let pool = Arc::clone(context.memory_pool());
        let read = rows
            .map_ok(|batch| {
                let rows = (0..batch.num_rows()).map(move |at| Ok::<_, DataFusionError>(batch.slice(at, 1)));
                futures::stream::iter(rows.collect::<Vec<_>>())
            })
            .try_flatten()
            .map(move |row| {
                let (source, out) = (Arc::clone(&source), Arc::clone(&out));
                let held = MemoryConsumer::new("pixels").register(&pool);
                async move { one(&source, row?, &out, held).await }
            })
            .buffered(workers)
            .map_ok(|(batch, _held)| batch);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, read)))
    }
}

/// A row with its pixels, and the memory that it takes until it is handed on.
async fn one(
    source: &Arc<Source>,
    row: RecordBatch,
    schema: &SchemaRef,
    held: MemoryReservation,
) -> Result<(RecordBatch, Arc<MemoryReservation>)> {
    let key = Row::of(&row)?;
    let held = Arc::new(held);
    let (refused, taking) = (Arc::new(Mutex::new(None)), Arc::clone(&held));
    let told = Arc::clone(&refused);
    let memory: Reserve = Arc::new(move |bytes| match taking.try_grow(bytes) {
        Ok(()) => true,
        Err(error) => {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        }
    });
    let read = source.read(&key, memory).await?;
    if let Some(error) = refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    let (pixels, reason) = read;
    let columns = schema
        .fields()
        .iter()
        .map(|field| -> Result<ArrayRef> {
            match (
                row.column_by_name(field.name()),
                field.name().ends_with("_reason"),
            ) {
                (Some(column), _) => Ok(Arc::clone(column)),
                (None, true) => Ok(Arc::clone(&reason)),
                (None, false) => Ok(Arc::clone(&pixels)),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((RecordBatch::try_new(Arc::clone(schema), columns)?, held))
}

/// The columns of `schema`, by name.
fn only(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let column = batch.column_by_name(field.name());
            column
                .cloned()
                .ok_or_else(|| DataFusionError::Internal(format!("no column {}", field.name())))
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}
