//! Starting, stopping and starting again.

use radlake_tests::{ServerUnderTest, TempLake};

/// OIDs that clients keep: of relations, columns' types and roles.
async fn oids(server: &ServerUnderTest) -> Vec<(String, u32)> {
    let client = server.connect().await;
    let sql = "SELECT n.nspname || '.' || c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname IN ('imaging', 'system') \
               UNION ALL SELECT rolname::text, oid FROM pg_roles UNION ALL SELECT nspname::text, oid FROM pg_namespace ORDER BY 1, 2";
    let rows = client.query(sql, &[]).await.unwrap_or_else(|e| panic!("{e:?}"));
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_oids_are_stable_over_restarts() {
    let lake = TempLake::demo();
    let first = oids(&ServerUnderTest::start(&lake)).await;
    assert!(
        first.iter().any(|(name, _)| name == "imaging.series"),
        "{first:?}"
    );
    assert_eq!(oids(&ServerUnderTest::start(&lake)).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_statements_finish_and_exits_zero() {
    let lake = TempLake::demo();
    let mut server = ServerUnderTest::start(&lake);
    let idle = server.connect().await;
    let busy = server.connect().await;
    let running = tokio::spawn(async move {
        busy.query_one(
            "SELECT count(*) FROM generate_series(1, 20000000) t(v) WHERE v % 7 = 3",
            &[],
        )
        .await
    });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    server.signal("TERM");
    let row = running
        .await
        .unwrap()
        .unwrap_or_else(|e| panic!("a running statement was cut off: {e:?}"));
    assert_eq!(row.get::<_, i64>(0), 2_857_143);
    let status = server.wait();
    assert!(status.success(), "{status}: {}", server.log());
    assert!(idle.simple_query("SELECT 1").await.is_err());
    assert!(server.config().connect(tokio_postgres::NoTls).await.is_err());
}

/// A server that is killed leaves nothing behind that keeps the next one from starting.
#[tokio::test(flavor = "multi_thread")]
async fn kill_and_start_again() {
    let lake = TempLake::demo();
    let count = async |server: &ServerUnderTest| -> i64 {
        server
            .connect()
            .await
            .query_one("SELECT count(*) FROM imaging.instances", &[])
            .await
            .unwrap()
            .get(0)
    };
    let server = ServerUnderTest::start(&lake);
    let before = count(&server).await;
    assert!(before > 0);
    drop(server);
    assert_eq!(count(&ServerUnderTest::start(&lake)).await, before);
}

/// Two servers over one lake, and an ingest from outside: both see it in their next statement, at one epoch.
#[tokio::test(flavor = "multi_thread")]
async fn servers_see_what_others_commit() {
    let lake = TempLake::new();
    let (one, two) = (ServerUnderTest::start(&lake), ServerUnderTest::start(&lake));
    let (one, two) = (one.connect().await, two.connect().await);
    let sql = "SELECT (SELECT count(*) FROM imaging.instances), (SELECT sum(instance_count)::int8 FROM imaging.series)";
    for client in [&one, &two] {
        assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
    }
    let files = lake.beside("files");
    let _ = radlake::synthetic::many(&files, 250).unwrap();
    let _ = lake.ingest("hospital", &files);
    for client in [&one, &two] {
        let row = client.query_one(sql, &[]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (250, 250));
    }
}
