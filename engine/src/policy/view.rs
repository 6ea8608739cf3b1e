//! A view that reads with other rights than those of who asks: its rows, and nothing of how they come about.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::TableType;
use datafusion::error::Result as EngineResult;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use radlake_udfs::privacy::PrivacyKey;

use super::Verdict;
use super::barrier::{BarrierExec, Name};
use super::leakproof::is_leakproof;
use crate::pg_catalog::output_name;
use crate::{Error, Result};

/// The plan of a view, behind a barrier.
#[derive(Debug)]
pub(crate) struct SecuredView {
    name: String,
    plan: LogicalPlan,
    /// Its columns once types are settled.
    schema: SchemaRef,
    /// Which of them are columns of tables as they are: conditions on others would be evaluated before the view's own.
    plain: Vec<bool>,
    /// Which of them may be read.
    verdict: Verdict,
}

impl SecuredView {
    pub(crate) fn new(
        name: &str,
        plan: LogicalPlan,
        schema: SchemaRef,
        plain: Vec<bool>,
        verdict: Verdict,
    ) -> Self {
        Self {
            name: name.to_owned(),
            plan,
            schema,
            plain,
            verdict,
        }
    }

    /// Whether who asks may read these columns.
    fn check<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> Result<()> {
        match self.verdict.covers(columns) {
            true => Ok(()),
            false => Err(Error::InsufficientPrivilege(format!(
                "permission denied for view {}",
                self.name
            ))),
        }
    }

    /// What it reads.
    pub(crate) fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    fn is_plain(&self, column: &str) -> bool {
        let at = self.schema.index_of(column).ok();
        at.and_then(|at| self.plain.get(at)).is_some_and(|plain| *plain)
    }
}

#[async_trait]
impl TableProvider for SecuredView {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        let answer =
            |filter: &&Expr| match is_leakproof(filter, &self.schema, &|column| self.is_plain(column)) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Unsupported,
            };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        // Only now is it known which columns are read.
        let fields = self.schema.fields().iter().enumerate();
        let read = fields.filter(|(at, _)| projection.is_none_or(|projection| projection.contains(at)));
        self.check(read.map(|(_, field)| output_name(field.name())))?;
        for filter in filters {
            self.check(
                filter
                    .column_refs()
                    .iter()
                    .map(|column| output_name(&column.name)),
            )?;
        }
        let narrowed = narrowed(&self.plan, &self.schema, projection, filters)?;
        let name = Name {
            name: self.name.clone(),
            is_view: true,
        };
        behind(state, narrowed, &self.schema, projection, name, None).await
    }
}

/// A plan narrowed to what is asked for; `schema` names its columns.
pub(super) fn narrowed(
    plan: &LogicalPlan,
    schema: &SchemaRef,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
) -> EngineResult<LogicalPlan> {
    let columns = plan.schema().columns();
    let mut builder = LogicalPlanBuilder::from(plan.clone());
    for filter in filters {
        let placed = filter.clone().transform(|part| {
            Ok(match &part {
                Expr::Column(column) => {
                    Transformed::yes(Expr::Column(columns[schema.index_of(&column.name)?].clone()))
                }
                _ => Transformed::no(part),
            })
        })?;
        builder = builder.filter(placed.data)?;
    }
    let all: Vec<usize> = (0..schema.fields().len()).collect();
    // Rows without columns are counted by one of them.
    let read = match projection {
        None => all,
        Some(none) if none.is_empty() => vec![0],
        Some(some) => some.clone(),
    };
    let read = read.iter().map(|at| Expr::Column(columns[*at].clone()));
    builder.project(read)?.build()
}

/// A plan, optimised by itself, under a barrier; `key` is for the functions in it.
pub(super) async fn behind(
    state: &dyn Session,
    plan: LogicalPlan,
    schema: &SchemaRef,
    projection: Option<&Vec<usize>>,
    name: Name,
    key: Option<&PrivacyKey>,
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let physical = match (key, state.as_any().downcast_ref::<SessionState>()) {
        (Some(key), Some(state)) => {
            let mut keyed = state.clone();
            keyed.config_mut().options_mut().extensions.insert(key.clone());
            // Functions are given the options of the statement, whose time stays what it is.
            let options = Arc::clone(keyed.config_options());
            keyed.execution_props_mut().config_options = Some(options);
            keyed.create_physical_plan(&plan).await?
        }
        _ => state.create_physical_plan(&plan).await?,
    };
    let schema = match projection {
        Some(projection) => Arc::new(schema.project(projection)?),
        None => Arc::clone(schema),
    };
    Ok(Arc::new(BarrierExec::new(physical, schema, name)))
}

/// The plan without a barrier, as a test has it that takes the barrier out.
#[cfg(test)]
pub(super) async fn plain(state: &dyn Session, plan: LogicalPlan) -> EngineResult<Arc<dyn ExecutionPlan>> {
    state.create_physical_plan(&plan).await
}
