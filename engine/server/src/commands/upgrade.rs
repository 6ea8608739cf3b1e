//! `radlake upgrade`: the tables and views of this Radlake in a lake of an older one.

use std::process::ExitCode;

use clap::Args;
use radlake::{Identity, Lakehouse, SUPERUSER};

use super::Resources;
use crate::failure::Failure;

/// Arguments of `radlake upgrade`.
#[derive(Args, Debug)]
pub(crate) struct Upgrade {
    /// Directory or URL of the lake
    lake: String,
    #[command(flatten)]
    resources: Resources,
}

impl Upgrade {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let lakehouse = self.resources.open(&self.lake).await?;
        let done = lakehouse.upgrade(&Identity::role(SUPERUSER)).await?;
        let Some(epoch) = done.epoch else {
            println!("{} is up to date.", self.lake);
            return Ok(ExitCode::SUCCESS);
        };
        println!(
            "{} is upgraded in epoch {epoch}. New, or in a new form:",
            self.lake
        );
        for name in &done.added {
            println!("  {name}");
        }
        for schema in &done.kept {
            println!(
                "The schema {schema} is one of your own and stays as it is: the views of that name are not made."
            );
        }
        if done.series > 0 {
            println!("{} rows of imaging.series were made anew.", done.series);
        }
        if !done.empty.is_empty() {
            println!(
                "New columns of imaging.instances are NULL in the rows that were there; CALL radlake.forget and another ingest fill them."
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Tells whoever opens an older lake what to do.
pub(crate) async fn tell(lakehouse: &Lakehouse, lake: &str) -> Result<(), Failure> {
    let lacking = lakehouse.lacking().await?;
    if !lacking.is_empty() {
        eprintln!(
            "radlake: {lake} was made by an older Radlake and lacks {}{}: run `radlake upgrade {lake}`",
            lacking[..lacking.len().min(3)].join(", "),
            match lacking.len() {
                0..=3 => String::new(),
                more => format!(" and {} more", more - 3),
            }
        );
    }
    Ok(())
}
