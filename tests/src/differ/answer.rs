//! What an engine answers to a statement.

use std::fmt;

/// A row as text, cell by cell.
pub type Row = Vec<Option<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Rows {
        names: Vec<String>,
        rows: Vec<Row>,
    },
    /// So many rows were written.
    Done(u64),
    Failed {
        code: String,
        message: String,
    },
    /// The connection went away, or nothing came in time.
    Lost(String),
}

/// Something that answers SQL.
pub trait Engine {
    /// Begins a new session with settings, given as statements.
    fn session(&mut self, settings: Vec<String>) -> Result<(), String>;

    /// Runs one statement.
    fn run(&mut self, sql: &str) -> Answer;

    /// Names and types (OIDs) of the columns that a query would return, where it can be told.
    fn describe(&mut self, sql: &str) -> Option<Vec<(String, u32)>>;
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { names, rows } => {
                write!(f, "{} rows: {}", rows.len(), names.join(" | "))?;
                for row in rows.iter().take(30) {
                    let cells: Vec<&str> = row.iter().map(|c| c.as_deref().unwrap_or("NULL")).collect();
                    write!(f, "\n  {}", cells.join(" | "))?;
                }
                if rows.len() > 30 {
                    f.write_str("\n  …")?;
                }
                Ok(())
            }
            Self::Done(n) => write!(f, "{n} rows written"),
            Self::Failed { code, message } => write!(f, "{code} {message}"),
            Self::Lost(why) => write!(f, "connection lost: {why}"),
        }
    }
}
