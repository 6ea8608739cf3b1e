//! `radlake completions`: what a shell needs to complete commands and options.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

use crate::failure::Failure;

/// Arguments of `radlake completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut command: clap::Command) -> Result<ExitCode, Failure> {
        let name = command.get_name().to_owned();
        // Into memory first: the generator panics when its writer fails, as a closed pipe does.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        let mut output = std::io::stdout().lock();
        output.write_all(&script)?;
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
