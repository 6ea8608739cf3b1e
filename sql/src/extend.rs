//! Grammar of PostgreSQL that the parser lacks, said in words that it has: on the tokens, before parsing.

mod commands;
mod cursors;
mod domains;
mod frames;
mod history;
mod like;
mod merge;
mod plain;
mod precision;
mod qualified;
mod rights;
mod sequences;
mod vectors;

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

pub use rights::{Defaults, defaults, option_only, role};

/// Column that stands for what a WHEN clause of MERGE does without columns of its own.
pub const NOTHING: &str = "radlake.nothing";
/// The same for `INSERT DEFAULT VALUES`.
pub const DEFAULTS: &str = "radlake.defaults";
/// Column that stands for a LIKE clause, with its options as a CHECK.
pub const LIKE: &str = "radlake.like";
/// Quotation mark of a name that only we write: a client's text has none like it.
pub const OURS: char = '`';
/// New name of a relation that keeps its own, in another schema; in [`OURS`].
pub const SAME_NAME: &str = "radlake.same";
/// Name of a query of which no row is taken: WITH NO DATA.
pub const NO_DATA: &str = "radlake.no_data";
/// `REFRESH MATERIALIZED VIEW`, as a procedure: the view, and whether WITH NO DATA.
pub const REFRESH: &str = "radlake.refresh";
/// `CLUSTER`, as a procedure: the table, and the index if one is named.
pub const CLUSTER: &str = "radlake.cluster";
/// `COMMENT ON CONSTRAINT`, as a procedure: the constraint, the table, and the comment.
pub const COMMENT: &str = "radlake.comment_on_constraint";

/// `SECURITY LABEL`, as a procedure: the provider or NULL, the kind of object in capitals, the object, and the label or NULL.
pub const LABEL: &str = "radlake.security_label";

/// `REASSIGN OWNED`, as a procedure: the new owner, and the old ones ([`role`]).
pub const REASSIGN_OWNED: &str = "radlake.reassign_owned";
/// `DROP OWNED`, as a procedure: whether CASCADE, and the roles ([`role`]).
pub const DROP_OWNED: &str = "radlake.drop_owned";

/// Begins the constant among the partitions of a window that says what its frames leave out: `current row`, `group` or `ties`.
pub const EXCLUDE: &str = "radlake.exclude ";

/// `FETCH` and `MOVE`, as a procedure: which of them, the direction, the count, and the cursor.
pub const FETCH: &str = "radlake.fetch";

/// `VACUUM`, as a procedure: the tables.
pub const VACUUM: &str = "radlake.vacuum";
/// `LOCK`, as a procedure: the mode, and the tables.
pub const LOCK: &str = "radlake.lock";
/// `CREATE SEQUENCE` and `ALTER SEQUENCE`, as a procedure (`sequences.rs`).
pub const SEQUENCE: &str = "radlake.sequence";
/// Condition that stands for NOT NULL of a domain, as it is kept.
pub const DOMAIN_NOT_NULL: &str = "\"radlake.not_null\"";
/// The same for NULL.
pub const DOMAIN_NULL: &str = "\"radlake.null\"";
/// `DO`, as a procedure that nobody has.
pub const DO: &str = "radlake.do";

/// The procedure that a statement calls, if it is one of those that stand for statements here, and its arguments.
#[must_use]
pub fn procedure(ast: &ast::Statement) -> Option<(&'static str, Vec<&ast::Expr>)> {
    let ast::Statement::Call(function) = ast else {
        return None;
    };
    let [ast::ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
        return None;
    };
    let known = [
        REFRESH,
        CLUSTER,
        COMMENT,
        LABEL,
        REASSIGN_OWNED,
        DROP_OWNED,
        FETCH,
        VACUUM,
        LOCK,
        SEQUENCE,
        DO,
    ]
    .into_iter()
    .find(|known| name.quote_style.is_some() && name.value == *known)?;
    let ast::FunctionArguments::List(list) = &function.args else {
        return Some((known, Vec::new()));
    };
    let arguments = list.args.iter().filter_map(|argument| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value)) => Some(value),
        _ => None,
    });
    Some((known, arguments.collect()))
}

