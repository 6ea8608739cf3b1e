//! Queries of drivers and tools (psycopg, asyncpg, SQLAlchemy, JDBC, npgsql, DBeaver, BI tools, psql's tab completion), with
//! PostgreSQL 15's answers (`clients.txt`).

use super::fixture::{cases, context, model, render, run};

/// The names, then the rows in an order of their own.
fn sorted(answer: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = answer.lines().collect();
    if let Some(rows) = lines.get_mut(1..) {
        rows.sort_unstable();
    }
    lines
}

#[tokio::test]
async fn clients_get_what_postgresql_answers() {
    let context = context(model(), &["public"]);
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases(include_str!("clients.txt")) {
        let got = match run(&context, &sql).await {
            Ok(batches) => render(&batches),
            Err(error) => format!("ERROR {error}"),
        };
        let same = match expected.strip_suffix("\n*") {
            Some(names) => got.lines().next() == Some(names) && got.lines().count() > 1,
            None => sorted(&got) == sorted(&expected),
        };
        if !same {
            wrong.push(format!(
                "=== {name}\n{sql}\n--- PostgreSQL\n{expected}\n--- Radlake\n{got}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
