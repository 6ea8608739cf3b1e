//! Conditions of joins whose keys take NULL for a value.
//!
//! DataFusion makes keys of `a IS NOT DISTINCT FROM b`, by which NULL is like NULL. Two of its rules then make keys of equalities beside
//! them too, of the same join or of one that it is put together with, for which NULL is like NULL from then on: rows that no equality holds
//! for. Such joins are left as they are.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{NullEquality, Result};
use datafusion::logical_expr::{Join, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule};

/// Makes keys of a join's condition.
const OF_CONDITIONS: &str = "extract_equijoin_predicate";
/// Puts inner joins and the filter above them together, and makes keys of all their conditions.
const OF_FILTERS: &str = "eliminate_cross_join";

/// The engine's rules, in their order.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| match rule.name() {
        OF_CONDITIONS | OF_FILTERS => Arc::new(Equalities { rule }) as Arc<dyn OptimizerRule + Send + Sync>,
        _ => rule,
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

#[derive(Debug)]
struct Equalities {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
}

/// Whether a join has keys for which NULL is like NULL.
fn takes_null(join: &Join) -> bool {
    !join.on.is_empty() && join.null_equality == NullEquality::NullEqualsNull
}

/// Whether there is a join with such keys in a plan, or in a sub-query of it.
fn any_takes_null(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    let _ = plan.apply_with_subqueries(|plan| {
        found = matches!(plan, LogicalPlan::Join(join) if takes_null(join));
        Ok(match found {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}

impl OptimizerRule for Equalities {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match (&plan, self.rule.name()) {
            (LogicalPlan::Join(join), OF_CONDITIONS) if takes_null(join) => Ok(Transformed::no(plan)),
            // It goes down by itself: what is below is still its affair.
            (_, OF_FILTERS) if any_takes_null(&plan)? => {
                plan.map_children(|input| self.rewrite(input, config))
            }
            _ => self.rule.rewrite(plan, config),
        }
    }
}
