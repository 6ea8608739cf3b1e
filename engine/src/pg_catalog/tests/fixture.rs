//! A small lake's objects and a session on it, without a lake.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemoryCatalogProvider;
use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionStateBuilder};
use datafusion::optimizer::Analyzer;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::sync::Arc;

use crate::pg_catalog::function::Function;
use crate::pg_catalog::model::{Model, Namespace, Relation, Role};
use crate::pg_catalog::types::{CODE_TYPE, PG_TYPE_KEY, pg_type_of};
use crate::pg_catalog::{
    Activity, EpochCatalog, Keys, PgTypePlanner, SessionView, Setting, SystemCatalogs, output_name, rewrite,
};

#[derive(Debug)]
pub(super) struct TestSession {
    pub(super) path: Vec<String>,
}

impl SessionView for TestSession {
    fn current_role(&self) -> String {
        "radlake".to_owned()
    }
    fn session_role(&self) -> String {
        "radlake".to_owned()
    }
    fn search_path(&self) -> Vec<String> {
        self.path.clone()
    }
    fn setting(&self, name: &str) -> Option<String> {
        name.eq_ignore_ascii_case("search_path")
            .then(|| "\"$user\", public".to_owned())
    }
    fn settings(&self) -> Vec<Setting> {
        let setting = |name: &str, value: &str| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
            default: value.to_owned(),
            unit: None,
            category: "Client Connection Defaults / Statement Behavior",
            description: "",
            context: "user",
            vartype: "string",
        };
        vec![
            setting("search_path", "\"$user\", public"),
            setting("TimeZone", "UTC"),
        ]
    }
    fn set(&self, _: &str, value: &str) -> Result<String, crate::pg_catalog::CatalogError> {
        Ok(value.to_owned())
    }
    fn backend_pid(&self) -> i32 {
        42
    }
    fn activity(&self) -> Vec<Activity> {
        vec![Activity {
            pid: 42,
            role: "radlake".to_owned(),
            ..Activity::default()
        }]
    }
    fn cursors(&self) -> Vec<crate::pg_catalog::CursorShown> {
        Vec::new()
    }
}

fn column(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn with(field: Field, key: &str, value: &str) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(key.to_owned(), value.to_owned());
    field.with_metadata(metadata)
}

fn relation(oid: u32, namespace: u32, name: &str, kind: &'static str, fields: Vec<Field>) -> Relation {
    Relation {
        oid,
        namespace,
        name: name.to_owned(),
        kind,
        owner: 10,
        comment: None,
        schema: Arc::new(Schema::new(fields)),
        rows: -1,
        bytes: if kind == "r" { 8192 } else { 0 },
        sql: None,
        row_type: oid + 2,
        grants: Vec::new(),
        row_security: radlake_catalogs::RowSecurity::default(),
    }
}

/// The objects of the PostgreSQL that `psql15.txt` was recorded on, with its OIDs.
pub(super) fn model() -> Model {
    let text = |name: &str| column(name, DataType::Utf8);
    let namespace = |oid, name: &str, comment: Option<&str>| Namespace {
        oid,
        name: name.to_owned(),
        owner: 10,
        comment: comment.map(str::to_owned),
        grants: Vec::new(),
    };
    let code = Fields::from(vec![text("value"), text("scheme"), text("meaning")]);
    let series = vec![
        with(
            text("series_instance_uid").with_nullable(false),
            "comment",
            "Series Instance UID (0020,000E)",
        ),
        text("study_instance_uid").with_nullable(false),
        text("modality"),
        column("series_date", DataType::Date32),
        column(
            "series_time",
            DataType::Time64(arrow::datatypes::TimeUnit::Microsecond),
        ),
        column("image_count", DataType::Int32),
        column("size_bytes", DataType::Int64),
        column("slice_spacing_mm", DataType::Float64),
        column("is_volume", DataType::Boolean),
        text("provider"),
        column("ingested_epoch", DataType::Int64),
    ];
    let instances = vec![
        text("sop_instance_uid"),
        text("series_instance_uid"),
        column(
            "pixel_spacing",
            DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true))),
        ),
        column("procedure_code", DataType::Struct(code)),
        with(text("dataset"), PG_TYPE_KEY, "json"),
    ];
    let mut series = relation(16416, 16412, "series", "r", series);
    series.comment = Some("one row per series".to_owned());
    let mut studies = relation(
        16429,
        16412,
        "studies",
        "v",
        vec![text("study_instance_uid"), column("series", DataType::Int64)],
    );
    studies.sql = Some(
        "SELECT series.study_instance_uid,\n    count(*) AS series\n   FROM imaging.series\n  GROUP BY series.study_instance_uid".to_owned(),
    );
    Model {
        database: "lake".to_owned(),
        namespaces: vec![
            namespace(16412, "imaging", Some("DICOM")),
            namespace(16413, "clinical", None),
            namespace(16414, "results", None),
            namespace(16415, "system", None),
        ],
        relations: vec![
            series,
            relation(16424, 16412, "instances", "r", instances),
            studies,
        ],
        roles: vec![Role {
            oid: 10,
            name: "radlake".to_owned(),
            superuser: true,
            login: true,
            comment: None,
            noinherit: false,
            createrole: false,
            bypassrls: false,
            connection_limit: None,
            valid_until: None,
            memberships: Vec::new(),
            default_rights: Vec::new(),
        }],
        functions: vec![Function {
            oid: 16433,
            name: "dicom_age_years".to_owned(),
            arguments: vec![pg_type_of(&text("a"))],
            argument_names: Vec::new(),
            result: pg_type_of(&column("r", DataType::Float64)),
            volatility: "v",
            comment: None,
            grants: None,
            made: None,
        }],
        ..Model::default()
    }
}

