//! Every query that psql 15 sends for a backslash command, with PostgreSQL 15's answer (`psql15.txt`).

use super::fixture::{cases, context, model, render, run};

#[tokio::test]
async fn psql_gets_what_postgresql_answers() {
    let context = context(model(), &["public"]);
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases(include_str!("psql15.txt")) {
        let got = match run(&context, &sql).await {
            Ok(batches) => render(&batches).trim_end_matches('\n').to_owned(),
            Err(error) => format!("ERROR {error}"),
        };
        if got != expected {
            wrong.push(format!(
                "=== {name}\n{sql}\n--- PostgreSQL\n{expected}\n--- Radlake\n{got}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
