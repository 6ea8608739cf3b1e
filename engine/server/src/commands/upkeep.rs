//! `radlake optimize`, `radlake vacuum`, `radlake checkpoint`: the same as the procedures of the schema `radlake`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use radlake::{Identity, SUPERUSER};

use super::{Resources, interrupts};
use crate::failure::Failure;

/// The lake and the table that upkeep is done to.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Directory or URL of the lake
    lake: String,
    /// Only this table, such as imaging.instances [default: all]
    table: Option<String>,
    #[command(flatten)]
    resources: Resources,
}

/// Arguments of `radlake optimize`.
#[derive(Args, Debug)]
pub(crate) struct Optimize {
    #[command(flatten)]
    target: Target,
}

/// Arguments of `radlake vacuum`.
#[derive(Args, Debug)]
pub(crate) struct Vacuum {
    #[command(flatten)]
    target: Target,
    /// How long epochs stay readable, such as 7d, 12h, 0s: longer than any statement or transaction of any process
    #[arg(long, default_value = "7d", value_parser = duration)]
    retain: Duration,
    /// Name what would be removed, remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Take a retention below an hour: no other process may use the lake
    #[arg(long)]
    force: bool,
}

/// Arguments of `radlake checkpoint`.
#[derive(Args, Debug)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    target: Target,
}

impl Optimize {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let Target {
            lake,
            table,
            resources,
        } = self.target;
        let lakehouse = resources.open(&lake).await?;
        let cancel = interrupts()?;
        let progress = |name: &str, report: &radlake::OptimizeReport| {
            eprintln!("{name}: {} files became {} so far", report.removed, report.added);
        };
        let identity = Identity::role(SUPERUSER);
        let done = lakehouse
            .optimize(&identity, table.as_deref(), &cancel, &progress)
            .await?;
        for (name, report) in done.iter().filter(|(_, report)| report.commits > 0) {
            println!(
                "{name}: {} files of {} bytes became {} of {}",
                report.removed, report.bytes_removed, report.added, report.bytes_added
            );
        }
        if done.iter().all(|(_, report)| report.commits == 0) {
            println!("Nothing to do.");
        }
        Ok(ended(done.iter().any(|(_, report)| report.cancelled)))
    }
}

impl Vacuum {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let Target {
            lake,
            table,
            resources,
        } = self.target;
        let lakehouse = resources.open(&lake).await?;
        let how = radlake::Vacuum {
            retention: self.retain,
            dry_run: self.dry_run,
            force: self.force,
        };
        let identity = Identity::role(SUPERUSER);
        let report = lakehouse
            .vacuum(&identity, table.as_deref(), how, &interrupts()?)
            .await?;
        if self.dry_run {
            for path in &report.paths {
                println!("{path}");
            }
        }
        println!(
            "{} {} data files of {} bytes and {} files of logs; epochs from {} on can be read",
            if self.dry_run { "Would remove" } else { "Removed" },
            report.files,
            report.bytes,
            report.logs,
            report.horizon
        );
        Ok(ended(report.cancelled))
    }
}

impl Checkpoint {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let Target {
            lake,
            table,
            resources,
        } = self.target;
        let lakehouse = resources.open(&lake).await?;
        let identity = Identity::role(SUPERUSER);
        let names = lakehouse.checkpoint(&identity, table.as_deref()).await?;
        println!("Wrote checkpoints of {} tables.", names.len());
        Ok(ExitCode::SUCCESS)
    }
}

fn ended(cancelled: bool) -> ExitCode {
    if cancelled {
        eprintln!("radlake: interrupted: what was committed stays; the same command goes on from there");
        ExitCode::from(130)
    } else {
        ExitCode::SUCCESS
    }
}

/// `7d`, `12h`, `30min`, `10s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds: u64 = match unit.trim() {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("expected a time with its unit, such as 7d, 12h, 30min or 10s".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a time with its unit, such as 7d".to_owned())?;
    let seconds = number
        .checked_mul(seconds)
        .filter(|seconds| *seconds < 100 * 366 * 86_400);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "that is more than a hundred years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("7").is_err());
        assert!(duration("d").is_err());
        assert!(duration("99999999d").is_err());
    }
}
