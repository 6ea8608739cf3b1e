//! From a client's text to statements.

use std::sync::Arc;

use crate::dialect::PostgreSql;
use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::copy::{self, Copy};
use crate::split::Places;
use crate::{
    SyntaxError, extend, govern, growth, limits, precedence, query, refused, session, versions, write,
};

/// The family that a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Returns rows and changes nothing: SELECT, VALUES, TABLE, WITH, EXPLAIN of these.
    Query,
    /// Changes rows or relations: INSERT, UPDATE, DELETE, MERGE, CREATE TABLE …
    Write,
    /// Changes who may do what: CREATE ROLE, GRANT, CREATE POLICY …
    Govern,
    /// The session's own: SET, SHOW, BEGIN, PREPARE, DISCARD …
    Session,
    /// What Radlake does not do for anybody: other systems' statements, files named in SQL.
    Refused,
}

/// One statement of a text, parsed once.
#[derive(Debug, Clone)]
pub struct Statement {
    text: String,
    /// Shared: a chain of operators is as deep as it is long, and copying it takes stack.
    ast: Arc<ast::Statement>,
    kind: Kind,
    /// The whole text that it was parsed from; places in the tree count its lines.
    source: Arc<str>,
    /// Options of a COPY.
    copy: Option<Arc<Copy>>,
}

impl Statement {
    /// The number of the character at a line and column of the tree's places, from 1, in the whole text that was parsed.
    #[must_use]
    pub fn position(&self, line: u64, column: u64) -> Option<usize> {
        Places::new(&self.source).character(line, column)
    }

    /// The statement as the client wrote it, without the semicolon.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree.
    #[must_use]
    pub fn ast(&self) -> &ast::Statement {
        &self.ast
    }

    /// What a COPY says beside its tree.
    #[must_use]
    pub fn copy(&self) -> Option<&Copy> {
        self.copy.as_deref()
    }

    /// The family.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it writes by, whether or not a WITH stands before.
    #[must_use]
    pub fn writes_by(&self) -> Option<&'static str> {
        let body = match self.ast.as_ref() {
            ast::Statement::Query(query) => query.body.as_ref(),
            ast::Statement::Insert(_) => return Some("INSERT"),
            ast::Statement::Update(_) => return Some("UPDATE"),
            ast::Statement::Delete(_) => return Some("DELETE"),
            ast::Statement::Merge(_) => return Some("MERGE"),
            _ => return None,
        };
        match body {
            ast::SetExpr::Insert(_) => Some("INSERT"),
            ast::SetExpr::Update(_) => Some("UPDATE"),
            ast::SetExpr::Delete(_) => Some("DELETE"),
            ast::SetExpr::Merge(_) => Some("MERGE"),
            _ => None,
        }
    }

    /// True if it returns rows and changes nothing, so that nothing is lost by stopping it.
    #[must_use]
    pub fn is_query(&self) -> bool {
        self.kind == Kind::Query
    }

    /// A statement for a tree that is a part of this one, such as the body of PREPARE; it keeps the whole text.
    #[must_use]
    pub fn within(&self, ast: ast::Statement) -> Self {
        Self {
            text: self.text.clone(),
            kind: kind(&ast),
            ast: Arc::new(ast),
            source: Arc::clone(&self.source),
            copy: None,
        }
    }
}

fn kind(ast: &ast::Statement) -> Kind {
    if query::is_query(ast) {
        Kind::Query
    } else if session::is_session(ast) {
        Kind::Session
    } else if refused::is_refused(ast) {
        Kind::Refused
    } else if govern::is_governance(ast) {
        Kind::Govern
    } else if write::is_write(ast) {
        Kind::Write
    } else {
        Kind::Refused
    }
}

fn parse_one(parser: &mut Parser<'_>) -> Result<(ast::Statement, Option<Copy>), ParserError> {
    if copy::begins(parser) {
        let (ast, copy) = copy::parse(parser)?;
        return Ok((ast, Some(copy)));
    }
    match govern::parse(parser) {
        Some(parsed) => Ok((parsed?, None)),
        None => Ok((parser.parse_statement()?, None)),
    }
}

