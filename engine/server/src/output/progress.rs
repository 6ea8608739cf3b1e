//! How far an ingest has come: a bar on a terminal, lines elsewhere, always on the standard error.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use radlake::ingest::{Progress, Snapshot};

/// Seconds between lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// Shows snapshots of an ingest.
pub(crate) struct Display {
    /// `None` where there is no terminal.
    bar: Option<ProgressBar>,
    last: Mutex<Instant>,
}

impl Display {
    /// A bar, or lines.
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            last: Mutex::new(Instant::now()),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn describe(snapshot: &Snapshot) -> String {
    let mut text = format!(
        "{} of {}{} files, {:.0}/s, {} read, {} instances, {} refused",
        snapshot.files_done,
        snapshot.files_found,
        // The walk goes on while files are read.
        if snapshot.listed { "" } else { "+" },
        snapshot.rate(),
        HumanBytes(snapshot.bytes_read),
        snapshot.instances,
        snapshot.refused,
    );
    if let Some(left) = snapshot.time_left() {
        text.push_str(&format!(", {} left", HumanDuration(left)));
    }
    text
}

impl Progress for Display {
    fn update(&self, snapshot: &Snapshot) {
        let Some(bar) = &self.bar else {
            let mut last = self
                .last
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.elapsed() >= EVERY {
                *last = Instant::now();
                tracing::info!("{}", describe(snapshot));
            }
            return;
        };
        if snapshot.listed && bar.length().is_none() {
            bar.set_length(snapshot.files_found);
            if let Ok(style) =
                ProgressStyle::with_template("[{elapsed_precise}] {bar:30} {percent:>3}% {msg}")
            {
                bar.set_style(style);
            }
        }
        bar.set_position(snapshot.files_done);
        bar.set_message(describe(snapshot));
    }
}

/// How much of a file has been read: a bar on a terminal, nothing elsewhere.
pub(crate) struct Bytes {
    bar: Option<(ProgressBar, tokio::task::JoinHandle<()>)>,
}

impl Bytes {
    /// Follows a count up to `length`.
    pub(crate) fn new(length: u64, count: Arc<AtomicU64>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let bar = ProgressBar::new(length);
        if let Ok(style) = ProgressStyle::with_template(
            "[{elapsed_precise}] {bar:30} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        ) {
            bar.set_style(style);
        }
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                shown.set_position(count.load(Ordering::Relaxed).min(length));
            }
        });
        Self {
            bar: Some((bar, task)),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some((bar, task)) = &self.bar {
            task.abort();
            bar.finish_and_clear();
        }
    }
}
