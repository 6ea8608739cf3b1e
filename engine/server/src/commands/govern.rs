//! `radlake govern`: who may see what, for data stewards.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use clap::{Args, Subcommand};
use futures::TryStreamExt;
use radlake::{Identity, Response, SUPERUSER, Session};

use super::{Resources, interrupts};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Arguments of `radlake govern`.
#[derive(Args, Debug)]
pub(crate) struct Govern {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Print what each role may do with each table and view, and how many rows it sees.
    Matrix(Matrix),
}

/// Arguments of `radlake govern matrix`.
#[derive(Args, Debug)]
struct Matrix {
    /// Directory or URL of the lake
    lake: String,
    /// Only this role; may be given several times [default: all]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Only this schema; may be given several times [default: all of the lake's]
    #[arg(long = "schema", value_name = "SCHEMA")]
    schemas: Vec<String>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// File to write to [default: the standard output]
    #[arg(short = 'o', long = "output")]
    output: Option<PathBuf>,
    #[command(flatten)]
    resources: Resources,
}

/// Each role beside each relation: rights to the whole, rights to columns, masked or not. Roles that are the binary's own are not there.
const RIGHTS: &str = "
SELECT r.rolname AS role, r.rolsuper AS superuser, n.nspname AS schema, c.relname AS relation,
       array_to_string(ARRAY[
         CASE WHEN has_table_privilege(r.oid, c.oid, 'SELECT') THEN 'SELECT' END,
         CASE WHEN has_table_privilege(r.oid, c.oid, 'INSERT') THEN 'INSERT' END,
         CASE WHEN has_table_privilege(r.oid, c.oid, 'UPDATE') THEN 'UPDATE' END,
         CASE WHEN has_table_privilege(r.oid, c.oid, 'DELETE') THEN 'DELETE' END,
         CASE WHEN has_table_privilege(r.oid, c.oid, 'TRUNCATE') THEN 'TRUNCATE' END], ', ') AS rights,
       has_any_column_privilege(r.oid, c.oid, 'SELECT') AS readable
FROM pg_catalog.pg_roles r
CROSS JOIN pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND r.rolname NOT LIKE 'pg\\_%'
ORDER BY 1, 3, 4";

/// Rights to single columns, where the whole is not granted.
const COLUMNS: &str = "
SELECT r.rolname AS role, n.nspname AS schema, c.relname AS relation, p.privilege || ' (' || string_agg(a.attname, ', ' ORDER BY a.attnum) || ')' AS rights
FROM pg_catalog.pg_roles r
CROSS JOIN pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS p (privilege)
WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.attnum > 0
  AND NOT has_table_privilege(r.oid, c.oid, p.privilege) AND has_any_column_privilege(r.oid, c.oid, p.privilege)
  AND has_column_privilege(r.oid, c.oid, a.attnum, p.privilege)
GROUP BY r.rolname, n.nspname, c.relname, p.privilege
ORDER BY 1, 2, 3, p.privilege";

/// A line of the matrix.
struct Line {
    role: String,
    schema: String,
    relation: String,
    rights: Vec<String>,
    readable: bool,
    rows: Option<i64>,
    remark: Option<String>,
}

impl Govern {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        match self.what {
            What::Matrix(matrix) => matrix.run().await,
        }
    }
}

impl Matrix {
    async fn run(self) -> Result<ExitCode, Failure> {
        let lakehouse = self.resources.open(&self.lake).await?;
        let session = lakehouse.session(Identity::role(SUPERUSER)).await?;
        let interrupted = interrupts()?;
        let (handle, token) = (session.cancel_handle(), interrupted.clone());
        tokio::spawn(async move {
            token.cancelled().await;
            handle.cancel();
        });
        let mut lines = self.rights(&session).await?;
        for line in lines.iter_mut().filter(|line| line.readable) {
            if interrupted.is_cancelled() {
                return Err(Failure::Interrupted);
            }
            match count(&session, line).await {
                Ok(rows) => line.rows = Some(rows),
                Err(Failure::Engine(error)) => line.remark = Some(error.to_string()),
                Err(other) => return Err(other),
            }
        }
        let mut output = Output::new(self.format, self.output.as_deref())?;
        let batch = table(&lines)?;
        output.begin(&batch.schema())?;
        output.batch(&batch)?;
        output.end()?;
        output.close()?;
        Ok(ExitCode::SUCCESS)
    }

