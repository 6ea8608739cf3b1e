//! Statements made by chance, answered by PostgreSQL and by Radlake.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use radlake_tests::differ::{Known, Options, Pair, Tally, run};
use radlake_tests::{PostgresUnderTest, ServerUnderTest, TempLake};

/// How many of a hundred statements may be refused: what is not supported yet keeps within this.
const MAX_REFUSED: f64 = 50.0;

/// 500 statements of one seed; 20,000 with `RADLAKE_TEST_FULL=1`.
#[test]
fn answers_are_those_of_postgres() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let postgres = match runtime.block_on(PostgresUnderTest::start()) {
        Ok(postgres) => postgres,
        Err(reason) => {
            // Not by eprintln!, which nobody sees of a test that passes.
            let _ = writeln!(
                std::io::stderr(),
                "skipped answers_are_those_of_postgres: {reason}"
            );
            return;
        }
    };
    let lake = TempLake::new();
    let radlake = ServerUnderTest::start(&lake);
    let full = std::env::var_os("RADLAKE_TEST_FULL").is_some_and(|v| v == "1");
    let options = Options {
        seed: 1,
        statements: if full { 20_000 } else { 500 },
        round: 50,
        out: None,
        known: Known::read(Path::new("differ/known.txt")).unwrap_or_else(|e| panic!("{e}")),
        patience: Duration::from_secs(10),
        max_shrunk: if full { 100 } else { 20 },
        avoid: vec![],
        verbose: false,
    };
    let mut pair = Pair::new(postgres.config(), radlake.config());
    let mut tally = Tally::default();
    run(&mut pair, &options, &mut tally).unwrap_or_else(|e| panic!("{e}\n{tally}\n{}", radlake.log()));
    assert!(tally.passes(MAX_REFUSED), "{tally}");
}
