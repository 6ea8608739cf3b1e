//! What ingestion asks of a lake: to see three tables at one epoch, and to change them together or not at all.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;

use crate::Result;

/// `imaging.instances`, `imaging.series` and `imaging.files` at one epoch.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) epoch: u64,
    pub(crate) instances: Arc<dyn TableProvider>,
    pub(crate) series: Arc<dyn TableProvider>,
    pub(crate) files: Arc<dyn TableProvider>,
}

/// The key of `imaging.series`: study, series, provider.
pub(crate) type SeriesKey = (String, String, String);

/// What one batch does to the three tables.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Rows to add to `imaging.instances`, sorted by study, series, SOP Instance UID.
    pub(crate) instances: Vec<RecordBatch>,
    /// Rows to add to `imaging.files`, sorted by URI.
    pub(crate) files: RecordBatch,
    /// Rows of `imaging.series`, sorted by study, series, provider.
    pub(crate) series: RecordBatch,
    /// Those of them that replace a row.
    pub(crate) replaced_series: BTreeSet<SeriesKey>,
}

/// Makes the changes of a batch for an epoch.
#[async_trait]
pub(crate) trait Plan: Send + Sync {
    /// The changes if the lake is as `view` shows it; `None` if there is nothing left to do.
    async fn changes(&self, view: &View) -> Result<Option<Changes>>;
}

/// A lake with the three tables.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// The newest epoch.
    async fn view(&self) -> Result<View>;

    /// Publishes the changes that `plan` makes for the newest epoch, asking again whenever another writer was first.
    /// `app` names the batch, so that publishing it twice is publishing it once. Gives the epoch, `None` if the plan
    /// had nothing to do.
    async fn commit(&self, app: (&str, i64), plan: &dyn Plan) -> Result<Option<u64>>;
}
