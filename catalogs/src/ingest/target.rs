//! What ingestion asks of a lake: to see its tables at one epoch, and to change them together or not at all.

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::TableProvider;

use super::cut::Cut;
use crate::Result;

/// The tables that ingestion keeps, at one epoch.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) epoch: u64,
    pub(crate) instances: Arc<dyn TableProvider>,
    pub(crate) series: Arc<dyn TableProvider>,
    pub(crate) files: Arc<dyn TableProvider>,
    pub(crate) sources: Arc<dyn TableProvider>,
    pub(crate) segments: Arc<dyn TableProvider>,
    pub(crate) measurements: Arc<dyn TableProvider>,
}

/// The key of `imaging.series`: study, series, provider.
pub(crate) type SeriesKey = (String, String, String);

/// What becomes of one table: rows are taken out, then others added.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) gone: Cut,
    pub(crate) new: Vec<RecordBatch>,
}

/// What is done to the tables.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) instances: Change,
    pub(crate) series: Change,
    pub(crate) files: Change,
    pub(crate) sources: Change,
    pub(crate) segments: Change,
    pub(crate) measurements: Change,
}

impl Changes {
    /// Of `imaging.segments` and `imaging.measurements` alone.
    pub(crate) fn of_objects(segments: Change, measurements: Change) -> Self {
        let nothing = |gone: Cut| Change {
            gone,
            new: Vec::new(),
        };
        Self {
            instances: nothing(Cut::instances()),
            series: nothing(Cut::series()),
            files: nothing(Cut::files()),
            sources: nothing(Cut::sources()),
            segments,
            measurements,
        }
    }
}

/// Makes the changes for an epoch.
#[async_trait]
pub(crate) trait Plan: Send + Sync {
    /// What it is called in the lake's history.
    fn statement(&self) -> &'static str {
        "INGEST"
    }

    /// The changes if the lake is as `view` shows it; `None` if there is nothing left to do.
    async fn changes(&self, view: &View) -> Result<Option<Changes>>;
}

/// A lake with the tables.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// The newest epoch.
    async fn view(&self) -> Result<View>;

    /// Publishes the changes that `plan` makes for the newest epoch, asking again whenever another writer was first.
    /// `app` names the batch, so that publishing it twice is publishing it once. Gives the epoch, `None` if the plan
    /// had nothing to do.
    async fn commit(&self, app: (&str, i64), plan: &dyn Plan) -> Result<Option<u64>>;
}
