//! The embedding API: what a program gets that opens a lake itself.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use radlake::{Identity, Response};
use radlake_tests::TempLake;

async fn count(session: &radlake::Session, sql: &str) -> i64 {
    match session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {e}")) {
        Response::Rows { stream, .. } => {
            let batches: Vec<_> = stream.try_collect().await.unwrap();
            batches[0].column(0).as_primitive::<Int64Type>().value(0)
        }
        _ => panic!("{sql}: no rows"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_answer() {
    let lake = TempLake::demo();
    let house = lake.open().await;
    let session = house.session(Identity::role("radlake")).await.unwrap();
    assert!(count(&session, "SELECT count(*) FROM imaging.series").await > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_there_gets_no_session() {
    let lake = TempLake::new();
    let house = lake.open().await;
    assert!(house.session(Identity::role("nobody")).await.is_err());
}

/// A statement reads one epoch, and a session reads the newest with its next statement.
#[tokio::test(flavor = "multi_thread")]
async fn statements_read_one_epoch() {
    let lake = TempLake::new();
    let house = lake.open().await;
    let session = house.session(Identity::role("radlake")).await.unwrap();
    let files = lake.beside("files");
    let _ = radlake::synthetic::many(&files, 300).unwrap();
    let ingest = tokio::task::spawn_blocking({
        let mut command = lake.command("ingest");
        let _ = command
            .arg(&files)
            .args(["--provider", "h", "--batch-instances", "20", "--format", "json"]);
        move || radlake_tests::run(&mut command)
    });
    let sql = "SELECT (SELECT count(*) FROM imaging.instances) - (SELECT coalesce(sum(instance_count), 0) FROM imaging.series)";
    while !ingest.is_finished() {
        assert_eq!(
            count(&session, sql).await,
            0,
            "instances and series of different epochs in one statement"
        );
    }
    let _ = ingest.await.unwrap();
    assert_eq!(
        count(&session, "SELECT count(*) FROM imaging.instances").await,
        300
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_stops_a_stream() {
    let lake = TempLake::new();
    let session = lake
        .open()
        .await
        .session(Identity::role("radlake"))
        .await
        .unwrap();
    let sql = "SELECT v FROM generate_series(1, 1000000000) a(v)";
    let Response::Rows { mut stream, .. } = session.sql(sql).await.unwrap() else {
        panic!("no rows")
    };
    assert!(stream.try_next().await.unwrap().is_some());
    session.cancel_handle().cancel();
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ended without an error"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("cancel"), "{error}");
}