    async fn rights(&self, session: &Session) -> Result<Vec<Line>, Failure> {
        let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|known| known == name);
        let found = texts(session, RIGHTS).await?;
        let mut lines: Vec<Line> = Vec::new();
        for row in found {
            let [role, superuser, schema, relation, rights, readable] = row.as_slice() else {
                continue;
            };
            if !wanted(&self.roles, role) || !wanted(&self.schemas, schema) {
                continue;
            }
            let rights = match superuser == "true" {
                true => vec!["all (superuser)".to_owned()],
                false => rights
                    .split(", ")
                    .filter(|right| !right.is_empty())
                    .map(str::to_owned)
                    .collect(),
            };
            lines.push(Line {
                role: role.clone(),
                schema: schema.clone(),
                relation: relation.clone(),
                rights,
                readable: readable == "true",
                rows: None,
                remark: None,
            });
        }
        for row in texts(session, COLUMNS).await? {
            let [role, schema, relation, rights] = row.as_slice() else {
                continue;
            };
            let line = lines
                .iter_mut()
                .find(|line| (&line.role, &line.schema, &line.relation) == (role, schema, relation));
            if let Some(line) = line {
                line.rights.push(rights.clone());
            }
        }
        let missing = self
            .roles
            .iter()
            .find(|role| !lines.iter().any(|line| line.role == **role));
        match missing {
            Some(role) => Err(Failure::Usage(format!("role \"{role}\" does not exist"))),
            None => Ok(lines),
        }
    }
}

/// How many rows of a relation a role sees.
async fn count(session: &Session, line: &Line) -> Result<i64, Failure> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    drop(batches(session, &format!("SET ROLE {}", quoted(&line.role))).await?);
    let counted = batches(
        session,
        &format!(
            "SELECT count(*) FROM {}.{}",
            quoted(&line.schema),
            quoted(&line.relation)
        ),
    )
    .await;
    drop(batches(session, "RESET ROLE").await?);
    let counted = counted?;
    let count = counted.iter().find(|batch| batch.num_rows() == 1);
    let count = count.and_then(|batch| {
        batch
            .column(0)
            .as_primitive_opt::<Int64Type>()
            .map(|column| column.value(0))
    });
    count.ok_or_else(|| Failure::Output("a count gave no number".to_owned()))
}

/// The rows of a query as text.
async fn texts(session: &Session, sql: &str) -> Result<Vec<Vec<String>>, Failure> {
    let mut rows = Vec::new();
    for batch in batches(session, sql).await? {
        let columns = batch.columns().iter().map(|column| cast(column, &DataType::Utf8));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            let texts = columns.iter().map(|column| {
                let column = column.as_string::<i32>();
                match column.is_null(row) {
                    true => String::new(),
                    false => column.value(row).to_owned(),
                }
            });
            rows.push(texts.collect());
        }
    }
    Ok(rows)
}

async fn batches(session: &Session, sql: &str) -> Result<Vec<RecordBatch>, Failure> {
    let mut all = Vec::new();
    for statement in session.parse(sql)? {
        if let Response::Rows { stream, .. } = session.run(&statement).await? {
            all.extend(
                stream
                    .map_err(radlake::Error::from)
                    .try_collect::<Vec<_>>()
                    .await?,
            );
        }
    }
    Ok(all)
}

fn table(lines: &[Line]) -> Result<RecordBatch, Failure> {
    let text = |get: &dyn Fn(&Line) -> String| -> ArrayRef {
        Arc::new(lines.iter().map(|line| Some(get(line))).collect::<StringArray>())
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("role", text(&|line| line.role.clone())),
        (
            "relation",
            text(&|line| format!("{}.{}", line.schema, line.relation)),
        ),
        ("rights", text(&|line| line.rights.join(", "))),
        (
            "rows",
            Arc::new(lines.iter().map(|line| line.rows).collect::<Int64Array>()),
        ),
        (
            "remark",
            Arc::new(
                lines
                    .iter()
                    .map(|line| line.remark.as_deref())
                    .collect::<StringArray>(),
            ),
        ),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, column)| column).collect(),
    )
    .map_err(unreadable)
}

fn unreadable(error: arrow::error::ArrowError) -> Failure {
    Failure::Output(error.to_string())
}
