//! A table as one role may see it. The only way from a session to a table's rows.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use radlake_catalogs::{LakeTable, TableObject};
use radlake_udfs::privacy::PrivacyKey;

use super::barrier::Name;
use super::leakproof::is_leakproof;
use super::{Privilege, Rights, Subject, Verdict, decide, view};
use crate::write::constraint;
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
    /// What stands between its rows and the subject, if a policy or mask binds.
    below: Option<Below>,
}

/// A table's rows and values as policies and masks leave them: a plan over the table that is compiled when its name is
/// resolved, with the identity of who asks.
#[derive(Debug)]
pub(crate) struct Below {
    /// Gives the columns of `schema` in their order.
    pub(crate) plan: LogicalPlan,
    pub(crate) schema: SchemaRef,
    /// For the functions of its masks.
    pub(crate) key: Option<PrivacyKey>,
    /// Rows are hidden, not only values.
    pub(crate) hides_rows: bool,
    /// Columns that are shown otherwise than they are.
    pub(crate) masked: BTreeSet<String>,
    /// Begin of names of columns that are the statement's own, which no right is needed for.
    pub(crate) private: Option<String>,
}

impl Below {
    fn is_open(&self, column: &str) -> bool {
        !self.masked.contains(column) && !self.is_private(column)
    }

    fn is_private(&self, column: &str) -> bool {
        self.private
            .as_ref()
            .is_some_and(|private| column.starts_with(private))
    }
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
            below: None,
        };
        secured.check([])?;
        Ok(secured)
    }

    /// A statement's target, of which the subject may read nothing but what it has a right to, but whose rows it writes.
    pub(crate) fn target(
        table: Arc<LakeTable>,
        rows: Arc<dyn TableProvider>,
        object: &TableObject,
        subject: Subject,
    ) -> Self {
        let verdict = decide(&subject, Rights::of_table(object), Privilege::Select);
        Self {
            table,
            rows,
            subject,
            verdict,
            below: None,
        }
    }

    /// The columns of its primary key, if it has one that is shown as it is: a mask may show two keys as one.
    pub(crate) fn primary_key(&self) -> Option<Vec<String>> {
        let constraints = constraint::of(self.table.object()).ok()?;
        let key = constraint::primary_key(&constraints)?.key()?;
        let shown = |column: &String| self.below.as_ref().is_none_or(|below| below.is_open(column));
        key.iter().all(shown).then(|| key.to_vec())
    }

    /// Shows it as policies and masks leave it.
    pub(crate) fn behind(mut self, below: Below) -> Self {
        self.below = Some(below);
        self
    }

    /// Its rows, for the plan that stands below.
    pub(crate) fn rows(&self) -> &Arc<dyn TableProvider> {
        &self.rows
    }

    /// The plan that stands below, if a policy or mask binds.
    pub(crate) fn plan_below(&self) -> Option<&LogicalPlan> {
        self.below.as_ref().map(|below| &below.plan)
    }

    /// OID of the table.
    pub(crate) fn oid(&self) -> u32 {
        self.table.object().oid
    }

    /// Whether a test has taken the clause out that keeps conditions above which could fail or tell.
    fn is_taken_out_leakproof(&self) -> bool {
        #[cfg(test)]
        return super::recorder::is_out(super::recorder::Clause::Leakproof, &self.table.object().schema);
        #[cfg(not(test))]
        false
    }

    /// Whether a test has taken the clause out that keeps conditions on masked columns above.
    fn is_taken_out_masked(&self) -> bool {
        #[cfg(test)]
        return super::recorder::is_out(super::recorder::Clause::Masked, &self.table.object().schema);
        #[cfg(not(test))]
        false
    }

    /// Whether the subject may read these columns.
    fn check<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> Result<()> {
        let own = |column: &&str| !self.below.as_ref().is_some_and(|below| below.is_private(column));
        let read: Vec<&str> = columns.into_iter().filter(own).collect();
        // A target of which nothing but the statement's own columns are read needs no right to read.
        let written = self.below.as_ref().is_some_and(|below| below.private.is_some());
        if read.is_empty() && written || self.verdict.covers(read.iter().copied()) {
            return Ok(());
        }
        let message = format!("permission denied for table {}", self.table.object().name);
        Err(Error::InsufficientPrivilege(message))
    }
}

#[async_trait]
impl TableProvider for SecuredTable {
    fn schema(&self) -> SchemaRef {
        match &self.below {
            Some(below) => Arc::clone(&below.schema),
            None => self.rows.schema(),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        use TableProviderFilterPushDown::{Exact, Unsupported};
        let Some(below) = &self.below else {
            return self.rows.supports_filters_pushdown(filters);
        };
        let open = |column: &str| below.is_open(column) || self.is_taken_out_masked();
        let goes_below = |filter: &&Expr| match below.hides_rows {
            true => self.is_taken_out_leakproof() || is_leakproof(filter, &below.schema, &open),
            // All rows are seen: what reads no masked column tells nothing that its own rows do not.
            false => filter.column_refs().iter().all(|column| open(&column.name)),
        };
        let answer = |filter: &&Expr| match goes_below(filter) {
            true => Exact,
            false => Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        // Here and not only where the name was found: only now is it known which columns are read.
        let schema = self.schema();
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
        match &self.below {
            // Masks that are not asked for stand in nobody's way.
            Some(below)
                if !below.hides_rows
                    && below.private.is_none()
                    && projection.is_some_and(|projection| {
                        projection
                            .iter()
                            .all(|at| below.is_open(below.schema.field(*at).name()))
                    }) =>
            {
                self.rows.scan(state, projection, filters, limit).await
            }
            None => self.rows.scan(state, projection, filters, limit).await,
            Some(below) => {
                let name = Name {
                    name: self.table.object().name.clone(),
                    is_view: false,
                };
                let narrowed = view::narrowed(&below.plan, &below.schema, projection, filters)?;
                #[cfg(test)]
                if super::recorder::is_out(super::recorder::Clause::Node, &self.table.object().schema) {
                    return view::plain(state, narrowed).await;
                }
                view::behind(
                    state,
                    narrowed,
                    &below.schema,
                    projection,
                    name,
                    below.key.as_ref(),
                )
                .await
            }
        }
    }
}
