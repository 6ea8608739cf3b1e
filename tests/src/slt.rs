//! Scripts of statements with their answers (sqllogictest), run over the PostgreSQL protocol.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, MakeConnection, Runner};
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

pub(crate) struct Wire {
    client: Client,
    dialect: Dialect,
}

/// What the server said, which the driver's own error leaves out of its text.
#[derive(Debug)]
pub(crate) struct Refusal {
    message: String,
    pub(crate) code: Option<String>,
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

/// What runs the records of a script, on connections of its own.
pub(crate) fn runner(
    config: &Config,
    dialect: Dialect,
) -> Runner<Wire, impl MakeConnection<Conn = Wire, MakeFuture: Send>> {
    Runner::new(move || async move {
        Ok(Wire {
            client: connect(config).await?,
            dialect,
        })
    })
}

/// Runs one script against the server at `config` to its end.
///
/// # Errors
/// Every record that answers otherwise, with its place.
pub async fn run_file(path: &Path, config: &Config, dialect: Dialect) -> Result<(), String> {
    let records = sqllogictest::parse_file::<DefaultColumnType>(path).map_err(|e| e.to_string())?;
    let mut runner = runner(config, dialect);
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

/// The scripts of `tests/slt` that `RADLAKE_SLT` names (all where it is not set), by the folders that they stand in, sorted.
///
/// `RADLAKE_SLT` holds parts of paths such as `udfs/dicom_tag` or `postgres/`, with spaces between.
pub fn slt_files() -> Vec<(String, Vec<PathBuf>)> {
    // Cargo runs tests in their package; a path fixed while compiling would be another checkout's where both share a target.
    let root = Path::new("slt");
    let wanted = std::env::var("RADLAKE_SLT").unwrap_or_default();
    let mut found = BTreeMap::<String, Vec<PathBuf>>::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
            if name.ends_with(".slt") && is_wanted(&name, &wanted) {
                let folder = folder.strip_prefix(root).unwrap_or(&folder);
                let folder = folder.to_string_lossy().into_owned();
                found.entry(folder).or_default().push(path);
            }
        }
    }
    for files in found.values_mut() {
        files.sort();
    }
    found.into_iter().collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| entry.expect("reading a folder").path())
        .collect()
}

/// Whether the script `name`, a path below `tests/slt`, is one of `wanted`.
fn is_wanted(name: &str, wanted: &str) -> bool {
    let mut parts = wanted.split_whitespace().peekable();
    parts.peek().is_none()
        || parts.any(|part| {
            let part = part.strip_prefix("./").unwrap_or(part);
            name.contains(part.strip_prefix("tests/slt/").unwrap_or(part))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_named_by_parts_of_their_paths() {
        let name = "udfs/dicom_tag.slt";
        for wanted in [
            "",
            "udfs/dicom_tag",
            "tag",
            "tests/slt/udfs/dicom_tag.slt",
            "udfs/",
            "values udfs/",
        ] {
            assert!(is_wanted(name, wanted), "{wanted}");
        }
        for wanted in ["udfs/tag", "postgres/", "slt/udfs"] {
            assert!(!is_wanted(name, wanted), "{wanted}");
        }
    }
}
