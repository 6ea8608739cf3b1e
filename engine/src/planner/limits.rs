//! Sorts stay above limits, which DataFusion 55.2 pushes them through (apache/datafusion pull requests 24958 and 25408).
//!
//! A sort that an ORDER BY over `(… ORDER BY a LIMIT 3 OFFSET 20)` asks for became the sort below the limit, and that kept as many rows
//! as the limit lets through, of which the limit then skipped 20: nothing was left. The rule that moves sorts is therefore run with a
//! [`Sill`] above each limit.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

/// The rule that brings sorts and partitions to where they are needed, without sorts below limits that they were above.
#[derive(Debug)]
pub(super) struct SortsAboveLimits(pub(super) Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for SortsAboveLimits {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = plan
            .transform_up(|node| {
                Ok(if node.is::<GlobalLimitExec>() || node.is::<LocalLimitExec>() {
                    Transformed::yes(Arc::new(Sill(node)) as _)
                } else {
                    Transformed::no(node)
                })
            })
            .data()?;
        self.0
            .optimize(plan, config)?
            .transform_up(|node| {
                Ok(match node.downcast_ref::<Sill>() {
                    Some(sill) => Transformed::yes(Arc::clone(&sill.0)),
                    None => Transformed::no(node),
                })
            })
            .data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Stands above a limit and lets no sort pass. It has the order of its input, so that a sort it already satisfies is not made, but
/// says that it does not keep it, so that none is moved to below. It is gone when the rule is done.
#[derive(Debug)]
struct Sill(Arc<dyn ExecutionPlan>);

impl DisplayAs for Sill {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sill")
    }
}

impl ExecutionPlan for Sill {
    fn name(&self) -> &str {
        "Sill"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(child), true) => Ok(Arc::new(Self(child))),
            _ => Err(DataFusionError::Internal("a sill stands above one node".into())),
        }
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.0.execute(partition, context)
    }
}
