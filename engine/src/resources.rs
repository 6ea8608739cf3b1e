//! Memory, disk and threads that all sessions of a lakehouse share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::lanes::Lanes;
use crate::spill::SpillFolder;
use crate::{Error, Result};

/// Without a reading of the machine's memory.
const FALLBACK: u64 = 1 << 30;

/// Consumers of memory that an error names.
const NAMED_CONSUMERS: std::num::NonZeroUsize = match std::num::NonZeroUsize::new(3) {
    Some(three) => three,
    None => std::num::NonZeroUsize::MIN,
};

/// What statements share.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) runtime: Arc<RuntimeEnv>,
    pub(crate) threads: usize,
    /// Where statements are planned and run.
    pub(crate) lanes: Arc<Lanes>,
    /// Spilled data; gone with the lakehouse.
    spill: SpillFolder,
}

impl Resources {
    /// Where statements spill to, and sessions keep temporary rows: gone with the process.
    pub(crate) fn spill_folder(&self) -> &Path {
        self.spill.path()
    }

    /// `memory` in bytes for all statements together; they spill into a folder of their own below `temp`.
    pub(crate) fn new(memory: Option<u64>, temp: Option<&Path>, threads: Option<usize>) -> Result<Self> {
        let memory = memory
            .unwrap_or_else(|| machine_memory().unwrap_or(FALLBACK) / 2)
            .max(16 << 20);
        let memory = usize::try_from(memory).unwrap_or(usize::MAX);
        let temp = temp.map_or_else(std::env::temp_dir, PathBuf::from);
        let spill = SpillFolder::new(&temp).map_err(|error| {
            Error::Storage(format!(
                "cannot make a temporary folder in {}: {error}; choose another one",
                temp.display()
            ))
        })?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.path().to_path_buf()]));
        let pool = TrackConsumersPool::new(FairSpillPool::new(memory), NAMED_CONSUMERS);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
            .with_metadata_cache_limit((memory / 8).min(512 << 20))
            .build_arc()?;
        let threads = threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1);
        Ok(Self {
            runtime,
            threads,
            lanes: Arc::new(Lanes::new(threads)?),
            spill,
        })
    }
}

/// Bytes of memory that this process may have: the machine's, or less in a container.
fn machine_memory() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = line.split_whitespace().next()?.parse::<u64>().ok()? << 10;
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = limits
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |limit| limit.min(total)))
}
