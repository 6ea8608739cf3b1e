//! Looks for statements that Radlake answers otherwise than PostgreSQL.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use radlake_tests::differ::{Known, Options, Pair, Tally, run};
use radlake_tests::{PostgresUnderTest, ServerUnderTest, TempLake};
use tokio_postgres::Config;

/// Runs statements made by chance on PostgreSQL and on Radlake, and prints what differs, shrunk.
#[derive(Debug, Parser)]
struct Args {
    /// Decides every table and statement
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many statements
    #[arg(long, default_value_t = 500)]
    statements: usize,
    /// How many statements share one set of tables
    #[arg(long, default_value_t = 50)]
    round: usize,
    /// Folder for a script of each difference
    #[arg(long)]
    out: Option<PathBuf>,
    /// List of known differences: `KIND | pattern | reason`
    #[arg(long)]
    known: Option<PathBuf>,
    /// How many of a hundred statements Radlake may refuse
    #[arg(long, default_value_t = 10.0)]
    max_refused: f64,
    /// Seconds to shrink one difference
    #[arg(long, default_value_t = 20)]
    patience: u64,
    /// How many differences are shrunk
    #[arg(long, default_value_t = 100)]
    max_shrunk: usize,
    /// Passes over statements that contain this text, to look beyond what is known
    #[arg(long)]
    avoid: Vec<String>,
    /// A PostgreSQL to use, such as `host=… user=…`; else one is started
    #[arg(long)]
    postgres: Option<Config>,
    /// A Radlake server to use; else one is started
    #[arg(long)]
    radlake: Option<Config>,
    /// Prints every statement
    #[arg(long)]
    verbose: bool,
}

fn main() -> ExitCode {
    match differ(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("differ: {why}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is well.
fn differ(args: Args) -> Result<bool, String> {
    let known = args
        .known
        .map_or_else(|| Ok(Known::default()), |path| Known::read(&path))?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let options = Options {
        seed: args.seed,
        statements: args.statements,
        round: args.round.max(1),
        out: args.out,
        known,
        patience: Duration::from_secs(args.patience),
        max_shrunk: args.max_shrunk,
        avoid: args.avoid,
        verbose: args.verbose,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let mut started = None;
    let postgres = match args.postgres {
        Some(config) => config,
        None => started
            .insert(runtime.block_on(PostgresUnderTest::start())?)
            .config(),
    };
    let mut lake = None;
    let radlake = match args.radlake {
        Some(config) => config,
        None => {
            let new = TempLake::new();
            let server = ServerUnderTest::start(&new);
            lake.insert((server, new)).0.config()
        }
    };
    let mut tally = Tally::default();
    let ended = run(&mut Pair::new(postgres, radlake), &options, &mut tally);
    println!("{tally}");
    ended?;
    Ok(tally.passes(args.max_refused))
}
