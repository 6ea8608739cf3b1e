use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use futures::TryStreamExt;

use super::{Response, Session, TransactionStatus};
use crate::{Error, Identity, Lakehouse};

async fn lakehouse() -> Lakehouse {
    let url = format!("memory:///{}", uuid::Uuid::new_v4());
    Lakehouse::init(&url, "radlake", "secret").await.unwrap()
}

async fn session() -> Session {
    lakehouse()
        .await
        .session(Identity::role("radlake").with_pid(7))
        .await
        .unwrap()
}

async fn batches(response: Response) -> Result<Vec<RecordBatch>, Error> {
    match response {
        Response::Rows { stream, .. } => stream.try_collect().await.map_err(Error::from),
        other => panic!("no rows: {other:?}"),
    }
}

/// The rows as text, values separated by `|`.
async fn rows(session: &Session, sql: &str) -> Vec<String> {
    let response = session
        .sql(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let batches = batches(response)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(
                columns
                    .iter()
                    .map(|column| column.value(row).to_string())
                    .collect::<Vec<_>>()
                    .join("|"),
            );
        }
    }
    rows
}

async fn error(session: &Session, sql: &str) -> Error {
    let response = match session.sql(sql).await {
        Err(error) => return error,
        Ok(response) => response,
    };
    match batches(response).await {
        Err(error) => error,
        Ok(batches) => panic!("{sql}: no error but {batches:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_postgresqls_kinds() {
    let session = session().await;
    type Check = fn(&Error) -> bool;
    let cases: &[(&str, Check)] = &[
        ("SELECT * FROM nowhere", |e| {
            matches!(e, Error::UndefinedTable { .. })
        }),
        ("SELECT * FROM nowhere.nothing", |e| {
            matches!(e, Error::UndefinedTable { .. })
        }),
        ("SELECT * FROM '/etc/passwd'", |e| {
            matches!(e, Error::UndefinedTable { .. } | Error::Syntax { .. })
        }),
        ("SELECT * FROM \"/etc/passwd\"", |e| {
            matches!(e, Error::UndefinedTable { .. })
        }),
        ("SELECT * FROM other.imaging.series", |e| {
            matches!(e, Error::Unsupported { .. })
        }),
        ("SELECT nothing FROM imaging.series", |e| {
            matches!(e, Error::UndefinedColumn { .. })
        }),
        ("SELECT t.nothing FROM (VALUES (1)) t(x)", |e| {
            matches!(e, Error::UndefinedColumn { .. })
        }),
        ("SELECT u.x FROM (VALUES (1)) t(x)", |e| {
            matches!(e, Error::MissingFrom { .. })
        }),
        ("SELECT nofunction(1)", |e| {
            matches!(e, Error::UndefinedFunction { .. })
        }),
        ("SELECT * FROM nofunction(1)", |e| {
            matches!(e, Error::UndefinedFunction { .. })
        }),
        ("SELECT length(1, 2, 3)", |e| {
            matches!(e, Error::UndefinedFunction { .. })
        }),
        ("SELEC 1", |e| {
            matches!(
                e,
                Error::Syntax {
                    position: Some(1),
                    ..
                }
            )
        }),
        ("SELECT 1/0", |e| matches!(e, Error::DivisionByZero)),
        ("SELECT 1/x FROM (VALUES (1), (0)) t(x)", |e| {
            matches!(e, Error::DivisionByZero)
        }),
        ("SELECT 1 % 0", |e| matches!(e, Error::DivisionByZero)),
        ("SELECT 'x'::int4", |e| matches!(e, Error::InvalidText { .. })),
        ("SELECT x::float8 FROM (VALUES ('1'), ('y')) t(x)", |e| {
            matches!(e, Error::InvalidText { .. })
        }),
        ("SELECT 'maybe'::bool", |e| matches!(e, Error::InvalidText { .. })),
        ("SELECT 'x'::date", |e| matches!(e, Error::InvalidDatetime { .. })),
        ("SELECT '2024-02-30'::date", |e| {
            matches!(e, Error::DatetimeOverflow)
        }),
        ("SELECT 9223372036854775807 + 1", |e| {
            matches!(e, Error::NumericOverflow(_))
        }),
        ("SELECT 2147483647 + 1", |e| {
            matches!(e, Error::NumericOverflow(_))
        }),
        ("SELECT x * x FROM (VALUES (100000)) t(x)", |e| {
            matches!(e, Error::NumericOverflow(_))
        }),
        ("SELECT 99999999999::int4", |e| {
            matches!(e, Error::NumericOverflow(_))
        }),
        ("SELECT x FROM (VALUES (1)) a(x), (VALUES (1)) b(x)", |e| {
            matches!(e, Error::AmbiguousColumn { .. })
        }),
        ("SELECT x, count(*) FROM (VALUES (1)) t(x)", |e| {
            matches!(e, Error::Grouping(_))
        }),
        ("SELECT 1 FROM (VALUES (1)) a(x), (VALUES (1)) a(y)", |e| {
            matches!(e, Error::DuplicateAlias(_))
        }),
        ("SELECT 1::nosuchtype", |e| {
            matches!(e, Error::UndefinedObject { .. })
        }),
        ("SHOW no_such_setting", |e| {
            matches!(e, Error::UndefinedSetting(_))
        }),
        ("SET TimeZone = 'Nowhere/Land'", |e| {
            matches!(e, Error::InvalidSetting { .. })
        }),
        ("EXECUTE nosuch", |e| matches!(e, Error::UndefinedStatement(_))),
        ("DEALLOCATE nosuch", |e| matches!(e, Error::UndefinedStatement(_))),
        ("SELECT (SELECT x FROM (VALUES (1), (2)) t(x))", |e| {
            matches!(e, Error::Cardinality)
        }),
        ("SELECT $1", |e| matches!(e, Error::UndefinedParameter(_))),
        ("INSERT INTO imaging.series VALUES (1)", |e| {
            matches!(e, Error::InsufficientPrivilege(_))
        }),
        ("COPY imaging.series TO '/tmp/x'", |e| {
            matches!(e, Error::Unsupported { .. })
        }),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            |e| matches!(e, Error::Unsupported { .. } | Error::Syntax { .. }),
        ),
        ("'imaging.nope'::regclass", |e| matches!(e, Error::Syntax { .. })),
        ("SELECT 'imaging.nope'::regclass", |e| {
            matches!(e, Error::UndefinedTable { .. })
        }),
    ];
    for (sql, expected) in cases {
        let error = error(&session, sql).await;
        assert!(expected(&error), "{sql}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_where() {
    let session = session().await;
    for (sql, position) in [
        ("SELECT nothing FROM imaging.series", 8),
        ("SELECT 1;\nSELECT ü.nothing\nFROM (VALUES (1)) ü(x)", 18),
        ("SELECT 1 FROM imaging.serie", 15),
        ("SELECT 1 + nofunction(1)", 12),
        ("SELECT x FROM (VALUES (1)) a(x), (VALUES (1)) b(x)", 8),
    ] {
        let error = error(&session, sql).await;
        assert_eq!(error.position(), Some(position), "{sql}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresqls_ways_of_writing_are_read() {
    let session = session().await;
    for (sql, expected) in [
        (
            "SELECT 1e15::float8 = 1000000000000000, 1e300::float8 > 1e299, 4.9e-324::float8 > 0",
            "true|true|true",
        ),
        (
            "SELECT '2024-07-01 12:00+02'::timestamptz = '2024-07-01 10:00:00Z'::timestamptz",
            "true",
        ),
        (
            "SELECT TIMESTAMP '2024-07-01 9:05' = '2024-07-01 09:05:00'::timestamp",
            "true",
        ),
        ("SELECT TIME '12:00' < '13:00'::time", "true"),
        (
            "SELECT NULL IS DISTINCT FROM 1 OR false, 1 IS DISTINCT FROM 1 OR true",
            "true|true",
        ),
        (
            "SELECT count(*) FROM imaging.instances WHERE (procedure_code).value = 'x'",
            "0",
        ),
        (
            "SELECT count(*) FROM imaging.instances i JOIN imaging.series s USING (series_instance_uid) WHERE series_instance_uid = (SELECT min(series_instance_uid) FROM imaging.series)",
            "0",
        ),
        (
            "SELECT count(*) FROM imaging.instances i JOIN imaging.series s USING (series_instance_uid) WHERE series_instance_uid = '1'",
            "0",
        ),
        (
            "SELECT pg_typeof(1), pg_typeof(1 + 1), pg_typeof(1 + 1::int8), pg_typeof(CASE WHEN true THEN 1 END)",
            "integer|integer|bigint|integer",
        ),
        (
            "SELECT 7 / 2, -7 / 2, 7 % 3, 2147483647 + 1::int8, 2 * 3 - 1",
            "3|-3|1|2147483648|5",
        ),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT count(*), sum(n) FROM t",
            "4|10",
        ),
        (
            "SELECT sum(x + 1), max(y) FROM (VALUES (1, 2::int8), (2, 3)) t(x, y)",
            "5|3",
        ),
        (
            "SELECT '2024-01-31'::date + 1, '2024-03-01'::date - '2024-02-01'::date",
            "2024-02-01|29",
        ),
        ("CLOSE ALL; UNLISTEN *; RESET ALL; SHOW server_encoding", "UTF8"),
        ("SET jit = on; SHOW max_index_keys", "32"),
    ] {
        assert_eq!(rows(&session, sql).await, [expected], "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_quotes_a_value() {
    let session = session().await;
    for sql in [
        "SELECT x::int4 FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::date FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::timestamptz FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::bool FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::numeric FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::interval FROM (VALUES ('Doe^Jane')) t(x)",
        "SELECT x::time FROM (VALUES ('Doe^Jane')) t(x)",
    ] {
        let error = error(&session, sql).await;
        let text = format!("{error} {:?} {:?}", error.hint(), error.detail());
        assert!(!text.contains("Doe"), "{sql}: {text}");
        assert!(
            matches!(error, Error::InvalidText { .. } | Error::InvalidDatetime { .. }),
            "{sql}: {error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_column_or_table_is_suggested() {
    let session = session().await;
    let missing = error(&session, "SELECT modalty FROM imaging.series").await;
    assert_eq!(
        missing.hint().as_deref(),
        Some("Perhaps you meant to reference the column \"series.modality\".")
    );
    let missing = error(&session, "SELECT * FROM serie").await;
    assert!(
        missing.hint().unwrap_or_default().contains("imaging.series"),
        "{missing:?}"
    );
    let missing = error(&session, "SELECT * FROM series").await;
    assert!(
        missing.hint().unwrap_or_default().contains("imaging.series"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_views_are_found_by_the_search_path() {
    let session = session().await;
    assert_eq!(
        rows(&session, "SELECT count(*) FROM imaging.studies").await,
        ["0"]
    );
    assert_eq!(
        rows(
            &session,
            "SET search_path = imaging; SELECT count(*) FROM studies s, series, radlake.imaging.files"
        )
        .await,
        ["0"]
    );
    let listed = "SELECT string_agg(table_name, ',' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = 'imaging'";
    assert_eq!(
        rows(&session, listed).await,
        ["files,instances,measurements,patients,regions,segments,series,sources,studies,volumes"]
    );
    assert_eq!(
        rows(&session, "SELECT max(epoch) >= 0 FROM system.epochs").await,
        ["true"]
    );
    let functions =
        "SELECT count(*) FROM system.functions WHERE name = 'dicom_age_years' AND description <> ''";
    assert_eq!(rows(&session, functions).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_tell_which_table_they_are_of() {
    let session = session().await;
    let statements = session
        .parse("SELECT s.modality AS m, upper(modality), study_date FROM imaging.series s ORDER BY 1")
        .unwrap();
    let prepared = session.prepare(&statements[0], &[]).await.unwrap();
    let schema = prepared.columns().unwrap();
    assert_eq!(schema.field(0).name(), "m");
    let oid = rows(&session, "SELECT 'imaging.series'::regclass::oid")
        .await
        .remove(0);
    assert_eq!(schema.field(0).metadata().get("table_oid"), Some(&oid));
    assert_eq!(schema.field(1).metadata().get("table_oid"), None);
    let number = "SELECT attnum FROM pg_attribute WHERE attrelid = 'imaging.series'::regclass AND attname = 'study_date'";
    assert_eq!(
        schema.field(2).metadata().get("attnum"),
        Some(&rows(&session, number).await.remove(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cross_join_stops_within_a_tenth_of_a_second() {
    let session = session().await;
    let sql = "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b";
    let handle = session.cancel_handle();
    // Nothing runs: nothing is cancelled.
    handle.cancel();
    let canceller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        handle.cancel();
        Instant::now()
    });
    let error = error(&session, sql).await;
    let late = canceller.await.unwrap().elapsed();
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    assert!(late < Duration::from_millis(100), "{late:?}");
    assert!(!session.inner.running.is_active());
    assert_eq!(rows(&session, "SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeout_covers_streaming() {
    let session = session().await;
    let begun = Instant::now();
    // By itself: in one text with what fails it would be taken back.
    let _ = session.sql("SET statement_timeout = 200").await.unwrap();
    let sql = "SELECT count(*) FROM generate_series(1, 2000000000) a(v) WHERE v % 7 = 3";
    assert!(matches!(error(&session, sql).await, Error::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // A reader who takes his time is within the statement's time too.
    let Response::Rows { mut stream, .. } = session
        .sql("SELECT * FROM generate_series(1, 1000000000)")
        .await
        .unwrap()
    else {
        panic!()
    };
    assert!(stream.try_next().await.unwrap().is_some());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(matches!(
        Error::from(stream.try_next().await.unwrap_err()),
        Error::Timeout
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_rows_stops_the_work() {
    let session = session().await;
    let response = session
        .sql("SELECT * FROM generate_series(1, 1000000000) ORDER BY 1 DESC")
        .await
        .unwrap();
    assert!(session.inner.running.is_active());
    drop(response);
    assert!(!session.inner.running.is_active());
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_get_their_types_and_values() {
    let session = session().await;
    let prepare = async |sql: &str, types: &[Option<DataType>]| {
        session
            .prepare(&session.parse(sql).unwrap()[0], types)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    };
    let types = |prepared: &super::Prepared| prepared.param_types().to_vec();
    let named = prepare("SELECT $1", &[]).await;
    assert_eq!(types(&named), [DataType::Utf8]);
    assert_eq!(named.columns().unwrap().field(0).data_type(), &DataType::Utf8);
    assert_eq!(types(&prepare("SELECT $1 + 1", &[]).await), [DataType::Int32]);
    assert_eq!(
        types(&prepare("SELECT $1::text[]", &[]).await),
        [DataType::new_list(DataType::Utf8, true)]
    );
    assert_eq!(
        types(&prepare("SELECT $1::date, $2::int4 + 1", &[]).await),
        [DataType::Date32, DataType::Int32]
    );
    let series = prepare(
        "SELECT modality FROM imaging.series WHERE instance_count > $1 AND modality = $2 LIMIT $3",
        &[],
    )
    .await;
    assert_eq!(types(&series), [DataType::Int64, DataType::Utf8, DataType::Int64]);
    let given = prepare("SELECT $1 + 1", &[Some(DataType::Float64)]).await;
    assert_eq!(types(&given), [DataType::Float64]);
    assert_eq!(given.columns().unwrap().field(0).data_type(), &DataType::Float64);
    let response = session
        .execute(&given, vec![ScalarValue::Float64(Some(1.5))])
        .await
        .unwrap();
    let found = batches(response).await.unwrap();
    assert_eq!(
        found[0]
            .column(0)
            .as_primitive::<arrow::datatypes::Float64Type>()
            .value(0),
        2.5
    );
    // Values in another type are cast, NULL is a value, and their number must fit.
    let number = prepare("SELECT $1::int8", &[]).await;
    let response = session
        .execute(&number, vec![ScalarValue::from("41")])
        .await
        .unwrap();
    assert_eq!(
        batches(response).await.unwrap()[0]
            .column(0)
            .as_primitive::<Int64Type>()
            .value(0),
        41
    );
    assert!(
        session
            .execute(&number, vec![ScalarValue::Int64(None)])
            .await
            .is_ok()
    );
    assert!(matches!(
        session.execute(&number, vec![]).await,
        Err(Error::ParameterCount {
            given: 0,
            expected: 1
        })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_by_sql() {
    let session = session().await;
    assert_eq!(
        rows(&session, "PREPARE p (int) AS SELECT $1 + 1; EXECUTE p(41)").await,
        ["42"]
    );
    assert_eq!(rows(&session, "EXECUTE p(2 * 3)").await, ["7"]);
    assert!(matches!(
        error(&session, "PREPARE p AS SELECT 1").await,
        Error::DuplicateStatement(_)
    ));
    assert!(matches!(error(&session, "EXECUTE p").await, Error::Syntax { .. }));
    assert!(matches!(
        error(&session, "DEALLOCATE p; EXECUTE p(1)").await,
        Error::UndefinedStatement(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_takes_only_its_end() {
    let session = session().await;
    let _ = session.sql("BEGIN").await.unwrap();
    assert_eq!(session.transaction_status(), TransactionStatus::Open);
    let _ = session.sql("SAVEPOINT s").await.unwrap();
    // An error among the rows fails it as well as one before them.
    assert!(matches!(
        error(&session, "SELECT 1/x FROM (VALUES (1), (0)) t(x)").await,
        Error::DivisionByZero
    ));
    assert_eq!(session.transaction_status(), TransactionStatus::Failed);
    assert!(matches!(
        error(&session, "SELECT 1").await,
        Error::FailedTransaction
    ));
    let _ = session.sql("ROLLBACK TO s").await.unwrap();
    assert_eq!(rows(&session, "SELECT 1").await, ["1"]);
    assert!(matches!(error(&session, "SELEC").await, Error::Syntax { .. }));
    let Response::Command { tag } = session.sql("COMMIT").await.unwrap() else {
        panic!()
    };
    assert_eq!(tag, "ROLLBACK");
    assert_eq!(session.transaction_status(), TransactionStatus::Idle);
    assert!(matches!(
        error(&session, "SAVEPOINT s").await,
        Error::NoTransaction(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_act() {
    let session = session().await;
    assert_eq!(
        rows(&session, "SET TimeZone = 'Europe/Berlin'; SHOW TimeZone").await,
        ["Europe/Berlin"]
    );
    assert_eq!(
        session.drain_parameter_changes(),
        [("TimeZone".to_owned(), "Europe/Berlin".to_owned())]
    );
    assert_eq!(
        rows(
            &session,
            "SELECT '2024-07-01 12:00'::timestamptz = '2024-07-01 10:00+00'::timestamptz"
        )
        .await,
        ["true"]
    );
    assert_eq!(
        rows(&session, "SELECT current_setting('timezone'), pg_backend_pid()").await,
        ["Europe/Berlin|7"]
    );
    assert_eq!(
        rows(&session, "SELECT set_config('application_name', 'x', false)").await,
        ["x"]
    );
    assert_eq!(session.setting("application_name").as_deref(), Some("x"));
    let _ = session
        .sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .unwrap();
    assert_eq!(
        rows(&session, "SHOW transaction_isolation").await,
        ["repeatable read"]
    );
    assert_eq!(rows(&session, "SHOW transaction_read_only").await, ["on"]);
    let _ = session.sql("COMMIT").await.unwrap();
    assert_eq!(
        rows(&session, "SHOW transaction_isolation").await,
        ["read committed"]
    );
    let _ = session.sql("DISCARD ALL").await.unwrap();
    assert_eq!(rows(&session, "SHOW TimeZone").await, ["UTC"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_depth_is_refused_and_large_depth_runs() {
    let session = session().await;
    let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(matches!(error(&session, &deep).await, Error::TooComplex(_)));
    let chain = format!("SELECT 0{}", " + 1".repeat(190));
    assert_eq!(rows(&session, &chain).await, ["190"]);
    let ors = (0..1000)
        .map(|n| format!("v = {n}"))
        .collect::<Vec<_>>()
        .join(" OR ");
    assert_eq!(
        rows(
            &session,
            &format!("SELECT count(*) FROM generate_series(1, 5000) t(v) WHERE {ors}")
        )
        .await,
        ["999"]
    );
    let ctes: Vec<String> = (1..1500)
        .map(|n| format!("t{n} AS (SELECT * FROM t{})", n - 1))
        .collect();
    let chain = format!(
        "WITH t0 AS (SELECT 1 AS x), {} SELECT * FROM t1499",
        ctes.join(", ")
    );
    assert!(matches!(error(&session, &chain).await, Error::TooComplex(_)));
    let unions = vec!["SELECT 1 AS x"; 500].join(" UNION ALL ");
    assert_eq!(
        rows(&session, &format!("SELECT count(*) FROM ({unions}) t")).await,
        ["500"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_is_one_column_of_text() {
    let session = session().await;
    let statements = session
        .parse("EXPLAIN ANALYZE SELECT * FROM generate_series(1, 10)")
        .unwrap();
    assert!(statements[0].is_query());
    let prepared = session.prepare(&statements[0], &[]).await.unwrap();
    assert_eq!(prepared.columns().unwrap().field(0).name(), "QUERY PLAN");
    let plan = rows(&session, "EXPLAIN ANALYZE SELECT * FROM generate_series(1, 10)").await;
    assert!(plan.iter().any(|line| line == "Rows: 10"), "{plan:?}");
    assert!(matches!(
        error(&session, "EXPLAIN (FORMAT yaml) SELECT 1").await,
        Error::Unsupported { .. }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_a_role_gets_in() {
    let lakehouse = lakehouse().await;
    assert!(matches!(
        lakehouse.session(Identity::role("nobody")).await,
        Err(Error::InvalidRole(_))
    ));
    assert!(lakehouse.scram_verifier("nobody").await.unwrap().is_none());
    let verifier = lakehouse.scram_verifier("radlake").await.unwrap().unwrap();
    assert!(verifier.verify("secret") && !verifier.verify("Secret"));
    let again = Lakehouse::init(lakehouse.url(), "radlake", "x").await;
    assert!(
        matches!(again, Err(Error::Lake(error)) if matches!(*error, radlake_catalogs::Error::LakeExists { .. }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_see_one_another() {
    let lakehouse = lakehouse().await;
    let one = lakehouse
        .session(Identity::role("radlake").with_pid(1))
        .await
        .unwrap();
    let two = lakehouse
        .session(Identity::role("radlake").with_pid(2))
        .await
        .unwrap();
    assert_eq!(rows(&one, "SELECT count(*) FROM pg_stat_activity").await, ["2"]);
    drop(two);
    assert_eq!(rows(&one, "SELECT count(*) FROM pg_stat_activity").await, ["1"]);
    let _: Arc<Lakehouse> = Arc::new(lakehouse);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_have_postgresqls_types() {
    let session = session().await;
    let oids = async |text: &str| {
        let statements = session.parse(text).unwrap();
        let prepared = session.prepare(&statements[0], &[]).await.unwrap();
        prepared.param_oids().to_vec()
    };
    assert_eq!(
        oids("SELECT $1::int4 + 1, $2::uuid, $3::jsonb").await,
        [23, 2950, 3802]
    );
    assert_eq!(oids("SELECT $1::text[], $2::float8, $3").await, [1009, 701, 25]);
    assert_eq!(oids("EXPLAIN SELECT $1::int8").await, [20]);
    assert!(oids("SELECT 1").await.is_empty());
}
