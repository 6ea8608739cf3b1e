//! Conditions of joins whose keys take NULL for a value.
//!
//! DataFusion makes keys of `a IS NOT DISTINCT FROM b`, by which NULL is like NULL, and in its next pass makes keys of the equalities that
//! were pushed into the same join, for which NULL then is like NULL too: rows that no equality holds for. Such a join keeps them as a
//! condition.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{NullEquality, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule};

/// The rule that makes keys of conditions.
const KEYS: &str = "extract_equijoin_predicate";

/// The engine's rules, in their order.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| match rule.name() == KEYS {
        true => Arc::new(Equalities { keys: rule }) as Arc<dyn OptimizerRule + Send + Sync>,
        false => rule,
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

#[derive(Debug)]
struct Equalities {
    keys: Arc<dyn OptimizerRule + Send + Sync>,
}

impl OptimizerRule for Equalities {
    fn name(&self) -> &str {
        KEYS
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.keys.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match &plan {
            LogicalPlan::Join(join)
                if !join.on.is_empty() && join.null_equality == NullEquality::NullEqualsNull =>
            {
                Ok(Transformed::no(plan))
            }
            _ => self.keys.rewrite(plan, config),
        }
    }
}
