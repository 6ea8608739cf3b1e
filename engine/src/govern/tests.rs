//! Rights as several sessions of one lake see them.

use futures::TryStreamExt;

use crate::{Error, Identity, Lakehouse, Response, Session};

async fn lakehouse() -> Lakehouse {
    let url = format!("memory:///{}", uuid::Uuid::new_v4());
    Lakehouse::init(&url, "radlake", "secret").await.unwrap()
}

async fn login(lakehouse: &Lakehouse, role: &str) -> Session {
    lakehouse.session(Identity::role(role)).await.unwrap()
}

/// Runs statements, and gives the number of rows of the last.
async fn run(session: &Session, sql: &str) -> Result<usize, Error> {
    match session.sql(sql).await? {
        Response::Rows { stream, .. } => {
            let batches: Vec<_> = stream.try_collect().await.map_err(Error::from)?;
            Ok(batches.iter().map(|batch| batch.num_rows()).sum())
        }
        _ => Ok(0),
    }
}

async fn done(session: &Session, sql: &str) {
    if let Err(error) = run(session, sql).await {
        panic!("{sql}: {error:?}");
    }
}

async fn denied(session: &Session, sql: &str) {
    match run(session, sql).await {
        Err(Error::InsufficientPrivilege(_)) => {}
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_role_not_its_name() {
    let lakehouse = lakehouse().await;
    let admin = login(&lakehouse, "radlake").await;
    done(
        &admin,
        "CREATE ROLE anna LOGIN; CREATE ROLE team; GRANT team TO anna",
    )
    .await;
    done(&admin, "CREATE SCHEMA s; CREATE TABLE s.t (x int)").await;
    let anna = login(&lakehouse, "anna").await;
    let acting = login(&lakehouse, "anna").await;
    done(&acting, "SET ROLE team").await;
    denied(&anna, "SELECT * FROM s.t").await;
    denied(&acting, "SELECT * FROM s.t").await;

    done(
        &admin,
        "ALTER ROLE anna RENAME TO a2; ALTER ROLE team RENAME TO t2",
    )
    .await;
    done(
        &admin,
        "CREATE ROLE anna LOGIN SUPERUSER; CREATE ROLE team SUPERUSER",
    )
    .await;
    denied(&anna, "SELECT * FROM s.t").await;
    denied(&acting, "SELECT * FROM s.t").await;
    denied(&anna, "CALL radlake.checkpoint()").await;
    assert_eq!(
        run(
            &anna,
            "SELECT 1 WHERE current_user = 'a2' AND session_user = 'a2'"
        )
        .await
        .unwrap(),
        1
    );
    assert_eq!(
        run(&acting, "SELECT 1 WHERE current_user = 't2'").await.unwrap(),
        1
    );

    // Nor is it the next one of its name.
    done(&admin, "DROP ROLE t2; DROP ROLE a2").await;
    for session in [&anna, &acting] {
        let error = run(session, "SELECT 1").await.unwrap_err();
        assert!(matches!(error, Error::InvalidRole(_)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_belongs_to_whom_the_transaction_knows() {
    let lakehouse = lakehouse().await;
    let (admin, other) = (
        login(&lakehouse, "radlake").await,
        login(&lakehouse, "radlake").await,
    );
    done(&admin, "CREATE SCHEMA s").await;
    done(
        &admin,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM system.epochs",
    )
    .await;
    done(
        &other,
        "CREATE ROLE late; GRANT CREATE, USAGE ON SCHEMA s TO late",
    )
    .await;
    done(&admin, "SET ROLE late").await;
    let error = run(&admin, "CREATE VIEW s.v AS SELECT 1 AS x").await.unwrap_err();
    assert!(matches!(error, Error::Serialization(_)), "{error:?}");
    done(
        &admin,
        "ROLLBACK; SET ROLE late; CREATE VIEW s.v AS SELECT 1 AS x; RESET ROLE",
    )
    .await;
    let owned = "SELECT 1 FROM pg_views WHERE viewname = 'v' AND viewowner = 'late'";
    assert_eq!(run(&admin, owned).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn create_is_asked_of_today() {
    let lakehouse = lakehouse().await;
    let admin = login(&lakehouse, "radlake").await;
    done(
        &admin,
        "CREATE ROLE anna LOGIN; CREATE SCHEMA s; GRANT CREATE, USAGE ON SCHEMA s TO anna",
    )
    .await;
    done(&admin, "CREATE TABLE s.t (x int); GRANT SELECT ON s.t TO anna").await;
    let anna = login(&lakehouse, "anna").await;
    done(&anna, "CREATE MATERIALIZED VIEW s.m AS SELECT * FROM s.t").await;
    done(&anna, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM s.t").await;
    done(
        &admin,
        "REVOKE CREATE ON SCHEMA s FROM anna; REVOKE SELECT ON s.t FROM anna",
    )
    .await;
    denied(&anna, "CREATE TABLE s.mine (x int)").await;
    done(&anna, "ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await;
    denied(&anna, "REFRESH MATERIALIZED VIEW s.m").await;
    done(&anna, "ROLLBACK").await;
    denied(&anna, "CREATE VIEW s.mine AS SELECT 1 AS x").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_can_be_closed_to_everybody() {
    let lakehouse = lakehouse().await;
    let admin = login(&lakehouse, "radlake").await;
    done(
        &admin,
        "CREATE ROLE anna LOGIN; CREATE TABLE public.t (x int); GRANT SELECT ON t TO anna",
    )
    .await;
    let anna = login(&lakehouse, "anna").await;
    done(&anna, "SELECT * FROM public.t").await;
    let usage = "SELECT 1 WHERE has_schema_privilege('anna', 'public', 'USAGE')";
    assert_eq!(run(&admin, usage).await.unwrap(), 1);
    done(
        &anna,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.t",
    )
    .await;
    done(&admin, "REVOKE USAGE ON SCHEMA public FROM PUBLIC").await;
    denied(&anna, "SELECT * FROM public.t").await;
    done(&anna, "ROLLBACK").await;
    denied(&anna, "SELECT * FROM public.t").await;
    assert_eq!(run(&admin, usage).await.unwrap(), 0);
    done(&admin, "GRANT USAGE ON SCHEMA public TO anna").await;
    done(&anna, "SELECT * FROM public.t").await;
    done(
        &admin,
        "GRANT USAGE ON SCHEMA public TO PUBLIC; REVOKE USAGE ON SCHEMA public FROM anna",
    )
    .await;
    done(&anna, "SELECT * FROM public.t").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_older_lakes_with_queries_are_refused_where_rows_are_written() {
    let lakehouse = lakehouse().await;
    let admin = login(&lakehouse, "radlake").await;
    done(
        &admin,
        "CREATE TABLE public.t (x int, y text DEFAULT 'a', CHECK (x > 0))",
    )
    .await;
    let plain = lakehouse
        .lake()
        .latest()
        .await
        .unwrap()
        .table("public", "t")
        .unwrap()
        .as_ref()
        .clone();
    let put = |table: radlake_catalogs::TableObject| async {
        let lake = lakehouse.lake();
        let mut work = lake.begin(lake.latest().await.unwrap());
        work.put_object(table).unwrap();
        lake.commit(work).await.unwrap();
    };
    let mut trojan = plain.clone();
    let fields = plain.arrow_schema.fields().iter().map(|field| {
        let mut metadata = field.metadata().clone();
        if field.name() == "y" {
            metadata.insert(
                "radlake.default".to_owned(),
                "(SELECT max(rolname) FROM pg_roles)".to_owned(),
            );
        }
        field.as_ref().clone().with_metadata(metadata)
    });
    let fields: Vec<arrow::datatypes::Field> = fields.collect();
    trojan.arrow_schema = std::sync::Arc::new(arrow::datatypes::Schema::new(fields));
    put(trojan).await;
    for sql in [
        "INSERT INTO t (x) VALUES (1)",
        "UPDATE t SET x = 2",
        "ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 1",
    ] {
        let error = run(&admin, sql).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{sql}: {error:?}");
    }
    done(
        &admin,
        "ALTER TABLE t ALTER COLUMN y DROP DEFAULT; INSERT INTO t (x) VALUES (1)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_about_rights_can_be_prepared() {
    let lakehouse = lakehouse().await;
    let admin = login(&lakehouse, "radlake").await;
    for sql in [
        "CREATE ROLE anna",
        "GRANT USAGE ON SCHEMA public TO anna",
        "REVOKE USAGE ON SCHEMA public FROM anna",
        "ALTER ROLE anna LOGIN",
        "DROP ROLE anna",
    ] {
        let statements = admin.parse(sql).unwrap();
        let prepared = admin.prepare(&statements[0], &[]).await.unwrap();
        admin
            .execute(&prepared, Vec::new())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}
