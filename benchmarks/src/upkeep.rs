//! How fast is a table read after many small commits, and after upkeep has merged them?

use std::time::{Duration, Instant};

use futures::StreamExt;
use radlake::{Identity, Lakehouse, Response, SUPERUSER, Session};
use tokio_util::sync::CancellationToken;

use crate::{Options, Result, table};

const QUERIES: [(&str, &str); 3] = [
    ("count and sum", "SELECT count(*), sum(x) FROM t"),
    ("one key", "SELECT x FROM t WHERE id = 123"),
    ("groups", "SELECT id % 10, avg(x) FROM t GROUP BY 1"),
];

/// `--commits N` (1,000), `--rows N` per commit (100), `--runs N` (7).
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<()> {
    let commits = options.number("commits", 1_000)?;
    let rows = options.number("rows", 100)?;
    let runs = options.number("runs", 7)?;
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("lake").display().to_string();
    let lakehouse = Lakehouse::init(&url, SUPERUSER, "benchmark").await?;
    let session = lakehouse.session(Identity::role(SUPERUSER)).await?;
    ask(&session, "CREATE TABLE t (id bigint, x double precision)").await?;
    let began = Instant::now();
    for commit in 0..commits {
        let (first, last) = (commit * rows, (commit + 1) * rows - 1);
        let text = format!("INSERT INTO t SELECT i, i / 3.0 FROM generate_series({first}, {last}) AS g(i)");
        ask(&session, &text).await?;
    }
    let each = began.elapsed() / commits.max(1) as u32;
    let before = best(&session, runs).await?;
    let began = Instant::now();
    let identity = Identity::role(SUPERUSER);
    let cancel = CancellationToken::new();
    let done = lakehouse
        .optimize(&identity, Some("t"), &cancel, &|_, _| {})
        .await?;
    let took = began.elapsed();
    let after = best(&session, runs).await?;
    // A new process has neither epochs nor files in memory.
    let lakehouse = Lakehouse::open(&url).await?;
    let cold = lakehouse.session(Identity::role(SUPERUSER)).await?;
    let began = Instant::now();
    ask(&cold, QUERIES[0].1).await?;
    let first = began.elapsed();
    let rows: Vec<Vec<String>> = QUERIES
        .iter()
        .zip(before.iter().zip(&after))
        .map(|((name, _), (before, after))| {
            let ratio = before.as_secs_f64() / after.as_secs_f64();
            vec![(*name).to_owned(), ms(*before), ms(*after), format!("{ratio:.1}")]
        })
        .collect();
    let title = format!("A table of {commits} commits, best of {runs}: before and after radlake optimize");
    table::print(
        &title,
        &["query", "before, ms", "after, ms", "times faster"],
        &rows,
    );
    for (name, report) in done {
        println!(
            "{name}: {} files became {} in {} ms; a commit took {} ms; the first query of a new process {} ms",
            report.removed,
            report.added,
            ms(took),
            ms(each),
            ms(first)
        );
    }
    Ok(())
}

/// The best time of each query.
async fn best(session: &Session, runs: usize) -> Result<Vec<Duration>> {
    let mut best = Vec::new();
    for (_, query) in QUERIES {
        let mut shortest = Duration::MAX;
        for _ in 0..runs.max(1) {
            let began = Instant::now();
            ask(session, query).await?;
            shortest = shortest.min(began.elapsed());
        }
        best.push(shortest);
    }
    Ok(best)
}

async fn ask(session: &Session, text: &str) -> Result<()> {
    if let Response::Rows { mut stream, .. } = session.sql(text).await? {
        while let Some(batch) = stream.next().await {
            batch?;
        }
    }
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
