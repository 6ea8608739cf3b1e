//! `radlake radiomics`: features of segments into `radiomics.features`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use radlake::radiomics::{Profile, Settings};
use radlake::{Identity, SUPERUSER};

use super::{Resources, interrupts};
use crate::failure::Failure;
use crate::radiomics::{Report, Run};

/// Arguments of `radlake radiomics`.
#[derive(Args, Debug)]
pub(crate) struct Radiomics {
    /// Directory or URL of the lake
    lake: String,
    /// Which segments: a condition on the columns of imaging.segments, such as "label = 'GTV-1'"
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Whose definitions and names
    #[arg(long, value_enum, default_value_t = Named::Pyradiomics)]
    profile: Named,
    /// Settings: PyRadiomics' parameter file (YAML or JSON)
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Regions that are computed at a time [default: one per core]
    #[arg(long)]
    workers: Option<usize>,
    /// Segments per commit
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// Role that reads and writes
    #[arg(long = "as", value_name = "ROLE", default_value = SUPERUSER)]
    role: String,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = Summary::Text)]
    format: Summary,
    #[command(flatten)]
    resources: Resources,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    /// PyRadiomics 3.0.1.
    Pyradiomics,
    /// The IBSI reference manual.
    Ibsi,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Summary {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

impl Radiomics {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let settings = self.read_settings()?;
        let lakehouse = self.resources.open(&self.lake).await?;
        let interrupted = interrupts()?;
        let workers = self
            .workers
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1);
        let run = Run {
            lakehouse: &lakehouse,
            identity: Identity::role(&self.role),
            settings,
            condition: self.condition,
            workers,
            batch: self.batch.max(1),
            interrupted: interrupted.clone(),
        };
        if self.role == SUPERUSER {
            lakehouse.sweep_features(&Identity::role(SUPERUSER)).await?;
        }
        let report = run.run().await?;
        match self.format {
            Summary::Json => println!(
                "{}",
                serde_json::to_string(&report).map_err(|error| Failure::Output(error.to_string()))?
            ),
            Summary::Text => print(&report),
        }
        if report.cancelled {
            eprintln!("radlake: interrupted: what was committed stays; the same command goes on from there");
            return Ok(ExitCode::from(130));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn read_settings(&self) -> Result<Settings, Failure> {
        let profile = match self.profile {
            Named::Pyradiomics => Profile::PyRadiomics,
            Named::Ibsi => Profile::Ibsi,
        };
        let Some(path) = &self.settings else {
            return Ok(Settings::of(profile));
        };
        let mut text =
            std::fs::read_to_string(path).map_err(|error| Failure::io("cannot read", path, error))?;
        let named = text.lines().any(|line| line.trim_start().starts_with("profile"));
        if profile == Profile::Ibsi && !named {
            text = format!("profile: ibsi\n{text}");
        }
        let settings = Settings::from_text(&text)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        if settings.profile() != profile && profile != Profile::PyRadiomics {
            return Err(Failure::Usage(format!(
                "{} is of profile {}, and --profile says {}",
                path.display(),
                settings.profile().name(),
                profile.name()
            )));
        }
        Ok(settings)
    }
}

fn print(report: &Report) {
    println!(
        "{} segments computed in {:.1} s ({:.1} per second), {} failed, {} known already",
        report.computed,
        report.seconds,
        report.computed as f64 / report.seconds.max(1e-9),
        report.failed,
        report.known
    );
    println!(
        "settings {} ({}), {} features",
        report.settings_hash, report.profile, report.features
    );
    if report.failed > 0 {
        println!(
            "SELECT reason, count(*) FROM radiomics.features WHERE status = 'failed' GROUP BY reason says why"
        );
    }
}
