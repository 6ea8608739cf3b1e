//! Queries on a user's tables: the rewriting keeps their meaning and gives their columns PostgreSQL's names (`queries.txt`).

use arrow::array::{
    ArrayRef, Float64Array, Int32Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider};
use std::sync::Arc;

use super::fixture::{cases, context, model, render, run};
use crate::pg_catalog::Keys;

fn tables() -> MemorySchemaProvider {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("p"), Some("q")]);
    lists.append_value([Some("r")]);
    lists.append_null();
    lists.append_value::<Vec<Option<&str>>, _>(vec![]);
    let columns = |columns: Vec<(&str, ArrayRef)>| {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
    };
    let t = columns(vec![
        ("a", Arc::new(Int32Array::from(vec![1, 2, 3, 4]))),
        (
            "b",
            Arc::new(StringArray::from(vec![Some("x"), Some("y"), Some("x"), None])),
        ),
        (
            "c",
            Arc::new(Float64Array::from(vec![Some(1.5), Some(2.5), None, Some(4.5)])),
        ),
    ]);
    let u = columns(vec![
        ("a", Arc::new(Int32Array::from(vec![1, 1, 3, 5]))),
        ("d", Arc::new(lists.finish())),
    ]);
    let schema = MemorySchemaProvider::new();
    for (name, batch) in [("t", t), ("u", u)] {
        let batch = batch.expect("columns fit");
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).expect("a table");
        schema
            .register_table(name.to_owned(), Arc::new(table))
            .expect("registers");
    }
    schema
}

#[tokio::test]
async fn queries_mean_what_they_mean_in_postgresql() {
    let context = context(model(), &["public"]);
    let catalog = context.catalog("lake").expect("the lake");
    catalog
        .register_schema("q", Arc::new(tables()))
        .expect("registers");
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases(include_str!("queries.txt")) {
        let got = match run(&context, &sql).await {
            Ok(batches) => render(&batches),
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

#[tokio::test]
async fn a_scalar_subquery_of_two_rows_is_an_error() {
    let context = context(model(), &["public"]);
    context
        .catalog("lake")
        .expect("the lake")
        .register_schema("q", Arc::new(tables()))
        .expect("registers");
    for sql in [
        "SELECT (SELECT a FROM q.t)",
        "SELECT (SELECT d FROM q.u WHERE u.a = t.a) FROM q.t",
        "SELECT 1 WHERE 1 = (SELECT a FROM q.t)",
    ] {
        let error = run(&context, sql).await.expect_err(sql).to_string();
        assert!(error.contains("more than one row"), "{sql}: {error}");
    }
}

/// A chain of thousands of conditions, as programs write them, is taken apart before anything recurses into it.
#[test]
fn long_chains_are_rewritten() {
    use crate::pg_catalog::rewrite;
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};
    let conditions = vec!["c.relname = 'x'"; 2_900].join(" OR ");
    let nested = format!(
        "SELECT (SELECT c.relname FROM pg_class c WHERE c.oid = n.oid AND ({conditions})) FROM pg_namespace n WHERE {conditions}"
    );
    let text = format!("SELECT {}", vec!["b"; 2_900].join(" || "));
    for sql in [nested, text] {
        let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, &sql).expect("parses");
        for statement in &mut statements {
            rewrite(statement, Keys::Hidden);
            let again = statement.clone();
            assert_eq!(*statement, again);
        }
    }
}

/// The type of a cast that no Arrow type tells goes with the column, except where the name is used.
#[tokio::test]
async fn casts_name_the_type() {
    use crate::pg_catalog::{output_name, output_type};
    let context = context(model(), &["public"]);
    let batches = run(
        &context,
        "SELECT '{}'::json, 'x'::varchar(5) AS v, 'y'::jsonb AS j, 1::int8 ORDER BY j",
    )
    .await
    .expect("runs");
    let schema = batches.first().expect("a batch").schema();
    let columns: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| (output_name(f.name()), output_type(f.name())))
        .collect();
    assert_eq!(
        columns,
        [
            ("json", Some("json")),
            ("v", Some("varchar")),
            ("j", None),
            ("int8", None)
        ]
    );
}
