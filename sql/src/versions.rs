//! Relations at an earlier epoch: `FROM t FOR VERSION AS OF 7`, `FROM t FOR SYSTEM_TIME AS OF '2026-01-31 12:00'`.
//!
//! PostgreSQL has neither; the words are SQL:2011's and Delta's. In the tree such a relation becomes one of a database
//! that stands for the epoch, so that a tree that is written as text and read again still says so.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Statement, TableAlias, TableFactor, TableVersion, Value,
    VisitMut, VisitorMut,
};
use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use crate::SyntaxError;

/// Begins the name of the database that stands for an epoch; nobody's own is called so.
const PREFIX: &str = "radlake as of ";

/// As of when a relation is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// `FOR VERSION AS OF n`: an epoch of the lake.
    Epoch(u64),
    /// `FOR SYSTEM_TIME AS OF …`: an expression for a time.
    Time(String),
}

impl Version {
    /// The version that a relation's database stands for, if it stands for one.
    #[must_use]
    pub fn of(database: &str) -> Option<Self> {
        let said = database.strip_prefix(PREFIX)?;
        match said.strip_prefix("epoch ") {
            Some(number) => number.parse().ok().map(Self::Epoch),
            None => said.strip_prefix("time ").map(|time| Self::Time(time.to_owned())),
        }
    }

    fn database(&self) -> String {
        match self {
            Self::Epoch(number) => format!("{PREFIX}epoch {number}"),
            Self::Time(time) => format!("{PREFIX}time {time}"),
        }
    }
}

/// Whether a text reads relations at earlier epochs. The parser knows `VERSION AS OF` without the FOR, and only in dialects
/// where `FROM t at` is not a table and its alias: so it is told for the texts that need it.
pub(crate) fn prepare(tokens: &mut [TokenWithSpan]) -> bool {
    let words: Vec<usize> = (0..tokens.len())
        .filter(|at| {
            tokens
                .get(*at)
                .is_some_and(|token| !matches!(token.token, Token::Whitespace(_)))
        })
        .collect();
    let mut versioned = false;
    for four in words.windows(4) {
        let is = |place: usize, wanted: &str| {
            four.get(place).and_then(|at| tokens.get(*at)).is_some_and(|token| {
                matches!(&token.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
            })
        };
        if !(is(0, "FOR") && is(2, "AS") && is(3, "OF")) {
            continue;
        }
        versioned |= is(1, "SYSTEM_TIME") || is(1, "VERSION");
        if is(1, "VERSION")
            && let Some(token) = four.first().and_then(|at| tokens.get_mut(*at))
        {
            token.token = Token::Whitespace(Whitespace::Space);
        }
    }
    versioned
}

/// Puts what [`prepare`] found into the names of relations.
pub(crate) fn fold(ast: &mut Statement) -> Result<(), SyntaxError> {
    match ast.visit(&mut Fold) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Fold;

impl VisitorMut for Fold {
    type Break = SyntaxError;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SyntaxError> {
        let TableFactor::Table {
            name,
            alias,
            version,
            args,
            ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let Some(said) = version.take() else {
            return ControlFlow::Continue(());
        };
        let wrong = |message: &str| {
            ControlFlow::Break(SyntaxError::Grammar {
                message: message.to_owned(),
                position: None,
            })
        };
        let version = match said {
            TableVersion::VersionAsOf(Expr::Value(value)) => match &value.value {
                Value::Number(number, _) => number.parse().ok().map(Version::Epoch),
                _ => None,
            },
            TableVersion::ForSystemTimeAsOf(time) => Some(Version::Time(time.to_string())),
            _ => None,
        };
        let Some(version) = version else {
            return wrong("FOR VERSION AS OF takes the number of an epoch");
        };
        let parts: Option<Vec<Ident>> = name.0.iter().map(|part| part.as_ident().cloned()).collect();
        let Some((table, schema)) = parts.as_deref().and_then(<[Ident]>::split_last) else {
            return wrong("only relations are read as of an earlier epoch");
        };
        if args.is_some() || schema.len() > 1 {
            return wrong("only relations of the lake's own schemas are read as of an earlier epoch");
        }
        if alias.is_none() {
            *alias = Some(TableAlias {
                explicit: true,
                name: table.clone(),
                columns: Vec::new(),
                at: None,
            });
        }
        // No schema: the search path is asked.
        let schema = schema
            .first()
            .cloned()
            .unwrap_or_else(|| Ident::with_quote('"', ""));
        let database = Ident::with_quote('"', version.database());
        let parts = [database, schema, table.clone()].map(ObjectNamePart::Identifier);
        *name = ObjectName(parts.to_vec());
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn written(text: &str) -> String {
        let statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        statements[0].ast().to_string()
    }

    #[test]
    fn a_version_becomes_a_database_and_stays_one() {
        for (text, expected) in [
            (
                "SELECT x FROM t FOR VERSION AS OF 7 WHERE y",
                r#"SELECT x FROM "radlake as of epoch 7"."".t AS t WHERE y"#,
            ),
            (
                "SELECT a.x FROM s.t for /* */ version\nas of 7 AS a JOIN t ON true",
                r#"SELECT a.x FROM "radlake as of epoch 7".s.t AS a JOIN t ON true"#,
            ),
            (
                "SELECT * FROM t FOR SYSTEM_TIME AS OF '2026-01-31' AS a, u",
                r#"SELECT * FROM "radlake as of time '2026-01-31'"."".t AS a, u"#,
            ),
            (
                r#"SELECT * FROM t FOR SYSTEM_TIME AS OF now() - INTERVAL '1 hour' ORDER BY "x""#,
                r#"SELECT * FROM "radlake as of time now() - INTERVAL '1 hour'"."".t AS t ORDER BY "x""#,
            ),
        ] {
            assert_eq!(written(text), expected);
            assert_eq!(written(expected), expected);
        }
    }

    #[test]
    fn other_statements_are_read_as_ever() {
        for text in [
            "SELECT * FROM t AS at",
            "SELECT * FROM t at",
            "SELECT * FROM t changes, u before",
            "SELECT version, \"for\" FROM t FOR UPDATE",
            "SELECT version AS of FROM t",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in [
            "SELECT * FROM t FOR VERSION AS OF 'x'",
            "SELECT * FROM t FOR VERSION AS OF -1",
            "SELECT * FROM t FOR VERSION AS OF",
            "SELECT * FROM f(1) FOR VERSION AS OF 3",
            "SELECT * FROM a.b.c FOR VERSION AS OF 3",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
