//! Joins that do not fit into memory.
//!
//! A hash join holds one of its sides as a whole and cannot spill it. A statement that runs out of memory before its first
//! row is planned once more with joins that sort: they spill, and are slower, which is why they are not planned at once.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{StreamExt, TryStreamExt};

use super::Planner;
use crate::{Result, RowStream};

impl Planner {
    /// Runs a plan; its rows, and its columns as clients see them.
    pub(crate) async fn stream(&self, plan: &LogicalPlan) -> Result<(RowStream, SchemaRef)> {
        let (physical, _, schema) = self.physical(plan).await?;
        let hashes = has_hash_join(&physical)?;
        let stream = execute_stream(physical, self.state.task_ctx())?;
        let stream = match hashes {
            true => self.once_more(plan.clone(), stream),
            false => stream,
        };
        Ok((stream, schema))
    }

    /// The same rows, by other joins if these run out of memory before the first.
    fn once_more(&self, plan: LogicalPlan, mut stream: RowStream) -> RowStream {
        let mut sparing = self.clone();
        sparing
            .state
            .config_mut()
            .options_mut()
            .optimizer
            .prefer_hash_join = false;
        let schema = stream.schema();
        let columns = Arc::clone(&schema);
        let rows = async move {
            let first = match stream.next().await {
                Some(Err(error)) if is_exhausted(&error) => {
                    drop(stream);
                    tracing::debug!("a join did not fit into memory: it is planned once more, by sorting");
                    let (physical, _, _) = sparing.physical(&plan).await?;
                    return execute_stream(physical, sparing.state.task_ctx());
                }
                first => first,
            };
            let rows = futures::stream::iter(first).chain(stream);
            let rows: RowStream = Box::pin(RecordBatchStreamAdapter::new(columns, rows));
            Ok(rows)
        };
        let rows = futures::stream::once(rows).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

fn is_exhausted(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

fn has_hash_join(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found = node.downcast_ref::<HashJoinExec>().is_some();
        Ok(match found {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}
