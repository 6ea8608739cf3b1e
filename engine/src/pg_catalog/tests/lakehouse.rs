//! The same queries through a session on a lake, which has its own tables: no error, and PostgreSQL's columns.

use arrow::array::{Array, AsArray, RecordBatch};
use futures::TryStreamExt;

use super::fixture::{cases, render};
use crate::{Identity, Lakehouse, Response, Session};

async fn session(lake: &str) -> Session {
    let lakehouse = Lakehouse::init(&format!("memory:///{lake}"), "radlake", "secret")
        .await
        .expect("a lake");
    lakehouse
        .session(Identity::role("radlake"))
        .await
        .expect("a session")
}

async fn rows(session: &Session, sql: &str) -> crate::Result<Vec<RecordBatch>> {
    match session.sql(sql).await? {
        Response::Rows { schema, stream, .. } => {
            let mut batches: Vec<RecordBatch> = stream.try_collect().await.map_err(crate::Error::from)?;
            batches.insert(0, RecordBatch::new_empty(schema));
            Ok(batches)
        }
        _ => Ok(Vec::new()),
    }
}

fn texts(batches: &[RecordBatch], column: usize) -> Vec<Option<String>> {
    let value = |array: &dyn Array, row| {
        array
            .is_valid(row)
            .then(|| array.as_string::<i32>().value(row).to_owned())
    };
    batches
        .iter()
        .flat_map(|b| {
            (0..b.num_rows())
                .map(|row| value(b.column(column).as_ref(), row))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn psqls_queries_run_on_a_lake() {
    let session = session("psql").await;
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases(include_str!("psql15.txt"))
        .into_iter()
        .chain(cases(include_str!("clients.txt")))
    {
        let names = expected.lines().next().unwrap_or_default();
        // Objects that the fixture has and a lake has not.
        if sql.contains("imaging.code")
            || name.starts_with("scalar subqueries")
            || sql.contains("'imaging.series'::regclass::oid,")
            || sql.contains("dicom_age_years(")
            || sql.contains("has_database_privilege('lake'")
        {
            continue;
        }
        match rows(&session, &sql).await {
            Ok(batches) if render(&batches).lines().next().unwrap_or_default() == names => {}
            Ok(batches) => wrong.push(format!(
                "{name}: {names} but {}",
                render(&batches).lines().next().unwrap_or_default()
            )),
            Err(error) => wrong.push(format!("{name}: {error}\n{sql}")),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What `\d+ imaging.series` and `\d+ imaging.instances` show.
#[tokio::test]
async fn every_column_of_ours_has_a_comment() {
    let session = session("comments").await;
    let sql = "SELECT n.nspname || '.' || c.relname || '.' || a.attname, pg_catalog.col_description(a.attrelid, a.attnum) \
               FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('imaging', 'system') AND c.relkind IN ('r', 'v') \
               AND a.attnum > 0";
    let batches = rows(&session, sql).await.expect("the catalog answers");
    let columns = texts(&batches, 0);
    assert!(columns.len() > 150, "{} columns", columns.len());
    let bare: Vec<_> = columns
        .iter()
        .zip(texts(&batches, 1))
        .filter(|(_, comment)| comment.is_none())
        .map(|(c, _)| c)
        .collect();
    assert!(bare.is_empty(), "without a comment: {bare:?}");
}

/// `\dt imaging.*`, `\dv imaging.*`, `\dn`.
#[tokio::test]
async fn relations_are_listed_with_their_owner() {
    let session = session("relations").await;
    let sql = "SELECT c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c \
               LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'imaging' AND c.relkind IN ('r', 'v') \
               ORDER BY 1";
    let batches = rows(&session, sql).await.expect("the catalog answers");
    let names: Vec<String> = texts(&batches, 0).into_iter().flatten().collect();
    for relation in ["files", "instances", "patients", "series", "studies"] {
        assert!(
            names.iter().any(|n| n == relation),
            "{relation} is not among {names:?}"
        );
    }
    assert!(
        texts(&batches, 2)
            .iter()
            .all(|owner| owner.as_deref() == Some("radlake")),
        "{}",
        render(&batches)
    );
}
