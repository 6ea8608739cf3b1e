//! The SQL scripts of `tests/slt`: every folder is found by itself.
//!
//! `RADLAKE_SLT=udfs/dicom_tag` (part of a path, or more of them with spaces between) runs those scripts only, and
//! `RADLAKE_SLT_RECORD=1` writes what PostgreSQL answers into those of `postgres/`; `tests/run.sh slt` and `record` set them.

use std::io::Write;
use std::path::{Path, PathBuf};

use radlake_tests::{
    Dialect, PostgresUnderTest, ServerUnderTest, TempLake, record_file, run_file, slt_files,
};
use tokio::task::JoinSet;
use tokio_postgres::Config;

/// Scripts that PostgreSQL answers too.
const POSTGRES: &str = "postgres";

/// Runs scripts, a task for each folder, and fails with all that differ, not with the first.
async fn run_all(folders: Vec<(String, Vec<PathBuf>)>, config: Config, dialect: Dialect) {
    let total: usize = folders.iter().map(|(_, files)| files.len()).sum();
    let mut running = JoinSet::new();
    for (_, files) in folders {
        let config = config.clone();
        let _ = running.spawn(async move {
            let mut failures = vec![];
            for file in &files {
                if let Err(error) = run_file(file, &config, dialect).await {
                    failures.push((file.clone(), error));
                }
            }
            failures
        });
    }
    let mut failures: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    failures.sort();
    let texts: Vec<_> = failures.iter().map(|(_, error)| error.as_str()).collect();
    assert!(
        failures.is_empty(),
        "{} of {total} scripts:\n\n{}",
        failures.len(),
        texts.join("\n\n")
    );
}

/// Where scripts are asked for by name, a name without a script is a mistake.
#[test]
fn the_filter_names_a_script() {
    assert!(
        !slt_files().is_empty(),
        "RADLAKE_SLT={:?} names no script of tests/slt: give a part of its path, such as udfs/dicom_tag",
        std::env::var("RADLAKE_SLT").unwrap_or_default()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn radlake_answers_every_script() {
    let folders = slt_files();
    if recording() || folders.is_empty() {
        return;
    }
    let lake = TempLake::demo();
    let server = ServerUnderTest::start(&lake);
    run_all(folders, server.config(), Dialect::Radlake).await;
}

/// The scripts of `postgres/` say what PostgreSQL says: their answers are held against PostgreSQL itself.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_agrees_with_its_scripts() {
    let mut folders = slt_files();
    folders.retain(|(folder, _)| Path::new(folder).starts_with(POSTGRES));
    if folders.is_empty() {
        assert!(
            !recording(),
            "only scripts of tests/slt/{POSTGRES} are recorded, and RADLAKE_SLT names none of them"
        );
        return;
    }
    let server = match PostgresUnderTest::start().await {
        Ok(server) => server,
        Err(reason) => {
            assert!(!recording(), "cannot record without PostgreSQL: {reason}");
            // Not by eprintln!, which nobody sees of a test that passes.
            let _ = writeln!(
                std::io::stderr(),
                "skipped postgres_agrees_with_its_scripts: {reason}"
            );
            return;
        }
    };
    if recording() {
        // One after the other: a script may look at what the whole server holds.
        for file in folders.iter().flat_map(|(_, files)| files) {
            record_file(file, &server.config())
                .await
                .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
    }
    // What was recorded runs once more, so that answers that differ from run to run are found at once.
    run_all(folders, server.config(), Dialect::Postgres).await;
}

fn recording() -> bool {
    std::env::var_os("RADLAKE_SLT_RECORD").is_some_and(|value| value == "1")
}
