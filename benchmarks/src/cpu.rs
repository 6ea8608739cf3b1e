//! Wall and processor time of a piece of work.

use std::time::{Duration, Instant};

/// Ticks per second of `/proc/self/stat` on Linux (USER_HZ, fixed by its ABI).
const TICKS_PER_SECOND: f64 = 100.0;

/// Wall time and processor time (user and system, all threads of this process) in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    /// `None` where the system does not tell (anything but Linux).
    pub(crate) cpu: Option<f64>,
}

/// Runs `work` and tells its cost.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (start, before) = (Instant::now(), processor_seconds());
    let value = work();
    let wall = Duration::as_secs_f64(&start.elapsed());
    let cpu = before.and_then(|before| processor_seconds().map(|after| after - before));
    (value, Cost { wall, cpu })
}

fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the command in parentheses and may hold spaces: count from behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}
