//! `radlake man`: manual pages, one for each command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;

/// Arguments of `radlake man`.
#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Directory for the pages; made if it is not there
    directory: PathBuf,
}

impl Man {
    pub(crate) fn run(self, command: clap::Command) -> Result<ExitCode, Failure> {
        std::fs::create_dir_all(&self.directory)
            .map_err(|error| Failure::io("cannot create", &self.directory, error))?;
        clap_mangen::generate_to(command, &self.directory)
            .map_err(|error| Failure::io("cannot write the manual to", &self.directory, error))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_command_has_a_page() {
        let directory = tempfile::tempdir().unwrap();
        let pages = Man {
            directory: directory.path().join("man1"),
        };
        pages.run(cli::command()).unwrap();
        for page in ["radlake.1", "radlake-serve.1", "radlake-load.1"] {
            assert!(directory.path().join("man1").join(page).exists(), "{page}");
        }
    }
}
