//! Constraints that a row does not keep to, as clients read them.

use std::fmt;

/// Which constraint was violated, and whose it is. Object mappers read these names, and not the message; of the row's values it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    message: String,
    key: Vec<String>,
    there: bool,
    /// The schema of the table, or of the domain.
    pub schema: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column that is NULL.
    pub column: Option<String>,
    /// The domain.
    pub data_type: Option<String>,
    /// The constraint; NOT NULL has no name.
    pub constraint: Option<String>,
}

impl Violation {
    /// Of a table.
    pub(crate) fn of_table(schema: &str, table: &str, message: String) -> Box<Self> {
        Box::new(Self {
            message,
            schema: Some(schema.to_owned()),
            table: Some(table.to_owned()),
            ..Self::default()
        })
    }

    /// Of a domain.
    pub(crate) fn of_domain(schema: &str, domain: &str, message: String) -> Box<Self> {
        Box::new(Self {
            message,
            schema: Some(schema.to_owned()),
            data_type: Some(domain.to_owned()),
            ..Self::default()
        })
    }

    /// Names the column.
    pub(crate) fn column(mut self: Box<Self>, column: &str) -> Box<Self> {
        self.column = Some(column.to_owned());
        self
    }

    /// Names the constraint.
    pub(crate) fn constraint(mut self: Box<Self>, constraint: &str) -> Box<Self> {
        self.constraint = Some(constraint.to_owned());
        self
    }

    /// Names the columns of the key; `there` if its rows were there before the constraint.
    pub(crate) fn key(mut self: Box<Self>, columns: &[String], there: bool) -> Box<Self> {
        (self.key, self.there) = (columns.to_vec(), there);
        self
    }

    /// PostgreSQL's DETAIL without the values.
    pub(crate) fn detail(&self) -> Option<String> {
        if self.key.is_empty() {
            return None;
        }
        let columns: Vec<String> = self.key.iter().map(|column| quoted(column)).collect();
        let is = match self.there {
            true => "is duplicated",
            false => "already exists",
        };
        Some(format!("Key ({}) {is}.", columns.join(", ")))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A name as PostgreSQL writes it: between quotes where it would be another without.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}
