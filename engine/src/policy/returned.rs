//! Rows that a statement wrote, for RETURNING: of them too a role reads only the columns that it has a right to.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use radlake_catalogs::TableObject;

use super::{Privilege, Rights, Subject, Verdict, decide, masks};
use crate::Error;

/// The rows, behind the decision of [`decide`].
pub(crate) struct ReturnedRows {
    rows: Arc<dyn TableProvider>,
    object: Arc<TableObject>,
    verdict: Verdict,
    /// Columns that are shown otherwise than they are: of what was just written, not at all.
    masked: BTreeSet<String>,
}

impl fmt::Debug for ReturnedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReturnedRows")
            .field("table", &self.object.qualified_name())
            .finish_non_exhaustive()
    }
}

impl ReturnedRows {
    /// Rows of a table, and columns of others that were read under the rights to those.
    pub(crate) fn new(rows: Arc<dyn TableProvider>, object: Arc<TableObject>, subject: &Subject) -> Self {
        let verdict = decide(subject, Rights::of_table(&object), Privilege::Select);
        let masked = masks(subject, &object).into_keys().collect();
        Self {
            rows,
            object,
            verdict,
            masked,
        }
    }
}

#[async_trait]
impl TableProvider for ReturnedRows {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let schema = self.rows.schema();
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        let read = projection.unwrap_or(&all).iter().filter_map(|at| {
            let name = schema.fields().get(*at)?.name().as_str();
            self.object
                .arrow_schema
                .field_with_name(name)
                .is_ok()
                .then_some(name)
        });
        let read: Vec<&str> = read.collect();
        if let Some(masked) = read.iter().find(|name| self.masked.contains(**name)) {
            return Err(Error::unsupported(format!(
                "RETURNING of column \"{masked}\", which is masked, is not supported"
            ))
            .into());
        }
        if !read.is_empty() && !self.verdict.covers(read) {
            let message = format!("permission denied for table {}", self.object.name);
            return Err(Error::InsufficientPrivilege(message).into());
        }
        self.rows.scan(state, projection, filters, limit).await
    }
}
