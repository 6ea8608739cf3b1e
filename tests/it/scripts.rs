//! The SQL scripts of `tests/slt`.

use radlake_tests::{Dialect, PostgresUnderTest, ServerUnderTest, TempLake, run_file, slt_files};
use tokio::sync::OnceCell;

/// One lake of the demo's data and one server over it, for all scripts.
async fn server() -> &'static ServerUnderTest {
    static SERVER: OnceCell<ServerUnderTest> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async { ServerUnderTest::start(Box::leak(Box::new(TempLake::demo()))) })
        .await
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
            run_folder(stringify!($name), &server().await.config(), Dialect::Radlake).await;
        }
    )*};
}

folders!(udfs, imaging, catalog, session, system, errors, postgres);

/// The scripts of `postgres/` say what PostgreSQL says: their answers are held against PostgreSQL itself.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_agrees_with_its_scripts() {
    match PostgresUnderTest::start() {
        Ok(server) => run_folder("postgres", &server.config(), Dialect::Postgres).await,
        Err(reason) => eprintln!("skipped: {reason}"),
    }
}
