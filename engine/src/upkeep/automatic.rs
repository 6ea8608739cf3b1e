//! Upkeep that a server does on its own, between other work: a bounded compaction at a time, then a pause that keeps its share
//! of the time; vacuum once in a while. Nobody waits for it: appends go on beside a compaction, and where a DELETE or an
//! UPDATE was first, it is the compaction that starts over.

use std::time::{Duration, Instant};

use radlake_catalogs::{OptimizeOptions, TableObject, VacuumOptions};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::LOG_RETENTION;
use crate::Lakehouse;

/// Bounds of upkeep.
#[derive(Debug, Clone)]
pub struct UpkeepOptions {
    /// How often tables are looked at.
    pub interval: Duration,
    /// Share of the time that it may take, between 0 and 1.
    pub share: f64,
    /// Bytes that one compaction may read.
    pub bytes: u64,
    /// Tables with fewer files than this are left alone.
    pub files: u64,
    /// How often vacuum runs; never if zero.
    pub vacuum: Duration,
    /// Epochs younger than this stay readable.
    pub retention: Duration,
}

/// A table is worth it if its files are smaller than this on average.
const AVERAGE: u64 = 16 << 20;
/// Files that are larger are not merged beside other work.
const SMALL: u64 = 32 << 20;

impl Lakehouse {
    /// Does upkeep until it is told to stop. Errors are logged and tried again.
    pub async fn keep_up(&self, options: UpkeepOptions, stop: CancellationToken) {
        let mut vacuumed = Instant::now();
        loop {
            if wait(options.interval, &stop).await {
                return;
            }
            self.compact_some(&options, &stop).await;
            if !options.vacuum.is_zero() && vacuumed.elapsed() >= options.vacuum {
                vacuumed = Instant::now();
                let how = VacuumOptions {
                    table: None,
                    retention: options.retention,
                    log_retention: LOG_RETENTION,
                    dry_run: false,
                };
                match self.lake().vacuum(&how, &stop).await {
                    Ok(report) => info!(files = report.files, bytes = report.bytes, "vacuum"),
                    Err(error) => warn!(%error, "vacuum failed; it is tried again"),
                }
            }
        }
    }

    /// A compaction of each table that is worth it.
    async fn compact_some(&self, options: &UpkeepOptions, stop: &CancellationToken) {
        let epoch = match self.lake().latest().await {
            Ok(epoch) => epoch,
            Err(error) => return warn!(%error, "upkeep cannot read the lake"),
        };
        let mut worth: Vec<_> = epoch
            .tables()
            .filter(|table| is_worth(table, options))
            .cloned()
            .collect();
        // Most files first.
        worth.sort_by_key(|table| std::cmp::Reverse(table.files));
        for table in worth {
            let (began, name) = (Instant::now(), table.qualified_name());
            let how = OptimizeOptions {
                bytes: Some(options.bytes),
                small: Some(SMALL),
                user: None,
            };
            match self.lake().optimize_all(table.oid, &how, stop, &|_| {}).await {
                Ok(done) if done.commits > 0 => {
                    info!(
                        table = name,
                        removed = done.removed,
                        added = done.added,
                        "files merged"
                    );
                }
                Ok(_) => debug!(table = name, "nothing to merge"),
                Err(error) => warn!(table = name, %error, "compaction failed; it is tried again"),
            }
            let share = options.share.clamp(0.01, 1.0);
            if wait(began.elapsed().mul_f64(1.0 / share - 1.0), stop).await {
                return;
            }
        }
    }
}

fn is_worth(table: &TableObject, options: &UpkeepOptions) -> bool {
    table.files >= options.files.max(2) && table.bytes / table.files < AVERAGE
}

/// True if it is told to stop.
async fn wait(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(pause) => stop.is_cancelled(),
    }
}