/// Rewrites what the parser would refuse. Spans stay those of the text, so that places in errors do.
pub(crate) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let tokens = frames::rewrite(tokens);
    let tokens = qualified::rewrite(vectors::rewrite(plain::locks(plain::tables(precision::rewrite(
        tokens,
    )))));
    const FIRST: [&str; 22] = [
        "MERGE", "WITH", "CREATE", "ALTER", "REFRESH", "CLUSTER", "COMMENT", "ANALYZE", "SECURITY", "GRANT",
        "REVOKE", "REASSIGN", "DROP", "FETCH", "MOVE", "ABORT", "BEGIN", "START", "SET", "DO", "VACUUM",
        "LOCK",
    ];
    let begins = |statement: &[TokenWithSpan]| {
        let first = statement
            .iter()
            .find(|token| !matches!(token.token, Token::Whitespace(_)));
        FIRST
            .into_iter()
            .find(|word| first.is_some_and(|first| is_word(&first.token, word)))
    };
    let mut rewritten = Vec::with_capacity(tokens.len());
    for statement in tokens.split_inclusive(|token| token.token == Token::SemiColon) {
        let Some(first) = begins(statement) else {
            rewritten.extend_from_slice(statement);
            continue;
        };
        let words = Words(
            statement
                .iter()
                .filter(|token| !matches!(token.token, Token::Whitespace(_)))
                .cloned()
                .collect(),
        );
        rewritten.extend(match first {
            "MERGE" | "WITH" => merge::rewrite(words),
            "CREATE" => like::rewrite(commands::view_options(commands::no_data(plain::unlogged(
                sequences::create(sequences::identity(domains::create(words))),
            )))),
            "ALTER" if words.phrase(1, &["DEFAULT", "PRIVILEGES"]) => rights::default_privileges(words),
            "ALTER" => commands::alter(sequences::identity(words)),
            "REFRESH" => commands::refresh(words),
            "CLUSTER" => commands::cluster(words),
            "COMMENT" => commands::comment(words),
            "SECURITY" => commands::security_label(words),
            "GRANT" | "REVOKE" => rights::change(history::rewrite(words)),
            "REASSIGN" => rights::reassign_owned(words),
            "DROP" => rights::drop_owned(domains::drop(words)),
            "FETCH" | "MOVE" => cursors::fetch(words),
            "ABORT" => plain::abort(words),
            "BEGIN" | "START" | "SET" => plain::modes(words),
            "DO" => plain::anonymous(words),
            "VACUUM" => plain::vacuum(words),
            "LOCK" => plain::lock(words),
            _ => commands::analyze(words),
        });
    }
    rewritten
}

/// The tokens of one statement that mean something.
struct Words(Vec<TokenWithSpan>);

impl Words {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn token(&self, nth: usize) -> Option<&Token> {
        self.0.get(nth).map(|token| &token.token)
    }

    fn is(&self, nth: usize, word: &str) -> bool {
        self.token(nth).is_some_and(|token| is_word(token, word))
    }

    fn phrase(&self, nth: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(at, word)| self.is(nth + at, word))
    }

    /// Where the name ends that begins at `nth`: words with dots between them.
    fn name_end(&self, nth: usize) -> Option<usize> {
        let mut end = nth;
        loop {
            matches!(self.token(end)?, Token::Word(_)).then_some(())?;
            end += 1;
            if self.token(end) != Some(&Token::Period) {
                return Some(end);
            }
            end += 1;
        }
    }

    /// The statement with the tokens from `from` to before `to` replaced.
    fn replaced(mut self, from: usize, to: usize, with: Vec<Token>) -> Self {
        let Some(span) = self
            .0
            .get(from.min(self.len().saturating_sub(1)))
            .map(|token| token.span)
        else {
            return self;
        };
        let with = with.into_iter().map(|token| TokenWithSpan { token, span });
        self.0.splice(from..to, with);
        self
    }

    fn tokens(&self, from: usize, to: usize) -> Vec<Token> {
        self.0[from..to].iter().map(|token| token.token.clone()).collect()
    }
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
}

fn quoted(name: &str) -> Token {
    Token::Word(Word {
        value: name.to_owned(),
        quote_style: Some('"'),
        keyword: Keyword::NoKeyword,
    })
}

fn ours(name: &str) -> Token {
    Token::Word(Word {
        value: name.to_owned(),
        quote_style: Some(OURS),
        keyword: Keyword::NoKeyword,
    })
}

fn words(text: &str) -> impl Iterator<Item = Token> {
    text.split(' ').map(Token::make_keyword)
}

fn text(value: &str) -> Token {
    Token::SingleQuotedString(value.to_owned())
}
