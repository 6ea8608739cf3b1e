//! Scripts of statements with their answers (sqllogictest), run over the PostgreSQL protocol.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tokio_postgres::{Client, Config, SimpleQueryMessage};

use crate::server::connect;

/// Whose answers a script is held against; `onlyif` and `skipif` in scripts know them as `radlake` and `postgres`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Radlake's.
    Radlake,
    /// PostgreSQL's: keeps the expected answers themselves honest.
    Postgres,
}

struct Wire {
    client: Client,
    dialect: Dialect,
}

/// What the server said, which the driver's own error leaves out of its text.
#[derive(Debug)]
struct Refusal {
    message: String,
    code: Option<String>,
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        let message = match error.as_db_error() {
            Some(db) => [Some(db.message()), db.detail(), db.hint()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("; "),
            None => error.to_string(),
        };
        Self {
            message,
            code: error.code().map(|code| code.code().to_owned()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

#[async_trait]
impl AsyncDB for Wire {
    type Error = Refusal;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Self::Error> {
        let (mut types, mut rows, mut affected) = (None, vec![], 0);
        for message in self.client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    types = Some(vec![DefaultColumnType::Text; columns.len()]);
                    rows.clear();
                }
                SimpleQueryMessage::Row(row) => rows.push((0..row.len()).map(|i| show(row.get(i))).collect()),
                SimpleQueryMessage::CommandComplete(n) => affected = n,
                _ => {}
            }
        }
        Ok(match types {
            Some(types) => DBOutput::Rows { types, rows },
            None => DBOutput::StatementComplete(affected),
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        match self.dialect {
            Dialect::Radlake => "radlake",
            Dialect::Postgres => "postgres",
        }
    }

    async fn sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn error_sql_state(error: &Self::Error) -> Option<String> {
        error.code.clone()
    }
}

fn show(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(text) => text.to_owned(),
    }
}

/// Runs one script against the server at `config` to its end.
///
/// # Errors
/// Every record that answers otherwise, with its place.
pub async fn run_file(path: &Path, config: &Config, dialect: Dialect) -> Result<(), String> {
    let records = sqllogictest::parse_file::<DefaultColumnType>(path).map_err(|e| e.to_string())?;
    let mut runner = Runner::new(|| async {
        Ok(Wire {
            client: connect(config).await?,
            dialect,
        })
    });
    let mut failures = vec![];
    for record in records {
        if let Err(error) = runner.run_async(record).await {
            failures.push(error.display(false).to_string());
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// The scripts in a folder of `tests/slt`, sorted.
pub fn slt_files(folder: &str) -> Vec<PathBuf> {
    // Cargo runs tests in their package; a path fixed while compiling would be another checkout's where both share a target.
    let folder = Path::new("slt").join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("reading a folder").path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "slt"));
    files.sort();
    files
}
