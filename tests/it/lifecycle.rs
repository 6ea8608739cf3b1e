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
    // Prepared before, so that nothing but the execution is left to be met by the signal.
    let sql = "SELECT count(*) FROM generate_series(1, 40000000) t(v) WHERE v % 7 = 3";
    let statement = busy.prepare(sql).await.unwrap();
    let running = tokio::spawn(async move { busy.query_one(&statement, &[]).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!running.is_finished(), "the statement was over before the signal");
    server.signal("TERM");
    let row = running
        .await
        .unwrap()
        .unwrap_or_else(|e| panic!("a running statement was cut off: {e:?}"));
    assert_eq!(row.get::<_, i64>(0), 5_714_286);
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

/// What a crash between the tables' commits and the publication leaves: the decision is there, some tables have the commit,
/// the catalog has not. Opening the lake finishes it.
#[tokio::test(flavor = "multi_thread")]
async fn opening_finishes_what_a_crash_left() {
    let lake = TempLake::new();
    let files = lake.beside("files");
    let _ = radlake::synthetic::many(&files, 250).unwrap();
    let _ = lake.ingest("hospital", &files);
    let sql = "SELECT (SELECT count(*) FROM imaging.instances), (SELECT sum(instance_count) FROM imaging.series), \
               (SELECT count(*) FROM imaging.files), (SELECT max(epoch) FROM system.epochs)";
    let whole = lake.csv(sql);
    let newest = |folder: &std::path::Path| {
        let names = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        names
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .max()
            .unwrap()
    };
    let root = lake.path();
    let catalog = newest(&root.join("_radlake/catalog/_delta_log"));
    let decision = root.join("_radlake/intents").join(catalog.file_name().unwrap());
    assert!(decision.is_file());
    let tables = ["files", "instances", "series"]
        .map(|name| newest(&root.join("imaging").join(name).join("_delta_log")));
    // From the last file that a commit writes to the first.
    let mut lost = vec![catalog];
    for table in std::iter::once(None).chain(tables.iter().map(Some)) {
        lost.extend(table.cloned());
        for path in &lost {
            std::fs::remove_file(path).unwrap();
        }
        let house = lake.open().await;
        drop(house);
        for path in &lost {
            assert!(path.is_file(), "opening did not bring back {}", path.display());
        }
        assert_eq!(lake.csv(sql), whole, "without {lost:?}");
    }
    assert_eq!(lake.ingest("hospital", &files)["unchanged"], 250);
}

/// The folder of a lake, and one that is there already, is closed to everybody else.
#[test]
fn init_closes_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let lake = TempLake::new();
    assert_eq!(mode(&lake.path()), 0o700);
    let beside = lake.beside("empty");
    std::fs::set_permissions(&beside, PermissionsExt::from_mode(0o755)).unwrap();
    let init = |path: &std::path::Path| {
        let mut command = std::process::Command::new(radlake_tests::radlake());
        let _ = command.arg("init").arg(path).env("RADLAKE_PASSWORD", "x");
        command
    };
    let _ = radlake_tests::run(&mut init(&beside));
    assert_eq!(mode(&beside), 0o700);
    // A lake that somebody opened to a group stays so.
    std::fs::set_permissions(&beside, PermissionsExt::from_mode(0o750)).unwrap();
    assert!(!init(&beside).output().unwrap().status.success());
    assert_eq!(mode(&beside), 0o750);
    // Folders above it are made as usual.
    let _ = radlake_tests::run(&mut init(&lake.path().with_file_name("a").join("b")));
    assert_eq!(mode(&lake.path().with_file_name("a").join("b")), 0o700);
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
