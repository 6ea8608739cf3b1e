//! Statements of few words that the parser has in other words, or not at all.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::commands::{call, end};
use super::{DO, LOCK, VACUUM, Words, is_word, text, words};

/// `TABLE name` where a query may stand: `SELECT * FROM name`. The parser takes the name's quotes for nothing.
pub(super) fn tables(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let means = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let queries = |before: Option<&TokenWithSpan>| match before.map(|token| &token.token) {
        None | Some(Token::SemiColon | Token::LParen) => true,
        Some(token) => ["UNION", "EXCEPT", "INTERSECT", "ALL", "AS", "EXPLAIN", "FOR"]
            .iter()
            .any(|word| is_word(token, word)),
    };
    let here = |at: usize| {
        let next = tokens[at + 1..].iter().find(means);
        is_word(&tokens[at].token, "TABLE")
            && matches!(
                next,
                Some(TokenWithSpan {
                    token: Token::Word(_),
                    ..
                })
            )
            && queries(tokens[..at].iter().rfind(means))
    };
    let found: Vec<usize> = (0..tokens.len()).filter(|at| here(*at)).collect();
    if found.is_empty() {
        return tokens;
    }
    let mut rewritten = Vec::with_capacity(tokens.len() + 2 * found.len());
    for (at, token) in tokens.into_iter().enumerate() {
        match found.binary_search(&at) {
            Ok(_) => {
                let mut select: Vec<Token> = words("SELECT").collect();
                select.push(Token::Mul);
                select.extend(words("FROM"));
                let span = token.span;
                rewritten.extend(select.into_iter().map(|token| TokenWithSpan { token, span }));
            }
            Err(_) => rewritten.push(token),
        }
    }
    rewritten
}

/// `FOR NO KEY UPDATE` and `FOR KEY SHARE`: nobody is kept from writing, so that the weaker locks are the stronger ones.
pub(super) fn locks(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let means = |token: &TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    if !tokens.iter().any(|token| is_word(&token.token, "KEY")) {
        return tokens;
    }
    let mut rewritten: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens
            .get(at + 1..)
            .and_then(|rest| rest.iter().find(|token| means(token)));
        let is_next = |word: &str| next.is_some_and(|next| is_word(&next.token, word));
        if is_word(&token.token, "KEY") {
            let mut before = rewritten
                .iter()
                .enumerate()
                .rev()
                .filter(|(_, token)| means(token));
            let mut last = || before.next().map(|(at, token)| (at, &token.token));
            match last() {
                Some((_, word)) if is_word(word, "FOR") && is_next("SHARE") => continue,
                Some((no, word))
                    if is_word(word, "NO")
                        && is_next("UPDATE")
                        && last().is_some_and(|(_, word)| is_word(word, "FOR")) =>
                {
                    rewritten.truncate(no);
                    continue;
                }
                _ => {}
            }
        }
        rewritten.push(token.clone());
    }
    rewritten
}

/// `ABORT`, which is ROLLBACK.
pub(super) fn abort(statement: Words) -> Vec<TokenWithSpan> {
    statement.replaced(0, 1, words("ROLLBACK").collect()).0
}

/// `[NOT] DEFERRABLE` among a transaction's modes: it says only whether a read-only serializable one may wait, which none does.
pub(super) fn modes(mut statement: Words) -> Vec<TokenWithSpan> {
    let of_transaction = matches!(statement.token(0), Some(Token::Word(word)) if !word.value.eq_ignore_ascii_case("SET"))
        || (0..statement.len()).any(|nth| statement.is(nth, "TRANSACTION"));
    while let Some(at) = (1..statement.len()).find(|nth| of_transaction && statement.is(*nth, "DEFERRABLE")) {
        let mut from = at;
        if statement.is(from - 1, "NOT") {
            from -= 1;
        }
        let mut to = at + 1;
        match (statement.token(from - 1), statement.token(to)) {
            (Some(Token::Comma), _) => from -= 1,
            (_, Some(Token::Comma)) => to += 1,
            _ => {}
        }
        statement = statement.replaced(from, to, Vec::new());
    }
    statement.0
}

/// `CREATE UNLOGGED TABLE`: a table that would lose its rows in a crash may as well keep them.
pub(super) fn unlogged(statement: Words) -> Words {
    match statement.phrase(1, &["UNLOGGED", "TABLE"]) {
        true => statement.replaced(1, 2, Vec::new()),
        false => statement,
    }
}

/// `DO`, whose body is of a language that is not here.
pub(super) fn anonymous(statement: Words) -> Vec<TokenWithSpan> {
    call(statement, DO, Vec::new())
}

/// `VACUUM [(options)] [FULL] [FREEZE] [VERBOSE] [ANALYZE] [table [(columns)], …]`, as a procedure with the tables' names.
pub(super) fn vacuum(statement: Words) -> Vec<TokenWithSpan> {
    let end = end(&statement);
    let mut at = after_parentheses(&statement, 1).unwrap_or(1);
    while ["FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"]
        .iter()
        .any(|word| statement.is(at, word))
    {
        at += 1;
    }
    let mut names = Vec::new();
    while at < end {
        let Some(after) = statement.name_end(at) else {
            return statement.0;
        };
        names.push(statement.tokens(at, after));
        at = after_parentheses(&statement, after).unwrap_or(after);
        match statement.token(at) {
            Some(Token::Comma) if at + 1 < end => at += 1,
            _ if at == end => {}
            _ => return statement.0,
        }
    }
    call(statement, VACUUM, names)
}

