//! One command, one file.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod govern;
pub(crate) mod ingest;
pub(crate) mod init;
pub(crate) mod load;
pub(crate) mod man;
pub(crate) mod provider;
pub(crate) mod radiomics;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod sql;
pub(crate) mod upgrade;
pub(crate) mod upkeep;

use std::path::PathBuf;

use clap::Args;
use radlake::Lakehouse;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The resources of a process that runs statements.
#[derive(Args, Debug, Clone)]
pub(crate) struct Resources {
    /// Memory for statements, such as 4GiB; sorts and joins beyond it spill to disk [default: half of the machine's]
    #[arg(long, value_parser = bytes)]
    memory: Option<u64>,
    /// Threads of a statement [default: one per core]
    #[arg(long)]
    threads: Option<usize>,
    /// Directory to spill to [default: the system's temporary directory]
    #[arg(long)]
    temp_dir: Option<PathBuf>,
}

impl Resources {
    /// Opens a lake within these limits.
    pub(crate) async fn open(&self, lake: &str) -> Result<Lakehouse, Failure> {
        let mut builder = Lakehouse::builder(lake).threads(self.threads());
        if let Some(memory) = self.memory {
            builder = builder.memory_limit(memory);
        }
        if let Some(directory) = &self.temp_dir {
            builder = builder.temp_dir(directory);
        }
        Ok(builder.open().await?)
    }

    /// Threads that run statements.
    fn threads(&self) -> usize {
        self.threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1)
    }
}

/// `512MiB`, `4G`, `1000000`.
fn bytes(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit
        .trim()
        .to_ascii_lowercase()
        .trim_end_matches("ib")
        .trim_end_matches('b')
    {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(format!("unknown unit {unit:?}: use KiB, MiB, GiB or TiB")),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a number of bytes, such as 4GiB".to_owned())?;
    number
        .checked_mul(1 << shift)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "must be more than 0".to_owned())
}

/// Cancelled by the first Ctrl-C or SIGTERM; the second ends the process at once.
pub(crate) fn interrupts() -> Result<CancellationToken, Failure> {
    let failed = |error| Failure::Io {
        what: "cannot listen for signals".to_owned(),
        error,
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if last {
                std::process::exit(130);
            }
            first.cancel();
        }
    });
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("512m"), Ok(512 << 20));
        assert_eq!(bytes("1000"), Ok(1000));
        assert!(bytes("4 parsecs").is_err());
        assert!(bytes("GiB").is_err());
        assert!(bytes("0").is_err());
        assert!(bytes("99999999999TiB").is_err());
    }
}
