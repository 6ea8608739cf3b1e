//! `radlake check`: whether a lake is what its logs say.

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;
use radlake::{CheckOptions, CheckReport, FindingKind, Lakehouse};

use super::interrupts;
use crate::failure::Failure;

/// Between two words of progress.
const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `radlake check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Directory or URL of the lake
    lake: String,
    /// Mend what can be: commits from the intents that decided them, checkpoints from the commits; nothing that holds rows is removed
    #[arg(long)]
    repair: bool,
    /// Read all data, and every epoch's catalog and intent, instead of footers and the newest
    #[arg(long)]
    deep: bool,
}

impl Check {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let cancel = interrupts()?;
        let said = Mutex::new(Instant::now());
        let progress = |what: &str| {
            if let Ok(mut said) = said.lock()
                && said.elapsed() > PATIENCE
            {
                eprintln!("checking {what}");
                *said = Instant::now();
            }
        };
        let options = CheckOptions {
            repair: self.repair,
            deep: self.deep,
        };
        let report = Lakehouse::check(&self.lake, options, &cancel, &progress).await?;
        for finding in &report.findings {
            let kind = match finding.kind {
                FindingKind::Damaged => "damaged",
                FindingKind::Repaired => "repaired",
                FindingKind::Note => "note",
            };
            println!("{kind}: {}: {}", finding.path, finding.text);
        }
        println!("{}", summary(&report));
        Ok(match (report.cancelled, report.damaged()) {
            (true, _) => {
                eprintln!("radlake: interrupted: not everything was looked at");
                ExitCode::from(130)
            }
            (false, 0) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

fn summary(report: &CheckReport) -> String {
    let epoch = match report.epoch {
        Some(epoch) => format!("Epoch {epoch}"),
        None => "No epoch that can be read".to_owned(),
    };
    let verdict = match (report.damaged(), report.cancelled) {
        (0, false) => "The lake is whole.".to_owned(),
        (0, true) => "Nothing is damaged so far.".to_owned(),
        (1, _) => "1 file is damaged.".to_owned(),
        (damaged, _) => format!("{damaged} files are damaged."),
    };
    format!(
        "{epoch}: {} tables, {} commits, {} data files of {} bytes and {} rows; {} orphans of {} bytes; {} commits waiting. {verdict}",
        report.tables,
        report.commits,
        report.files,
        report.bytes,
        report.rows,
        report.orphans,
        report.orphan_bytes,
        report.intents
    )
}
