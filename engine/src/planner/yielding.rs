//! Joins that let go of their thread, and end with their statement.
//!
//! A join can turn one batch of input into thousands of batches of output, and what sits above it, an aggregation,
//! takes them all without a pause; or into none, and then nothing above it is asked. The statement could not be
//! stopped, and its threads would compute for nobody.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{
    HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec,
};

use crate::interrupt::{Over, interruptible};

/// Puts a pause behind every join's batches, and the statement's end into every join's condition.
#[derive(Debug)]
pub(super) struct Yielding;

impl PhysicalOptimizerRule for Yielding {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let over = Over::current();
        plan.transform_up(|plan| match plan.name() {
            name if name.ends_with("JoinExec") => {
                let join = match &over {
                    Some(over) => ending(&plan, over)?.unwrap_or(plan),
                    None => plan,
                };
                Ok(Transformed::yes(Arc::new(CooperativeExec::new(join)) as _))
            }
            _ => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &str {
        "yielding_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A join whose condition looks for the statement's end; `None` for one without a condition.
fn ending(plan: &Arc<dyn ExecutionPlan>, over: &Over) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        return Ok(match join.filter() {
            Some(filter) => Some(Arc::new(
                NestedLoopJoinExecBuilder::from(join)
                    .with_filter(Some(interruptible(filter, over)))
                    .build()?,
            )),
            None => None,
        });
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return Ok(match join.filter() {
            Some(filter) => Some(Arc::new(
                HashJoinExecBuilder::from(join)
                    .with_filter(Some(interruptible(filter, over)))
                    .build()?,
            )),
            None => None,
        });
    }
    if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
        return Ok(match join.filter() {
            Some(filter) => Some(Arc::new(SortMergeJoinExec::try_new(
                Arc::clone(join.left()),
                Arc::clone(join.right()),
                join.on().to_vec(),
                Some(interruptible(filter, over)),
                join.join_type(),
                join.sort_options().to_vec(),
                join.null_equality(),
            )?)),
            None => None,
        });
    }
    Ok(None)
}