/// Parses a text of statements separated by semicolons; comments and empty statements are left out.
///
/// # Errors
/// [`SyntaxError`], with the position in characters from 1 where the parser knows it.
pub fn parse(text: &str) -> Result<Vec<Statement>, SyntaxError> {
    if text.len() > limits::MAX_TEXT {
        return Err(SyntaxError::TooComplex {
            reason: format!("the text is longer than {} MiB", limits::MAX_TEXT >> 20),
        });
    }
    let places = Places::new(text);
    let mut dialect = PostgreSql::default();
    let mut tokens = Tokenizer::new(&dialect, text)
        .tokenize_with_location()
        .map_err(|error| SyntaxError::from_parser(error.into(), &places))?;
    limits::check(&tokens)?;
    let users = govern::unite_roles(&mut tokens);
    dialect.versioned = versions::prepare(&mut tokens);
    let tokens = extend::rewrite(tokens);
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(limits::RECURSION)
        .with_tokens_with_locations(tokens);
    let mut statements = Vec::new();
    let source: Arc<str> = Arc::from(text);
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        let first = parser.peek_token();
        if first.token == Token::EOF {
            return Ok(statements);
        }
        let (mut ast, copy) =
            parse_one(&mut parser).map_err(|error| SyntaxError::from_parser(error, &places))?;
        let after = parser.peek_token();
        let start = places.byte(first.span.start.line, first.span.start.column);
        let end = match &after.token {
            Token::EOF => text.len(),
            Token::SemiColon => places.byte(after.span.start.line, after.span.start.column),
            other => {
                return Err(SyntaxError::Grammar {
                    message: format!(" at or near \"{other}\""),
                    position: places.character(after.span.start.line, after.span.start.column),
                });
            }
        };
        let text = text.get(start..end).unwrap_or_default().trim_end().to_owned();
        growth::check(&ast)?;
        if let ast::Statement::CreateRole(role) = &mut ast
            && users.contains(&first.span.start)
        {
            role.login.get_or_insert(true);
        }
        precedence::repair(&mut ast, &text);
        if dialect.versioned {
            versions::fold(&mut ast)?;
        }
        statements.push(Statement {
            text,
            kind: kind(&ast),
            ast: Arc::new(ast),
            source: Arc::clone(&source),
            copy: copy.map(Arc::new),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Kind {
        let mut statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statements.len(), 1, "{text}");
        statements.remove(0).kind()
    }

    #[test]
    fn a_text_is_split_into_its_statements() {
        let statements = parse("SELECT 'a;b' -- c;\n; ;/* d; */ SHOW x;\nSELECT 2").unwrap();
        let texts: Vec<&str> = statements.iter().map(Statement::text).collect();
        assert_eq!(texts, ["SELECT 'a;b' -- c;", "SHOW x", "SELECT 2"]);
        assert!(parse(" ; -- nothing\n;").unwrap().is_empty());
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn what_writes_is_told_behind_with_too() {
        let verb = |text: &str| parse(text).unwrap().remove(0).writes_by();
        for (text, wanted) in [
            ("/* a */ INSERT INTO t VALUES (1) RETURNING a", Some("INSERT")),
            (
                "WITH c AS (SELECT 1) INSERT INTO t SELECT * FROM c RETURNING a",
                Some("INSERT"),
            ),
            (
                "WITH c AS (SELECT 1) UPDATE t SET a = 1 RETURNING a",
                Some("UPDATE"),
            ),
            ("WITH c AS (SELECT 1) DELETE FROM t RETURNING a", Some("DELETE")),
            (
                "WITH c AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM c",
                None,
            ),
            ("EXPLAIN INSERT INTO t VALUES (1)", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(verb(text), wanted, "{text}");
        }
    }

    #[test]
    fn each_statement_has_its_family() {
        for text in [
            "SELECT 1",
            "VALUES (1)",
            "TABLE t",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "EXPLAIN SELECT 1",
            "EXPLAIN (ANALYZE, VERBOSE) SELECT 1",
            "(SELECT 1)",
        ] {
            assert_eq!(kind_of(text), Kind::Query, "{text}");
        }
        for text in [
            "SET a = 1",
            "SET LOCAL a TO 'x'",
            "SHOW a",
            "SHOW ALL",
            "RESET ALL",
            "RESET a",
            "BEGIN",
            "COMMIT",
            "END",
            "ROLLBACK",
            "START TRANSACTION READ ONLY",
            "DISCARD ALL",
            "DEALLOCATE ALL",
            "PREPARE p AS SELECT 1",
            "EXECUTE p(1)",
            "SAVEPOINT a",
            "SET TIME ZONE 'UTC'",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        ] {
            assert_eq!(kind_of(text), Kind::Session, "{text}");
        }
        for text in [
            "INSERT INTO t VALUES (1)",
            "UPDATE t SET a = 1",
            "DELETE FROM t",
            "CREATE TABLE t (a int)",
            "DROP TABLE t",
            "TRUNCATE t",
            "CREATE VIEW v AS SELECT 1",
            "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
            "EXPLAIN DELETE FROM t",
            "SELECT 1 INTO t",
            "COPY t FROM STDIN",
            "COMMENT ON TABLE t IS 'x'",
            "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
        ] {
            assert_eq!(kind_of(text), Kind::Write, "{text}");
        }
        for text in [
            "CREATE ROLE a",
            "GRANT SELECT ON t TO a",
            "REVOKE SELECT ON t FROM a",
            "DROP ROLE a",
            "CREATE POLICY p ON t USING (true)",
            "CREATE GROUP a",
            "GRANT a TO b",
        ] {
            assert_eq!(kind_of(text), Kind::Govern, "{text}");
        }
        for text in ["COPY t TO '/tmp/x'", "COPY t FROM PROGRAM 'x'", "KILL 1"] {
            assert_eq!(kind_of(text), Kind::Refused, "{text}");
        }
    }

    #[test]
    fn errors_say_where() {
        for (text, position) in [
            ("SELEC 1", Some(1)),
            ("SELECT 'ü', FROM t", None),
            ("SELECT 1;\nSELECT 2 2 2", Some(20)),
            ("SELECT 'a", Some(8)),
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, SyntaxError::Grammar { .. }), "{text}: {error}");
            assert!(error.to_string().starts_with("syntax error"), "{error}");
            if position.is_some() {
                assert_eq!(error.position(), position, "{text}: {error}");
            }
        }
    }
}
