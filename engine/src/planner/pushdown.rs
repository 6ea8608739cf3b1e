//! Physical rules of DataFusion 55.2 that lose or change rows, kept within bounds.
//!
//! # Filters
//!
//! DataFusion 55.2 hands a physical filter from node to node by the *names* of its columns. Where a node has two columns of one name, as
//! a join of two tables on `x` has, the filter reaches the first of them, whichever it meant, and rows are lost (apache/datafusion issues
//! 20213, 25244, 25262, 25263, 25264, 25296: joins' and TopK's dynamic filters, but conditions of WHERE just as well). Its rules are
//! therefore run on parts of the plan where a name means one column: a node, and below it chains of nodes that have one input each and no
//! name twice. A part ends at a [`Wall`].
//!
//! What is lost are dynamic filters through joins and aggregates below; conditions of WHERE were brought to their tables by the logical
//! optimizer, which goes by qualified names. Nor does a filter pass a projection that computes something volatile: it would be computed
//! again, with another outcome.
//!
//! # Limits
//! `LimitPushPastWindows` and `TopKAggregation` cut the input of `count(*) OVER ()`, whose frame is all rows: they are not run on plans that
//! have a window. Sorts are not moved through limits: [`super::limits`].

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};

use super::limits::SortsAboveLimits;

/// Nodes of one input that hand a filter on as it is, or through a projection of their own.
const HANDS_ON: &[&str] = &[
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "FilterExec",
    "ProjectionExec",
    "RepartitionExec",
    "SortExec",
    "SortPreservingMergeExec",
];

/// DataFusion's rules for physical plans, with those that push filters kept within bounds.
pub(super) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    PhysicalOptimizer::new()
        .rules
        .into_iter()
        .map(|rule| match rule.name() {
            name if name.starts_with("FilterPushdown") => Arc::new(Bounded(rule)) as _,
            "LimitPushPastWindows" | "LimitAggregation" => Arc::new(WithoutWindows(rule)) as _,
            "EnsureRequirements" => Arc::new(SortsAboveLimits(rule)) as _,
            _ => rule,
        })
        .collect()
}

/// A rule that is run on parts of a plan.
#[derive(Debug)]
struct Bounded(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for Bounded {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if is_chain(plan.as_ref()) {
            return self.0.optimize(plan, config);
        }
        let mut beyond = Vec::new();
        let children = plan.children().into_iter().map(|child| {
            if is_chain(child.as_ref()) {
                return Ok(Arc::clone(child));
            }
            let wall = Arc::new(Wall(self.optimize(Arc::clone(child), config)?));
            beyond.push(Arc::clone(&wall.0));
            Ok(wall as _)
        });
        let children = children.collect::<Result<Vec<_>>>()?;
        let part = self
            .0
            .optimize(plan.replace_children(children, recompute())?, config)?;
        without_walls(part)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// A rule that does not see plans with windows.
#[derive(Debug)]
struct WithoutWindows(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for WithoutWindows {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if plan.exists(|node| Ok(node.name().contains("Window")))? {
            return Ok(plan);
        }
        self.0.optimize(plan, config)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Whether the plan is a chain down to its source, no node of which has a name twice.
fn is_chain(plan: &dyn ExecutionPlan) -> bool {
    let mut names = HashSet::new();
    if !plan
        .schema()
        .fields()
        .iter()
        .all(|field| names.insert(field.name().clone()))
    {
        return false;
    }
    match plan.children().as_slice() {
        [] => true,
        [child] => HANDS_ON.contains(&plan.name()) && !is_volatile(plan) && is_chain(child.as_ref()),
        _ => false,
    }
}

fn is_volatile(plan: &dyn ExecutionPlan) -> bool {
    let mut found = false;
    let visited = plan.apply_expressions(&mut |expr| {
        expr.apply(|node| {
            found |= node.is_volatile_node();
            Ok(TreeNodeRecursion::Continue)
        })
    });
    found || visited.is_err()
}

/// Puts back what is behind the walls.
fn without_walls(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(wall) = plan.downcast_ref::<Wall>() {
        return Ok(Arc::clone(&wall.0));
    }
    if plan.children().is_empty() {
        return Ok(plan);
    }
    let children: Result<Vec<_>> = plan
        .children()
        .into_iter()
        .map(|child| without_walls(Arc::clone(child)))
        .collect();
    plan.replace_children(children?, recompute())
}

fn recompute() -> ReplaceChildrenOptions {
    ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute)
}

/// Stands for a part of the plan that no filter is to reach. It is gone when the rule is done.
#[derive(Debug)]
struct Wall(Arc<dyn ExecutionPlan>);

impl DisplayAs for Wall {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wall")
    }
}

impl ExecutionPlan for Wall {
    fn name(&self) -> &str {
        "Wall"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
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
