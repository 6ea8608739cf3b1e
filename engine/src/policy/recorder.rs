//! A function that notes every value it is called with, and clauses of the barrier that can be taken out: only in tests.
//!
//! No value of a hidden row, and none that a mask stands for, is ever noted, in any place of a query. Without one of the
//! barrier's clauses one is: the test would see it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::DataType;
use datafusion::error::Result as EngineResult;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use futures::TryStreamExt;

use crate::{Error, Identity, Lakehouse, Response, Session};

/// A clause of the barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clause {
    /// Only what can neither fail nor tell goes below.
    Leakproof = 1,
    /// The node shows nothing of what is below.
    Node = 2,
    /// Masked columns are none that a condition may name below.
    Masked = 3,
}

/// The schema in which clauses are taken out: other tests keep theirs.
const SCHEMA: &str = "recorded";

static OUT: AtomicU8 = AtomicU8::new(0);
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Whether a clause is taken out for the tables of a schema.
pub(crate) fn is_out(clause: Clause, schema: &str) -> bool {
    schema == SCHEMA && OUT.load(Ordering::SeqCst) == clause as u8
}

/// Adds `recorder(text)`, which gives what it is given.
pub(crate) fn register(state: &mut SessionState) -> crate::Result<()> {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    let _ = state.register_udf(Arc::new(ScalarUDF::from(Recorder { signature })))?;
    Ok(())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Recorder {
    signature: Signature,
}

impl ScalarUDFImpl for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let values = arrow::compute::cast(&values, &DataType::Utf8)?;
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(values.as_string::<i32>().iter().flatten().map(str::to_owned));
        Ok(ColumnarValue::Array(values))
    }
}

async fn run(session: &Session, sql: &str) -> Result<usize, Error> {
    match session.sql(sql).await? {
        Response::Rows { stream, .. } => {
            let batches: Vec<_> = stream.try_collect().await.map_err(Error::from)?;
            Ok(batches.iter().map(|batch| batch.num_rows()).sum())
        }
        _ => Ok(0),
    }
}

