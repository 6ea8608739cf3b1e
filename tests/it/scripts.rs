//! The SQL scripts of `tests/slt`.

use std::io::Write;
use std::sync::{Arc, Weak};

use radlake_tests::{Dialect, PostgresUnderTest, ServerUnderTest, TempLake, run_file, slt_files};
use tokio::sync::Mutex;

/// A server, and the lake under it, which is dropped after it.
struct Shared {
    server: ServerUnderTest,
    _lake: TempLake,
}

/// One lake of the demo's data and one server over it, for all scripts that run at a time: the last to end stops it, which
/// nobody would do for a static.
async fn server() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());
    let mut kept = SHARED.lock().await;
    if let Some(shared) = kept.upgrade() {
        return shared;
    }
    let lake = TempLake::demo();
    let shared = Arc::new(Shared {
        server: ServerUnderTest::start(&lake),
        _lake: lake,
    });
    *kept = Arc::downgrade(&shared);
    shared
}

/// Runs every script of a folder and fails with all that differ, not with the first.
async fn run_folder(folder: &str, config: &tokio_postgres::Config, dialect: Dialect) {
    let files = slt_files(folder);
    assert!(!files.is_empty(), "no scripts in tests/slt/{folder}");
    let mut failures = vec![];
    for file in &files {
        if let Err(error) = run_file(file, config, dialect).await {
            failures.push(error);
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} scripts:\n\n{}",
        failures.len(),
        files.len(),
        failures.join("\n\n")
    );
}

macro_rules! folders {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let shared = server().await;
            run_folder(stringify!($name), &shared.server.config(), Dialect::Radlake).await;
        }
    )*};
}

folders!(udfs, imaging, catalog, session, system, errors, postgres);

/// The scripts of `postgres/` say what PostgreSQL says: their answers are held against PostgreSQL itself.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_agrees_with_its_scripts() {
    match PostgresUnderTest::start().await {
        Ok(server) => run_folder("postgres", &server.config(), Dialect::Postgres).await,
        // Not by eprintln!, which nobody sees of a test that passes.
        Err(reason) => {
            let _ = writeln!(
                std::io::stderr(),
                "skipped postgres_agrees_with_its_scripts: {reason}"
            );
        }
    }
}