/// A context with the system catalogs of `model` and PostgreSQL's type names.
pub(super) fn context(model: Model, path: &[&str]) -> SessionContext {
    let session = Arc::new(TestSession {
        path: path.iter().map(|s| (*s).to_owned()).collect(),
    });
    let system = SystemCatalogs::new(Arc::new(EpochCatalog::from_model(model)), session);
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema("lake", "imaging")
        .with_information_schema(false);
    config.options_mut().sql_parser.dialect = datafusion::common::config::Dialect::PostgreSQL;
    config.options_mut().sql_parser.map_string_types_to_utf8view = false;
    config.options_mut().execution.target_partitions = 2;
    let mut rules = Analyzer::new().rules;
    rules.insert(0, crate::planner::correlated());
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_analyzer_rules(rules)
        .with_config(config)
        .with_type_planner(Arc::new(PgTypePlanner))
        .build();
    system.register_functions(&mut state).expect("functions register");
    for function in crate::planner::json_functions() {
        state.register_udf(function).expect("functions register");
    }
    let context = SessionContext::new_with_state(state);
    for (name, function) in system.table_functions() {
        context.register_udtf(name, function);
    }
    let catalog = MemoryCatalogProvider::new();
    system.register_schemas(&catalog).expect("schemas register");
    context.register_catalog("lake", Arc::new(catalog));
    context
}

#[expect(
    clippy::disallowed_methods,
    reason = "the catalogs alone are under test, without a session"
)]
/// Runs one statement the way the engine does: parse, rewrite, plan, execute.
pub(super) async fn run(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql)?;
    let mut statement = statements.remove(0);
    rewrite(&mut statement, Keys::Hidden);
    if std::env::var_os("PG_CATALOG_SHOW").is_some() {
        println!("-- {statement}");
    }
    let plan = context
        .state()
        .statement_to_plan(DfStatement::Statement(Box::new(statement)))
        .await?;
    let frame = context.execute_logical_plan(plan).await?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let mut batches = frame.collect().await?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// Renders as `psql -A -P null=NULL` does: a line of names, then a line per row.
pub(super) fn render(batches: &[RecordBatch]) -> String {
    let mut lines = Vec::new();
    if let Some(first) = batches.first() {
        let schema = first.schema();
        lines.push(
            schema
                .fields()
                .iter()
                .map(|f| output_name(f.name()).to_owned())
                .collect::<Vec<_>>()
                .join("|"),
        );
    }
    for batch in batches {
        for row in 0..batch.num_rows() {
            let schema = batch.schema();
            let cells = batch.columns().iter().zip(schema.fields()).map(|(c, field)| {
                let text = cell(c.as_ref(), row);
                let vector = field
                    .metadata()
                    .get(PG_TYPE_KEY)
                    .is_some_and(|t| t.ends_with("vector"));
                if vector {
                    text.trim_matches(['{', '}']).replace(',', " ")
                } else {
                    text
                }
            });
            lines.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    lines.join("\n")
}

fn cell(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return "NULL".to_owned();
    }
    match array.data_type() {
        DataType::Boolean => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            let cells: Vec<String> = (0..values.len()).map(|i| cell(values.as_ref(), i)).collect();
            format!("{{{}}}", cells.join(","))
        }
        _ => {
            let options = FormatOptions::default();
            ArrayFormatter::try_new(array, &options)
                .map(|f| f.value(row).to_string())
                .unwrap_or_default()
        }
    }
}

/// The recorded cases: name, statement, answer.
pub(super) fn cases(text: &str) -> Vec<(String, String, String)> {
    text.split("\n=== ")
        .filter_map(|case| {
            let (name, rest) = case.split_once('\n')?;
            let (sql, answer) = rest.split_once("\n---\n")?;
            let answer = answer
                .strip_prefix("-- differs")
                .and_then(|a| a.split_once('\n'))
                .map_or(answer, |(_, answer)| answer);
            Some((
                name.to_owned(),
                sql.to_owned(),
                answer.trim_end_matches('\n').to_owned(),
            ))
        })
        .collect()
}

#[test]
fn the_fixture_has_the_code_type() {
    let model = model().complete();
    assert_eq!(model.composite(CODE_TYPE).map(|c| c.name.as_str()), Some("code"));
}
