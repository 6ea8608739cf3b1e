//! What do row policies cost, beside the same predicates written by hand?

use std::time::{Duration, Instant};

use futures::StreamExt;
use radlake::{Identity, Lakehouse, Response, SUPERUSER, Session};

use crate::{Options, Result, table};

/// A query over `t`; the owner's has the policy's predicates in place of `{}`.
const QUERIES: [(&str, &str); 10] = [
    ("count", "SELECT count(*) FROM t WHERE {}"),
    ("aggregate", "SELECT sum(x), min(day), max(day) FROM t WHERE {}"),
    (
        "selective",
        "SELECT count(*) FROM t WHERE id BETWEEN 1000 AND 1200 AND {}",
    ),
    (
        "one day",
        "SELECT avg(x) FROM t WHERE day = date '2015-03-01' AND {}",
    ),
    (
        "groups",
        "SELECT modality, count(*), avg(x) FROM t WHERE {} GROUP BY modality",
    ),
    ("many groups", "SELECT day, sum(x) FROM t WHERE {} GROUP BY day"),
    ("top ten", "SELECT id, x FROM t WHERE {} ORDER BY x DESC LIMIT 10"),
    ("text", "SELECT count(*) FROM t WHERE note LIKE '%77%' AND {}"),
    ("arithmetic", "SELECT count(*) FROM t WHERE x * 2 > 1 AND {}"),
    (
        "join",
        "SELECT s.name, count(*) FROM t JOIN sites s ON s.site = t.site WHERE {} GROUP BY s.name",
    ),
];
/// The policy's predicates.
const BY_HAND: &str = "(t.site < 60 AND modality <> 'US' AND released)";

/// `--rows N` (10,000,000), `--runs N` (5).
pub(crate) fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<()> {
    let (rows, runs) = (options.number("rows", 10_000_000)?, options.number("runs", 5)?);
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("lake").display().to_string();
    let lakehouse = Lakehouse::init(&url, SUPERUSER, "benchmark").await?;
    let owner = lakehouse.session(Identity::role(SUPERUSER)).await?;
    for text in [
        "CREATE TABLE t (id bigint, site int, modality text, released boolean, day date, x float8, note text)",
        &format!(
            "INSERT INTO t SELECT i, i % 100, CASE i % 7 WHEN 0 THEN 'US' WHEN 1 THEN 'MR' ELSE 'CT' END, i % 10 > 0, \
             date '2010-01-01' + (i % 4000)::int, (i * 7919 % 1000003) / 1000003.0, 'note ' || i FROM generate_series(1, {rows}) AS g(i)"
        ),
        "CREATE TABLE sites (site int, name text)",
        "INSERT INTO sites SELECT i, 'site ' || i FROM generate_series(0, 99) AS g(i)",
        "CREATE TABLE permits (role text, site int)",
        "INSERT INTO permits SELECT 'joined', i FROM generate_series(0, 59) AS g(i)",
        "CREATE TABLE plain (id bigint, site int)",
        "CREATE TABLE many (id bigint, site int)",
        "CREATE ROLE reader LOGIN",
        "CREATE ROLE joined LOGIN",
        "GRANT SELECT ON t, sites, permits, plain, many TO reader, joined",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        &format!("CREATE POLICY p ON t TO reader USING {BY_HAND}"),
        "CREATE POLICY j ON t TO joined USING (site IN (SELECT site FROM permits WHERE role = current_user) AND modality <> 'US' AND released)",
        "ALTER TABLE many ENABLE ROW LEVEL SECURITY",
    ] {
        ask(&owner, text).await?;
    }
    for n in 0..100 {
        ask(&owner, &format!("CREATE POLICY p{n} ON many USING (site = {n})")).await?;
    }
    let reader = lakehouse.session(Identity::role("reader")).await?;
    let joined = lakehouse.session(Identity::role("joined")).await?;
    let mut lines = Vec::new();
    let (mut product, mut joins) = (0.0, 0.0);
    for (name, query) in QUERIES {
        let by_hand = query.replace("{}", BY_HAND);
        let governed = query.replace(" AND {}", "").replace(" WHERE {}", "");
        let permits = query.replace(
            "{}",
            "(t.site IN (SELECT site FROM permits WHERE role = 'joined') AND modality <> 'US' AND released)",
        );
        // Turn by turn, so that what slows the machine slows all.
        let mut best = [Duration::MAX; 4];
        for _ in 0..=runs {
            for (at, (session, text)) in [
                (&owner, &by_hand),
                (&reader, &governed),
                (&owner, &permits),
                (&joined, &governed),
            ]
            .into_iter()
            .enumerate()
            {
                let began = Instant::now();
                ask(session, text).await?;
                best[at] = best[at].min(began.elapsed());
            }
        }
        let ratio = best[1].as_secs_f64() / best[0].as_secs_f64();
        let join = best[3].as_secs_f64() / best[2].as_secs_f64();
        product += ratio.ln();
        joins += join.ln();
        lines.push(vec![
            name.to_owned(),
            ms(best[0]),
            ms(best[1]),
            format!("{ratio:.2}"),
            ms(best[2]),
            ms(best[3]),
            format!("{join:.2}"),
        ]);
    }
    let mean = |sum: f64| format!("{:.2}", (sum / QUERIES.len() as f64).exp());
    lines.push(vec![
        "geometric mean".to_owned(),
        String::new(),
        String::new(),
        mean(product),
        String::new(),
        String::new(),
        mean(joins),
    ]);
    table::print(
        &format!("{rows} rows under a policy, best of {runs}: beside its predicates by hand"),
        &[
            "query",
            "by hand, ms",
            "policy, ms",
            "ratio",
            "permits by hand, ms",
            "permits policy, ms",
            "ratio",
        ],
        &lines,
    );
    let mut planned = [Duration::MAX; 2];
    for _ in 0..20 {
        for (at, name) in ["plain", "many"].into_iter().enumerate() {
            let began = Instant::now();
            ask(&reader, &format!("EXPLAIN SELECT count(*) FROM {name}")).await?;
            planned[at] = planned[at].min(began.elapsed());
        }
    }
    println!(
        "planning: {} ms without policies, {} ms with 100",
        ms(planned[0]),
        ms(planned[1])
    );
    Ok(())
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
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
