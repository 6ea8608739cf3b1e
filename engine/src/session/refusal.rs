//! Statements that are not run, and why.

use radlake_sql::ast;
use radlake_sql::{Kind, Statement};

use crate::Error;

/// The error for a statement of a family that this session does not run.
pub(crate) fn refuse(statement: &Statement) -> Error {
    let name = name(statement);
    let (what, hint) = match (statement.kind(), statement.ast()) {
        (
            _,
            ast::Statement::Copy {
                target: ast::CopyTarget::File { .. } | ast::CopyTarget::Program { .. },
                ..
            },
        ) => (
            "COPY to or from a file or program of the server is not supported".to_owned(),
            "Files reach the lake through radlake ingest and radlake load only.",
        ),
        (Kind::Write, _) => (
            format!("{name} is not supported"),
            "INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE TABLE, VIEW and SCHEMA, ALTER TABLE, DROP and COMMENT are.",
        ),
        (Kind::Govern, _) => (
            format!("{name} is not supported"),
            "Roles, their memberships and rights to tables, views and schemas are.",
        ),
        _ => (
            format!("{name} is not supported"),
            "SELECT, EXPLAIN, SHOW, SET and transactions are.",
        ),
    };
    Error::Unsupported {
        what,
        hint: Some(hint.to_owned()),
    }
}

/// The statement's first words in capitals, without names.
pub(crate) fn name(statement: &Statement) -> String {
    let two = [
        "CREATE", "ALTER", "DROP", "SET", "COMMENT", "REFRESH", "SECURITY", "SHOW",
    ];
    let mut words = statement
        .text()
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match words.next() {
        Some(second) if two.contains(&first.as_str()) => format!("{first} {}", second.to_ascii_uppercase()),
        _ => first,
    }
}
