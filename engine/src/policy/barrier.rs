//! The node between what a policy or mask reads and everything above it.
//!
//! DataFusion merges conditions and moves them down, the cheap ones first: a client's condition would be evaluated on rows that
//! a policy hides, and its error would tell a value. Below this node stands a plan that was optimised by itself; the node shows
//! no children, so that no rule moves anything into it, gives no statistics, and takes no limits, orders or filters.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, reset_plan_states};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};
use futures::{Stream, StreamExt};

use crate::Error;

/// What stands below a barrier, for messages.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) name: String,
    /// A view's own expressions may fail; those of policies and masks tell nothing but that they did.
    pub(super) is_view: bool,
}

/// Rows and values as a role may see them.
#[derive(Debug)]
pub(crate) struct BarrierExec {
    below: Arc<dyn ExecutionPlan>,
    name: Arc<Name>,
    properties: Arc<PlanProperties>,
}

impl BarrierExec {
    /// Above a plan whose first columns are those of `schema`.
    pub(super) fn new(below: Arc<dyn ExecutionPlan>, schema: SchemaRef, name: Name) -> Self {
        let partitions = below.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            datafusion::physical_expr::Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            below,
            name: Arc::new(name),
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for BarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BarrierExec: {}", self.name.name)
    }
}

impl ExecutionPlan for BarrierExec {
    fn name(&self) -> &str {
        "BarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    /// Children that are not shown are not walked: all of what is below begins anew, as the recursive part of a query asks.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            below: reset_plan_states(Arc::clone(&self.below))?,
            name: Arc::clone(&self.name),
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
        let rows = self
            .below
            .execute(partition, context)
            .map_err(|error| told(error, &self.name))?;
        Ok(Box::pin(Seen {
            rows,
            schema: self.schema(),
            name: Arc::clone(&self.name),
        }))
    }
}

struct Seen {
    rows: SendableRecordBatchStream,
    schema: SchemaRef,
    name: Arc<Name>,
}

impl Stream for Seen {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let seen = std::task::ready!(self.rows.poll_next_unpin(context));
        Poll::Ready(seen.map(|rows| {
            let rows = rows.map_err(|error| told(error, &self.name))?;
            let columns = rows.columns()[..self.schema.fields().len()].to_vec();
            let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
                .map_err(|error| told(error.into(), &self.name))
        }))
    }
}

impl RecordBatchStream for Seen {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// What is told above of an error below: never a value of a row.
fn told(error: DataFusionError, below: &Name) -> DataFusionError {
    use radlake_catalogs::Error as Lake;
    let passes = match error.find_root() {
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ObjectStore(_) => true,
        DataFusionError::External(inner) => {
            matches!(
                inner.downcast_ref::<Lake>(),
                Some(Lake::Damaged { .. } | Lake::Store(_) | Lake::Io { .. })
            ) || inner.downcast_ref::<Error>().is_some_and(Error::tells_no_value)
        }
        // A condition that was pushed into the file tells its errors, and its values, as the file's.
        _ => false,
    };
    if passes {
        return error;
    }
    tracing::debug!(name = &*below.name, "an error below a barrier");
    if below.is_view {
        // Its own expressions fail as they do in PostgreSQL; the kinds that name no value are told.
        let told = Error::from(error);
        if matches!(
            told,
            Error::DivisionByZero
                | Error::InvalidText { .. }
                | Error::InvalidDatetime { .. }
                | Error::NumericOverflow(_)
                | Error::DatetimeOverflow
                | Error::Cardinality
        ) {
            return DataFusionError::External(Box::new(told));
        }
    }
    DataFusionError::External(Box::new(Error::PolicyFailed(below.name.clone())))
}
