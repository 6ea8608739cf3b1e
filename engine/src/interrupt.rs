//! The end of a statement, as its operators can see it while they compute.
//!
//! A task is stopped where it waits. A join that finds no pair, or only pairs that its condition refuses, waits for
//! nothing: it would go on for hours after its client was answered. But it asks its condition again and again, so the
//! condition of every join looks whether there is still somebody who wants its answer.

use std::fmt::{Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::utils::JoinFilter;
use radlake_catalogs::Commitment;

/// Becomes true when a statement is over: cancelled, out of time, or left by its client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Over {
    over: Arc<AtomicBool>,
    commitment: Commitment,
}

tokio::task_local! {
    /// The end of the statement that is being planned.
    static STATEMENT: Over;
}

impl Over {
    pub(crate) fn set(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether its commit, if it has one of its own, can still be given up.
    pub(crate) fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Lets [`Over::current`] find it within `work`.
    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        STATEMENT.scope(self, work).await
    }

    /// That of the statement that this task plans or carries out; `None` if nobody can end it.
    pub(crate) fn current() -> Option<Self> {
        STATEMENT.try_with(Self::clone).ok()
    }
}

/// The same condition, which fails once the statement is over.
pub(crate) fn interruptible(filter: &JoinFilter, over: &Over) -> JoinFilter {
    JoinFilter::new(
        Arc::new(Interruptible {
            inner: Arc::clone(filter.expression()),
            over: over.clone(),
        }),
        filter.column_indices().to_vec(),
        Arc::clone(filter.schema()),
    )
}

/// An expression that looks for the statement's end whenever it is evaluated.
#[derive(Debug, Clone)]
struct Interruptible {
    inner: Arc<dyn PhysicalExpr>,
    over: Over,
}

impl Display for Interruptible {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Display::fmt(&self.inner, f)
    }
}

impl PartialEq for Interruptible {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for Interruptible {}

impl Hash for Interruptible {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl PhysicalExpr for Interruptible {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.over.is_set() {
            // Nobody reads it: who waited has been answered.
            return exec_err!("the statement is over");
        }
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.pop().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Self {
            inner,
            over: self.over.clone(),
        }))
    }

    fn fmt_sql(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::physical_expr::expressions::lit;

    use super::*;

    #[tokio::test]
    async fn a_condition_fails_once_the_statement_is_over() {
        assert!(Over::current().is_none());
        let over = Over::default();
        let seen = over.clone().scope(async { Over::current().unwrap() }).await;
        let condition = Interruptible {
            inner: lit(true),
            over: seen,
        };
        let batch = RecordBatch::new_empty(Arc::new(Schema::empty()));
        assert!(condition.evaluate(&batch).is_ok());
        over.set();
        assert!(condition.evaluate(&batch).is_err());
    }
}
