//! The threads on which statements are planned and run.
//!
//! An operator of a plan may compute for seconds before it lets go of its thread, and no scheduler of tasks can take it
//! away. So statements do not share threads, as long as there are not too many of them: each leases a *lane*, a small
//! runtime of its own, and the operating system divides the processors among lanes. A statement that computes without a
//! pause delays nobody but itself; logins and cancel requests live on other threads altogether.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Result};

/// Lanes at most; further statements share those with the fewest.
const MOST: usize = 64;
/// Idle lanes that are kept for the next statements; an idle thread costs a few pages.
const KEPT: usize = 16;

/// Stack of a thread. Plans and expressions are walked by recursion, once per operator of a statement; what is not used
/// costs nothing.
const STACK: usize = 64 << 20;

/// All lanes of a lakehouse.
#[derive(Debug)]
pub(crate) struct Lanes {
    threads: usize,
    lanes: Mutex<Vec<Lane>>,
}

#[derive(Debug)]
struct Lane {
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
    leases: usize,
}

impl Lane {
    fn new(threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK)
            .thread_name("statement")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            leases: 0,
        })
    }

    fn handle(&self) -> Option<&Handle> {
        self.runtime.as_ref().map(Runtime::handle)
    }

    /// Tasks that have not ended, be it only because they have not noticed yet that they are to.
    fn tasks(&self) -> usize {
        self.handle()
            .map_or(0, |handle| handle.metrics().num_alive_tasks())
    }

    fn is_idle(&self) -> bool {
        self.leases == 0 && self.tasks() == 0
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Waiting is forbidden within another runtime, and there is nothing to wait for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Lanes {
    /// Lanes of `threads` threads each.
    pub(crate) fn new(threads: usize) -> Result<Self> {
        let first = Lane::new(threads)
            .map_err(|error| Error::Storage(format!("cannot start threads for statements: {error}")))?;
        Ok(Self {
            threads,
            lanes: Mutex::new(vec![first]),
        })
    }

    /// A lane for one statement: an idle one, a new one, or the one with the least to do.
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // The last idle one was used last: its threads' memory is warm.
        let at = match lanes.iter().rposition(Lane::is_idle) {
            Some(idle) => Some(idle),
            None if lanes.len() < MOST => match Lane::new(self.threads) {
                Ok(lane) => {
                    lanes.push(lane);
                    lanes.len().checked_sub(1)
                }
                Err(error) => {
                    tracing::warn!(%error, "no more threads for statements: they share those that are there");
                    None
                }
            },
            None => None,
        };
        let at = at.or_else(|| {
            let busy = lanes.iter().enumerate();
            busy.min_by_key(|(_, lane)| (lane.leases, lane.tasks()))
                .map(|(at, _)| at)
        });
        let handle = at.and_then(|at| lanes.get_mut(at)).and_then(|lane| {
            lane.leases += 1;
            lane.handle().cloned()
        });
        Lease {
            lanes: Arc::clone(self),
            // There always is one: the first is made with the pool, and [`KEPT`] is not zero.
            handle: handle.unwrap_or_else(Handle::current),
        }
    }

    fn give_back(&self, handle: &Handle) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let leased = lanes
            .iter_mut()
            .find(|lane| lane.handle().is_some_and(|own| own.id() == handle.id()));
        if let Some(lane) = leased {
            lane.leases = lane.leases.saturating_sub(1);
        }
        let mut idle = 0;
        lanes.retain(|lane| {
            idle += usize::from(lane.is_idle());
            idle <= KEPT || !lane.is_idle()
        });
    }

    /// How many there are, and how many tasks live on them.
    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize) {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        (lanes.len(), lanes.iter().map(Lane::tasks).sum())
    }
}

/// A statement's lane, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    lanes: Arc<Lanes>,
    handle: Handle,
}

impl Lease {
    /// Where to spawn.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.lanes.give_back(&self.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_still_computes_is_not_leased_again() {
        let lanes = Arc::new(Lanes::new(1).unwrap());
        let lease = lanes.lease();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let task = lease.handle().spawn(async move {
            let _ = wait.recv();
        });
        task.abort();
        drop(lease);
        let other = lanes.lease();
        let done = other.handle().spawn(async { 1 });
        let done = other
            .handle()
            .block_on(async { tokio::time::timeout(std::time::Duration::from_secs(20), done).await });
        assert_eq!(
            done.unwrap().unwrap(),
            1,
            "it runs beside the one that does not stop"
        );
        assert_eq!(lanes.count().0, 2);
        drop(go);
    }

    #[test]
    fn lanes_are_bounded_and_idle_ones_go() {
        let lanes = Arc::new(Lanes::new(1).unwrap());
        let leases: Vec<Lease> = (0..MOST + 10).map(|_| lanes.lease()).collect();
        assert_eq!(lanes.count().0, MOST);
        drop(leases);
        assert_eq!(lanes.count().0, KEPT);
    }
}