async fn done(session: &Session, sql: &str) -> usize {
    run(session, sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

const MAKE: &[&str] = &[
    "CREATE SCHEMA recorded",
    "CREATE ROLE anna LOGIN",
    "CREATE TABLE recorded.cases (id int, site text, name text, secret text)",
    "INSERT INTO recorded.cases SELECT i, CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END, \
     CASE WHEN i % 2 = 0 THEN 'SEEN ' ELSE 'HIDDEN ' END || i, 'HIDDEN mask ' || i FROM generate_series(1, 40) s(i)",
    "CREATE TABLE recorded.others (id int, name text)",
    "INSERT INTO recorded.others SELECT i, 'SEEN ' || i FROM generate_series(1, 40) s(i)",
    "CREATE TABLE recorded.kept (name text)",
    "CREATE VIEW recorded.listed AS SELECT id, name FROM recorded.cases WHERE site = 'north'",
    "GRANT USAGE, CREATE ON SCHEMA recorded TO anna",
    "GRANT SELECT, INSERT, UPDATE, DELETE, radlake.history ON recorded.cases, recorded.others, recorded.kept TO anna",
    "GRANT SELECT ON recorded.listed TO anna",
    "CREATE POLICY north ON recorded.cases USING (site = 'north')",
    "ALTER TABLE recorded.cases ENABLE ROW LEVEL SECURITY",
];

const MASK: &[&str] = &[
    "SECURITY LABEL FOR anon ON ROLE anna IS 'MASKED'",
    "SECURITY LABEL FOR anon ON COLUMN recorded.cases.secret IS 'MASKED WITH VALUE ''SEEN'''",
];

/// Queries, with `recorder` in every place where an expression may stand. `$` is the column.
const QUERIES: &[&str] = &[
    "SELECT recorder($) FROM recorded.cases",
    "SELECT id FROM recorded.cases WHERE recorder($) = 'x'",
    "SELECT id FROM recorded.cases WHERE recorder($) <> 'x' AND id > 0",
    "SELECT id FROM recorded.cases WHERE id > 0 OR recorder($) = 'x'",
    "SELECT count(*) FROM recorded.cases WHERE recorder($) LIKE 'H%'",
    "SELECT c.id FROM recorded.cases c JOIN recorded.others o ON recorder(c.$) = o.name",
    "SELECT c.id FROM recorded.cases c JOIN recorded.others o ON c.id = o.id AND recorder(c.$) <> o.name",
    "SELECT c.id FROM recorded.cases c LEFT JOIN recorded.others o ON recorder(c.$) < o.name",
    "SELECT o.id FROM recorded.others o LEFT JOIN recorded.cases c ON c.id = o.id WHERE recorder(c.$) IS NULL",
    "SELECT id FROM recorded.cases ORDER BY recorder($) LIMIT 1",
    "SELECT recorder($), count(*) FROM recorded.cases GROUP BY 1",
    "SELECT site FROM recorded.cases GROUP BY site HAVING max(recorder($)) > 'A'",
    "SELECT CASE WHEN recorder($) = 'x' THEN 1 ELSE 2 END FROM recorded.cases",
    "SELECT row_number() OVER (PARTITION BY recorder($) ORDER BY id) FROM recorded.cases",
    "SELECT DISTINCT recorder($) FROM recorded.cases",
    "WITH RECURSIVE r(id, n) AS (SELECT 1, 'x' UNION ALL SELECT c.id, recorder(c.$) FROM recorded.cases c JOIN r ON c.id = r.id + 1 WHERE r.id < 5) SELECT * FROM r",
    "SELECT o.id FROM recorded.others o WHERE EXISTS (SELECT 1 FROM recorded.cases c WHERE c.id = o.id AND recorder(c.$) > 'A')",
    "SELECT o.id FROM recorded.others o WHERE o.name IN (SELECT recorder($) FROM recorded.cases)",
    "SELECT q.n FROM (SELECT recorder($) AS n, id FROM recorded.cases) q WHERE q.n > 'A' AND q.id > 3",
    "SELECT id FROM recorded.cases UNION SELECT id FROM recorded.cases WHERE recorder($) > 'A'",
    "EXPLAIN ANALYZE SELECT id FROM recorded.cases WHERE recorder($) = 'x'",
    "EXPLAIN (VERBOSE) SELECT id FROM recorded.cases WHERE recorder($) = 'x'",
    "PREPARE p AS SELECT id FROM recorded.cases WHERE recorder($) = 'x'",
    "EXECUTE p",
    "DEALLOCATE p",
    "INSERT INTO recorded.kept SELECT recorder($) FROM recorded.cases WHERE recorder($) > 'A'",
    "CREATE TABLE recorded.made AS SELECT recorder($) AS n FROM recorded.cases WHERE recorder($) > 'A'",
    "SELECT id FROM recorded.cases FOR VERSION AS OF {epoch} WHERE recorder($) = 'x'",
    "MERGE INTO recorded.kept k USING recorded.cases c ON k.name = recorder(c.$) WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND recorder(c.$) > 'A' THEN INSERT VALUES (recorder(c.$))",
];

/// What changes the table itself: as a role that no mask binds.
const WRITES: &[&str] = &[
    "SELECT id FROM recorded.listed WHERE recorder(name) = 'x'",
    "UPDATE recorded.cases SET site = site WHERE recorder(name) > 'A' RETURNING recorder(name)",
    "UPDATE recorded.cases c SET site = c.site FROM recorded.others o WHERE recorder(c.name) = o.name",
    "INSERT INTO recorded.cases VALUES (100, 'north', 'SEEN 100', 'SEEN') RETURNING recorder(name)",
    "MERGE INTO recorded.cases c USING recorded.others o ON recorder(c.name) = o.name WHEN MATCHED AND recorder(c.name) > 'X' THEN DELETE",
    "DELETE FROM recorded.cases WHERE recorder(name) = 'SEEN 2' RETURNING recorder(name)",
];

/// Runs all; what hidden values were noted, by which statements.
async fn noted(clause: Option<Clause>) -> Vec<(String, String)> {
    let url = format!("memory:///{}", uuid::Uuid::new_v4());
    let lakehouse = Lakehouse::init(&url, "radlake", "secret").await.unwrap();
    let admin = lakehouse.session(Identity::role("radlake")).await.unwrap();
    for statement in MAKE {
        done(&admin, statement).await;
    }
    let epoch = lakehouse.lake().known().number;
    OUT.store(clause.map_or(0, |clause| clause as u8), Ordering::SeqCst);
    let mut found = Vec::new();
    let anna = lakehouse.session(Identity::role("anna")).await.unwrap();
    let mut ask = async |sql: String, must: bool| {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let ran = run(&anna, &sql).await;
        // Masks are the same for all rows: some meet the same one twice.
        let well = matches!(ran, Ok(_) | Err(Error::CardinalityViolation(_)));
        assert!(well || !must, "{sql}: {ran:?}");
        let seen = std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner));
        found.extend(
            seen.into_iter()
                .filter(|value| value.starts_with("HIDDEN"))
                .map(|value| (sql.clone(), value)),
        );
    };
    let query = |text: &str, column: &str| text.replace('$', column).replace("{epoch}", &epoch.to_string());
    for text in QUERIES {
        ask(query(text, "name"), clause.is_none()).await;
    }
    for text in WRITES {
        ask((*text).to_owned(), clause.is_none()).await;
    }
    for statement in MASK
        .iter()
        .chain(&["DROP TABLE IF EXISTS recorded.made", "DELETE FROM recorded.kept"])
    {
        done(&admin, statement).await;
    }
    for bound in [true, false] {
        for text in QUERIES {
            ask(query(text, "secret"), clause.is_none()).await;
        }
        done(&admin, "DROP TABLE IF EXISTS recorded.made").await;
        if bound {
            // Masks alone.
            done(&admin, "ALTER TABLE recorded.cases DISABLE ROW LEVEL SECURITY").await;
        }
    }
    // Nor does a condition find what a mask stands for.
    let guess = "SELECT id FROM recorded.cases WHERE secret = 'HIDDEN mask 1'";
    if !matches!(run(&anna, guess).await, Ok(0)) {
        found.push((guess.to_owned(), "found".to_owned()));
    }
    OUT.store(0, Ordering::SeqCst);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_expression_meets_a_hidden_value_and_without_a_clause_one_does() {
    let found = noted(None).await;
    assert!(found.is_empty(), "{:?}", found.first());
    for clause in [Clause::Leakproof, Clause::Node, Clause::Masked] {
        let found = noted(Some(clause)).await;
        assert!(!found.is_empty(), "nothing tells that {clause:?} is there");
    }
}