/// `LOCK [TABLE] [ONLY] name [*], … [IN mode MODE] [NOWAIT]`, as a procedure: the mode, and the tables' names.
pub(super) fn lock(statement: Words) -> Vec<TokenWithSpan> {
    let mut end = end(&statement);
    if end > 1 && statement.is(end - 1, "NOWAIT") {
        end -= 1;
    }
    let mut at = if statement.is(1, "TABLE") { 2 } else { 1 };
    let mut arguments = vec![vec![text("ACCESS EXCLUSIVE")]];
    loop {
        if statement.is(at, "ONLY") {
            at += 1;
        }
        let Some(after) = statement.name_end(at) else {
            return statement.0;
        };
        arguments.push(statement.tokens(at, after));
        at = after;
        if statement.token(at) == Some(&Token::Mul) {
            at += 1;
        }
        match statement.token(at) {
            Some(Token::Comma) => at += 1,
            _ => break,
        }
    }
    if at == end {
        return call(statement, LOCK, arguments);
    }
    let modes = [
        "ACCESS SHARE",
        "ROW SHARE",
        "ROW EXCLUSIVE",
        "SHARE UPDATE EXCLUSIVE",
        "SHARE ROW EXCLUSIVE",
        "ACCESS EXCLUSIVE",
        "SHARE",
        "EXCLUSIVE",
    ];
    let mode = modes.into_iter().find(|mode| {
        let words: Vec<&str> = mode.split(' ').collect();
        let last = at + 1 + words.len();
        statement.is(at, "IN")
            && statement.phrase(at + 1, &words)
            && statement.is(last, "MODE")
            && last + 1 == end
    });
    match mode {
        Some(mode) => {
            arguments[0] = vec![text(mode)];
            call(statement, LOCK, arguments)
        }
        None => statement.0,
    }
}

/// Where a list in parentheses ends that begins at `nth`.
fn after_parentheses(statement: &Words, nth: usize) -> Option<usize> {
    if statement.token(nth) != Some(&Token::LParen) {
        return None;
    }
    let close = (nth..statement.len()).find(|at| statement.token(*at) == Some(&Token::RParen))?;
    Some(close + 1)
}

#[cfg(test)]
mod tests {
    use crate::{Kind, parse};

    fn read(text: &str) -> String {
        let statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statements.len(), 1, "{text}");
        statements[0].ast().to_string()
    }

    #[test]
    fn statements_of_few_words_are_read() {
        for (written, means) in [
            ("TABLE \"A b\"", "SELECT * FROM \"A b\""),
            (
                "SELECT key FROM t FOR NO KEY UPDATE",
                "SELECT key FROM t FOR UPDATE",
            ),
            (
                "SELECT no key FROM t FOR KEY SHARE NOWAIT",
                "SELECT no AS key FROM t FOR SHARE NOWAIT",
            ),
            ("TABLE s.t ORDER BY 1", "SELECT * FROM s.t ORDER BY 1"),
            ("SELECT 1 UNION ALL TABLE t", "SELECT 1 UNION ALL SELECT * FROM t"),
            (
                "WITH c AS (TABLE t) TABLE c",
                "WITH c AS (SELECT * FROM t) TABLE c",
            ),
            ("DROP TABLE t", "DROP TABLE t"),
            ("ABORT", "ROLLBACK"),
            ("ABORT WORK;", "ROLLBACK"),
            (
                "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
                "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY",
            ),
            ("START TRANSACTION NOT DEFERRABLE", "START TRANSACTION"),
            (
                "SET TRANSACTION READ ONLY NOT DEFERRABLE",
                "SET TRANSACTION READ ONLY",
            ),
            ("CREATE UNLOGGED TABLE t (a INT)", "CREATE TABLE t (a INT)"),
            ("VACUUM", "CALL \"radlake.vacuum\"()"),
            ("VACUUM FULL ANALYZE a.b", "CALL \"radlake.vacuum\"(a.b)"),
            (
                "VACUUM (VERBOSE, ANALYZE) a (x, y), b;",
                "CALL \"radlake.vacuum\"(a, b)",
            ),
            ("LOCK a, b.c", "CALL \"radlake.lock\"('ACCESS EXCLUSIVE', a, b.c)"),
            (
                "LOCK TABLE ONLY a IN SHARE ROW EXCLUSIVE MODE NOWAIT",
                "CALL \"radlake.lock\"('SHARE ROW EXCLUSIVE', a)",
            ),
            (
                "DO LANGUAGE plpgsql $$ BEGIN NULL; END $$",
                "CALL \"radlake.do\"()",
            ),
        ] {
            assert_eq!(read(written), means, "{written}");
        }
        assert_eq!(parse("VACUUM t").unwrap()[0].kind(), Kind::Write);
        assert!(parse("LOCK a IN NO MODE").is_err());
    }
}
