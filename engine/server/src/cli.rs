//! The command line.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::commands::{
    check, completions, demo, govern, ingest, init, load, man, provider, radiomics, restore, serve, sql,
    upgrade, upkeep,
};
use crate::failure::Failure;

/// What `--version` says: whoever reports a fault says with it which commit runs and which lakes it reads.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} ({}, lake format {})",
        env!("CARGO_PKG_VERSION"),
        env!("RADLAKE_COMMIT"),
        radlake::LAKE_FORMAT
    )
});

/// SQL over medical imaging: DICOM in, PostgreSQL's protocol out, one directory or bucket as the store.
#[derive(Parser, Debug)]
#[command(name = "radlake", version = VERSION.as_str(), arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Create a lake with its superuser `radlake`.
    Init(init::Init),
    /// Read DICOM files, folders and archives into a lake.
    Ingest(ingest::Ingest),
    /// Load CSV, Parquet, Arrow and NDJSON files into a table.
    Load(load::Load),
    /// Serve a lake over PostgreSQL's protocol.
    Serve(serve::Serve),
    /// Compute radiomic features of segments into radiomics.features.
    Radiomics(radiomics::Radiomics),
    /// Run SQL on a lake, without a server.
    Sql(sql::Sql),
    /// Merge small files and sort them by the tables' cluster keys.
    Optimize(upkeep::Optimize),
    /// Remove files that no epoch within retention needs.
    Vacuum(upkeep::Vacuum),
    /// Write checkpoints of the logs, from which readers start.
    Checkpoint(upkeep::Checkpoint),
    /// Bring back the tables of an earlier epoch, as a new epoch.
    Restore(restore::Restore),
    /// Give a provider another name, in all that it brought.
    RenameProvider(provider::Rename),
    /// Give a lake of an older Radlake the tables, columns and views of this one.
    Upgrade(upgrade::Upgrade),
    /// Look whether a lake is whole: its catalog, every log, every data file; mend what can be.
    Check(check::Check),
    /// Who may see what: rights, policies and rows of each role.
    Govern(govern::Govern),
    /// Make a lake of synthetic hospitals, ask it a few questions and serve it.
    Demo(demo::Demo),
    /// Print a script that completes commands and options in a shell.
    Completions(completions::Completions),
    /// Write the manual's pages.
    Man(man::Man),
}

/// The command line as data, for what is made from it.
pub(crate) fn command() -> clap::Command {
    let with_more = |command: clap::Command| command.after_help(MORE);
    let names: Vec<String> = Cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    names.into_iter().fold(with_more(Cli::command()), |all, name| {
        all.mut_subcommand(name, with_more)
    })
}

/// What all commands have in common, at the end of their help and manual pages.
const MORE: &str = "\
Exit codes:
  0    done
  1    it failed, or found nothing to do it with (ingest: no file could be read; check: something is damaged)
  2    the command line is wrong
  130  interrupted by Ctrl-C or SIGTERM; what was committed stays, and the same command goes on from there

Environment:
  RADLAKE_PASSWORD  init, demo: password of the superuser; one is made and printed if it is not set
  RADLAKE_LOG       what is logged, such as radlake=debug; by default warn,radlake=info
  TMPDIR            where statements spill to, unless --temp-dir says otherwise
  AWS_…, AZURE_…, GOOGLE_…  credentials and endpoints of lakes in object stores, under their usual names";

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::from_arg_matches(&command().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let filter =
        EnvFilter::try_from_env("RADLAKE_LOG").unwrap_or_else(|_| EnvFilter::new("warn,radlake=info"));
    // Below this the query engine and the parser log plans and statements, with the values in them.
    let filter = ["datafusion=info", "sqlparser=info"]
        .into_iter()
        .filter_map(|quiet| quiet.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        // What is looked for in a file is not torn apart by colours.
        .with_ansi(std::io::stderr().is_terminal())
        // A statement's end, with the time that it took, where `RADLAKE_LOG` lets statements through.
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(std::io::stderr)
        .init();
    // Both rustls' providers may be linked; object stores take the process's default.
    if pgwire::tokio::tokio_rustls::rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was installed before");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("radlake: cannot start threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Init(command) => command.run().await,
            Command::Ingest(command) => command.run().await,
            Command::Load(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Radiomics(command) => command.run().await,
            Command::Sql(command) => command.run().await,
            Command::Optimize(command) => command.run().await,
            Command::Vacuum(command) => command.run().await,
            Command::Checkpoint(command) => command.run().await,
            Command::Restore(command) => command.run().await,
            Command::RenameProvider(command) => command.run().await,
            Command::Upgrade(command) => command.run().await,
            Command::Check(command) => command.run().await,
            Command::Govern(command) => command.run().await,
            Command::Demo(command) => Box::pin(command.run()).await,
            Command::Completions(arguments) => arguments.run(command()),
            Command::Man(arguments) => arguments.run(command()),
        }
    });
    // Work that nobody waits for any more does not hold the process.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("radlake: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_names_exit_codes_and_environment() {
        for (name, mut command) in std::iter::once(("radlake".to_owned(), command())).chain(
            command()
                .get_subcommands()
                .map(|command| (command.get_name().to_owned(), command.clone())),
        ) {
            let help = command.render_long_help().to_string();
            assert!(
                help.contains("130") && help.contains("RADLAKE_PASSWORD"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_version_names_commit_and_format() {
        let format = format!(", lake format {})", radlake::LAKE_FORMAT);
        assert!(VERSION.starts_with(concat!(env!("CARGO_PKG_VERSION"), " (")));
        assert!(VERSION.ends_with(&format), "{}", *VERSION);
    }
}
