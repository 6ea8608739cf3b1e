//! Eight queries over IDC's index, a table of a million series: over the wire, beside DuckDB on the same rows.

mod load;
mod scans;
mod server;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use radlake::{Identity, Lakehouse, SUPERUSER};
use serde_json::Value;

use self::scans::Scans;
use self::server::Server;
use crate::{Options, Result, table};

/// Times that each query runs on each side, unless `--runs` says otherwise.
const RUNS: usize = 7;

/// Milliseconds in which a series is to be found by its UID.
const ONE_UID: f64 = 10.0;

/// Imports the index, measures and prints the tables.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (binary, python) = (options.required("radlake")?, options.required("python")?);
    let runs = options.number("runs", RUNS)?.max(1);
    let parquet = index_of(python)?;
    let directory = tempfile::tempdir()?;
    let lake = directory.path().join("lake");
    let url = lake.to_string_lossy().into_owned();
    // The server listens on loopback only, and for minutes; yet nobody else is to get in.
    let password = format!("{:016x}", RandomState::new().hash_one(&url));
    let runtime = tokio::runtime::Runtime::new()?;

    let (stored, uid, scans) = runtime.block_on(async {
        Lakehouse::init(&url, SUPERUSER, &password).await?;
        let start = Instant::now();
        let table = load::load(&url, &parquet).await?;
        println!(
            "{} rows, {} columns, imported in {:.1} s: {:.1} MB in {} files, {:.1} MB as IDC ships it",
            table.rows,
            table.arrow_schema.fields().len(),
            start.elapsed().as_secs_f64(),
            table.bytes as f64 / 1e6,
            table.files,
            std::fs::metadata(&parquet)?.len() as f64 / 1e6,
        );
        let session = Lakehouse::open(&url)
            .await?
            .session(Identity::role(SUPERUSER))
            .await?;
        let uid = load::uid(&parquet)?;
        let mut scans = Vec::new();
        for (name, sql) in queries()? {
            scans.push((name, scans::explain(&session, &sql.replace("{uid}", &uid)).await?));
        }
        // The files of the newest version: those that the merge replaced lie beside them.
        let stored = load::files(&url, &table).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>((stored, uid, scans))
    })?;
    // The server shares memory and processors with nothing of this process.
    drop(runtime);

    let server = Server::start(binary, &url)?;
    let output = Command::new(python)
        .arg(crate::peer("idc_queries.py"))
        .arg(&parquet)
        .arg(queries_folder())
        .arg(format!(
            "host=127.0.0.1 port={} user={SUPERUSER} dbname=radlake sslmode=disable",
            server.port()
        ))
        .args(["--uid", &uid, "--runs", &runs.to_string(), "--stored"])
        .args(stored.iter().map(|file| lake.join(file)))
        .env("PGPASSWORD", &password)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    server.stop()?;
    if !output.status.success() {
        return Err(format!("idc_queries.py ended with {}", output.status).into());
    }
    let lines = std::str::from_utf8(&output.stdout)?
        .lines()
        .map(serde_json::from_str)
        .collect::<std::result::Result<Vec<Value>, _>>()?;
    print_times(&lines, runs);
    print_scans(&scans);
    Ok(())
}

fn queries_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join("idc")
}

/// Names and texts of the queries, in order.
fn queries() -> Result<Vec<(String, String)>> {
    let mut queries = Vec::new();
    for entry in std::fs::read_dir(queries_folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            queries.push((name, std::fs::read_to_string(&path)?));
        }
    }
    queries.sort();
    Ok(queries)
}

/// Where the Python package `idc-index-data` keeps the index.
fn index_of(python: &str) -> Result<PathBuf> {
    let output = Command::new(python)
        .args([
            "-c",
            "import idc_index_data; print(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)",
        ])
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{python} does not have the package idc-index-data").into());
    }
    Ok(PathBuf::from(std::str::from_utf8(&output.stdout)?.trim()))
}

fn print_times(lines: &[Value], runs: usize) {
    let time = |line: &Value, side: &str, kind: &str| line[side][kind].as_f64().unwrap_or(f64::NAN);
    let mut ratios = [Vec::new(), Vec::new()];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let ours = time(line, "radlake", "best");
            let theirs = [time(line, "duckdb", "best"), time(line, "duckdb_stored", "best")];
            for (ratios, theirs) in ratios.iter_mut().zip(theirs) {
                ratios.push(ours / theirs);
            }
            vec![
                line["query"].as_str().unwrap_or_default().to_owned(),
                line["rows"].to_string(),
                format!("{:.1}", time(line, "radlake", "first")),
                format!("{:.1}", time(line, "radlake", "median")),
                format!("{ours:.1}"),
                format!("{:.1}", theirs[0]),
                format!("{:.2}", ours / theirs[0]),
                format!("{:.1}", theirs[1]),
                format!("{:.2}", ours / theirs[1]),
            ]
        })
        .collect();
    let version = lines
        .first()
        .and_then(|line| line["duckdb_version"].as_str())
        .unwrap_or_default();
    let title = format!(
        "Milliseconds: Radlake over the wire, DuckDB {version} in process; {runs} runs in turns, best unless said otherwise"
    );
    let head = [
        "query",
        "rows",
        "Radlake first",
        "median",
        "best",
        "DuckDB, IDC's file",
        "ratio",
        "DuckDB, lake's files",
        "ratio",
    ];
    table::print(&title, &head, &rows);
    let [original, stored] = ratios.map(|ratios| median(ratios).unwrap_or(f64::NAN));
    println!(
        "Median ratio: {original:.2} to DuckDB on IDC's file, {stored:.2} to DuckDB on the lake's files"
    );
    let one_uid = lines.iter().find(|line| line["query"] == "8_one_uid");
    if let Some(median) = one_uid.map(|line| time(line, "radlake", "median")) {
        let outcome = if median < ONE_UID { "met" } else { "missed" };
        println!("Aim: one series by its UID in less than {ONE_UID} ms: median {median:.1}, {outcome}");
    }
}

fn print_scans(scans: &[(String, Scans)]) {
    let rows: Vec<Vec<String>> = scans
        .iter()
        .map(|(name, scans)| {
            vec![
                name.clone(),
                scans.by_bounds.to_string(),
                scans.by_bloom.to_string(),
                scans.by_pages.to_string(),
                format!("{:.2}", scans.bytes / 1e6),
                format!("{:.1}", scans.milliseconds[0]),
                format!("{:.1}", scans.milliseconds[1]),
            ]
        })
        .collect();
    let head = [
        "query",
        "row groups left by bounds",
        "by Bloom filters",
        "rows left by page bounds",
        "MB read",
        "planning ms",
        "execution ms",
    ];
    table::print(
        "What filters leave of the Parquet files to read: EXPLAIN ANALYZE in process, second run",
        &head,
        &rows,
    );
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(if values.len().is_multiple_of(2) {
        (values[half - 1] + upper) / 2.0
    } else {
        upper
    })
}
