//! A table as one role may see it. The only way from a session to a table's rows.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use radlake_catalogs::{LakeTable, TableObject};

use super::{Privilege, Rights, Subject, Verdict, decide};
use crate::{Error, Result};

/// A pinned table behind the decision of [`decide`].
///
/// Statistics and writes are not forwarded: `statistics`, `insert_into`, `delete_from`, `update`, `truncate` and
/// `merge_into` keep the trait's defaults, which refuse.
pub(crate) struct SecuredTable {
    table: Arc<LakeTable>,
    /// What gives its rows: the table itself, or the table with the places of its rows.
    rows: Arc<dyn TableProvider>,
    subject: Subject,
    /// What the subject may read of it.
    verdict: Verdict,
}

impl fmt::Debug for SecuredTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecuredTable")
            .field("table", &self.table.object().qualified_name())
            .field("role", &self.subject.role)
            .finish_non_exhaustive()
    }
}

impl SecuredTable {
    /// Secures a table for a subject. `object` is its entry in the epoch that the statement reads: the table itself may have
    /// been opened before a right changed.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] if the subject may read nothing of it.
    pub(crate) fn new(table: Arc<LakeTable>, object: &TableObject, subject: Subject) -> Result<Self> {
        let rows: Arc<dyn TableProvider> = Arc::clone(&table) as _;
        Self::over(table, rows, object, subject)
    }

    /// Secures another provider of a table's rows, such as one that gives their places too.
    ///
    /// # Errors
    /// As [`SecuredTable::new`].
    pub(crate) fn over(
        table: Arc<LakeTable>,
        rows: Arc<dyn TableProvider>,
        object: &TableObject,
        subject: Subject,
    ) -> Result<Self> {
        let verdict = decide(&subject, Rights::of_table(object), Privilege::Select);
        let secured = Self {
            table,
            rows,
            subject,
            verdict,
        };
        secured.check([])?;
        Ok(secured)
    }

    /// OID of the table.
    pub(crate) fn oid(&self) -> u32 {
        self.table.object().oid
    }

    /// Whether the subject may read these columns.
    fn check<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> Result<()> {
        if self.verdict.covers(columns) {
            return Ok(());
        }
        let message = format!("permission denied for table {}", self.table.object().name);
        Err(Error::InsufficientPrivilege(message))
    }
}

#[async_trait]
impl TableProvider for SecuredTable {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        self.rows.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        // Here and not only where the name was found: only now is it known which columns are read.
        let schema = self.rows.schema();
        let read: Vec<&str> = match projection {
            Some(projection) => projection
                .iter()
                .filter_map(|index| schema.fields().get(*index))
                .map(|field| field.name().as_str())
                .collect(),
            None => schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect(),
        };
        self.check(read)?;
        for filter in filters {
            self.check(filter.column_refs().iter().map(|column| column.name.as_str()))?;
        }
        self.rows.scan(state, projection, filters, limit).await
    }
}
