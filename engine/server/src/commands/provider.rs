//! `radlake rename-provider`: another name for who brought files.

use std::process::ExitCode;

use clap::Args;
use radlake::{Identity, SUPERUSER};

use super::Resources;
use crate::failure::Failure;

/// Arguments of `radlake rename-provider`.
#[derive(Args, Debug)]
pub(crate) struct Rename {
    /// Directory or URL of the lake
    lake: String,
    /// The provider as the lake has it
    from: String,
    /// Its new name; may be that of another provider, whose files are then one's with these
    to: String,
    #[command(flatten)]
    resources: Resources,
}

impl Rename {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let lakehouse = self.resources.open(&self.lake).await?;
        let identity = Identity::role(SUPERUSER);
        let done = lakehouse.rename_provider(&identity, &self.from, &self.to).await?;
        let Some(epoch) = done.epoch else {
            eprintln!("radlake: no provider {:?} has brought anything", self.from);
            return Ok(ExitCode::FAILURE);
        };
        println!(
            "{} is {} from epoch {epoch} on: {} files, {} instances, {} series",
            self.from, self.to, done.files, done.instances, done.series
        );
        for place in &done.named_by {
            eprintln!(
                "radlake: {place} names {:?} and is as it was: alter it",
                self.from
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
