//! Wall and processor time of a piece of work.

use std::time::{Duration, Instant};

use crate::Result;

/// Ticks per second of `/proc/self/stat` on Linux (USER_HZ, fixed by its ABI).
const TICKS_PER_SECOND: f64 = 100.0;

/// Work that is shorter is repeated until it has taken this long: processor time comes in ticks of 10 ms.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// Wall time and processor time (user and system, all threads of this process) in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: f64,
    /// `None` where the system does not tell (anything but Linux).
    pub(crate) cpu: Option<f64>,
    /// What of it the kernel took: opening and reading files, and giving out memory.
    pub(crate) kernel: Option<f64>,
}

impl Cost {
    /// Processor time, or wall time where the system does not tell: the same for work of one thread on an idle machine.
    pub(crate) fn core(&self) -> f64 {
        self.cpu.unwrap_or(self.wall)
    }

    /// The less of each. Whatever else a machine does makes work slower, never faster.
    pub(crate) fn least(self, other: Self) -> Self {
        let less = if self.core() <= other.core() { self } else { other };
        Self {
            wall: self.wall.min(other.wall),
            ..less
        }
    }
}

/// Runs `work` and tells its cost.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (start, before) = (Instant::now(), processor_seconds());
    let value = work();
    let wall = start.elapsed().as_secs_f64();
    let spent = before
        .zip(processor_seconds())
        .map(|(before, after)| [after[0] - before[0], after[1] - before[1]]);
    let cost = Cost {
        wall,
        cpu: spent.map(|[user, kernel]| user + kernel),
        kernel: spent.map(|[_, kernel]| kernel),
    };
    (value, cost)
}

/// Runs `work` until that takes long enough to be measured, and tells the cost of one time.
pub(crate) fn measure_repeated(mut work: impl FnMut() -> Result<()>) -> Result<Cost> {
    let start = Instant::now();
    let (times, cost) = measure(|| -> Result<u32> {
        let mut times = 0;
        while start.elapsed() < LONG_ENOUGH {
            work()?;
            times += 1;
        }
        Ok(times)
    });
    let times = f64::from(times?);
    Ok(Cost {
        wall: cost.wall / times,
        cpu: cost.cpu.map(|cpu| cpu / times),
        kernel: cost.kernel.map(|kernel| kernel / times),
    })
}

/// Processor time of this process so far: its own, and the kernel's for it.
fn processor_seconds() -> Option<[f64; 2]> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the command in parentheses and may hold spaces: count from behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut seconds = || Some(fields.next()?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some([seconds()?, seconds()?])
}
