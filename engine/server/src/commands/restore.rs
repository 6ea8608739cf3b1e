//! `radlake restore`: an earlier epoch becomes the newest again.

use std::process::ExitCode;

use clap::Args;
use radlake::{Identity, SUPERUSER};

use super::Resources;
use crate::failure::Failure;

/// Arguments of `radlake restore`.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// Directory or URL of the lake
    lake: String,
    /// The epoch to go back to; system.epochs lists them
    #[arg(long)]
    epoch: u64,
    /// Only this table [default: all schemas, tables and views; roles and settings stay]
    table: Option<String>,
    #[command(flatten)]
    resources: Resources,
}

impl Restore {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let lakehouse = self.resources.open(&self.lake).await?;
        let identity = Identity::role(SUPERUSER);
        let epoch = lakehouse
            .restore(&identity, self.epoch, self.table.as_deref())
            .await?;
        println!(
            "{} is as of epoch {}; the newest epoch is {epoch}.",
            self.table.as_deref().unwrap_or("The lake"),
            self.epoch
        );
        Ok(ExitCode::SUCCESS)
    }
}
