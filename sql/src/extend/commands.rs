//! Commands that the parser does not know, or not with these words.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{CLUSTER, COMMENT, LABEL, NO_DATA, REFRESH, SAME_NAME, Words, ours, quoted, text, words};

/// Where the statement ends: before its semicolon, if it has one.
pub(super) fn end(statement: &Words) -> usize {
    match statement.token(statement.len().saturating_sub(1)) {
        Some(Token::SemiColon) => statement.len() - 1,
        _ => statement.len(),
    }
}

/// `WITH [NO] DATA` at the end of CREATE TABLE AS and CREATE MATERIALIZED VIEW.
pub(super) fn no_data(statement: Words) -> Words {
    let end = end(&statement);
    if end >= 3 && statement.phrase(end - 2, &["WITH", "DATA"]) {
        return statement.replaced(end - 2, end, Vec::new());
    }
    if end < 4 || !statement.phrase(end - 3, &["WITH", "NO", "DATA"]) {
        return statement;
    }
    let mut depth = 0_i32;
    let begin = (0..end).find(|nth| {
        match statement.token(*nth) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth -= 1,
            _ => {}
        }
        depth == 0 && statement.is(*nth, "AS")
    });
    let Some(begin) = begin else {
        return statement;
    };
    let mut query: Vec<Token> = words("SELECT").collect();
    query.push(Token::Mul);
    query.extend(words("FROM"));
    query.push(Token::LParen);
    query.extend(statement.tokens(begin + 1, end - 3));
    query.push(Token::RParen);
    query.extend(words("AS"));
    query.push(quoted(NO_DATA));
    query.extend(words("LIMIT"));
    query.push(Token::Number("0".to_owned(), false));
    statement.replaced(begin + 1, end, query)
}

/// `WITH (option)` of CREATE VIEW: an option without a value is on.
pub(super) fn view_options(statement: Words) -> Words {
    let Some(view) = (1..statement.len().min(5)).find(|nth| statement.is(*nth, "VIEW")) else {
        return statement;
    };
    let with = (view..statement.len())
        .take_while(|nth| !statement.is(*nth, "AS"))
        .find(|nth| statement.is(*nth, "WITH") && statement.token(nth + 1) == Some(&Token::LParen));
    match with {
        Some(with) => options_on(statement, with + 1),
        None => statement,
    }
}

/// Gives options without a value, from an opening parenthesis to its closing one, the value `true`.
fn options_on(mut statement: Words, open: usize) -> Words {
    let mut nth = open + 1;
    while nth < statement.len() && statement.token(nth) != Some(&Token::RParen) {
        let begins = matches!(statement.token(nth - 1), Some(Token::LParen | Token::Comma));
        let ends = matches!(statement.token(nth + 1), Some(Token::RParen | Token::Comma));
        if let (true, true, Some(word @ Token::Word(_))) = (begins, ends, statement.token(nth).cloned()) {
            let mut on = vec![word, Token::Eq];
            on.extend(words("TRUE"));
            statement = statement.replaced(nth, nth + 1, on);
            nth += 2;
        }
        nth += 1;
    }
    statement
}

/// `ALTER VIEW` and `ALTER MATERIALIZED VIEW`, which are as ALTER TABLE; `SET SCHEMA`.
pub(super) fn alter(statement: Words) -> Vec<TokenWithSpan> {
    if let Some(name) = super::sequences::alter(&statement) {
        return super::sequences::altered(statement, name);
    }
    let kinds: [&[&str]; 4] = [&["TABLE"], &["VIEW"], &["MATERIALIZED", "VIEW"], &["SEQUENCE"]];
    let Some(kind) = kinds.into_iter().find(|kind| statement.phrase(1, kind)) else {
        return statement.0;
    };
    let mut name = 1 + kind.len();
    if statement.phrase(name, &["IF", "EXISTS"]) {
        name += 2;
    }
    if statement.is(name, "ONLY") {
        name += 1;
    }
    let Some(after) = statement.name_end(name) else {
        return statement.0;
    };
    let known = ["RENAME", "SET", "OWNER", "ALTER"];
    if kind != ["TABLE"] && !known.iter().any(|word| statement.is(after, word)) {
        return statement.0;
    }
    let mut statement = statement;
    if statement.phrase(after, &["SET", "SCHEMA"]) {
        let mut new: Vec<Token> = words("RENAME TO").collect();
        if let Some(schema) = statement.token(after + 2).cloned() {
            new.extend([schema, Token::Period, ours(SAME_NAME)]);
        }
        let end = (after + 3).min(statement.len());
        statement = statement.replaced(after, end, new);
    }
    if statement.is(after, "SET") && statement.token(after + 1) == Some(&Token::LParen) {
        statement = options_on(statement, after + 1);
    }
    let kind_end = 1 + kind.len();
    statement.replaced(1, kind_end, words("TABLE").collect()).0
}

/// A call of `procedure` in the place of the tokens up to `end`.
pub(super) fn call(statement: Words, procedure: &str, arguments: Vec<Vec<Token>>) -> Vec<TokenWithSpan> {
    let end = end(&statement);
    let mut tokens: Vec<Token> = words("CALL").collect();
    tokens.extend([quoted(procedure), Token::LParen]);
    for (at, argument) in arguments.into_iter().enumerate() {
        if at > 0 {
            tokens.push(Token::Comma);
        }
        tokens.extend(argument);
    }
    tokens.push(Token::RParen);
    statement.replaced(0, end, tokens).0
}

/// `REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA]`.
pub(super) fn refresh(statement: Words) -> Vec<TokenWithSpan> {
    if !statement.phrase(1, &["MATERIALIZED", "VIEW"]) {
        return statement.0;
    }
    let begin = if statement.is(3, "CONCURRENTLY") { 4 } else { 3 };
    let Some(after) = statement.name_end(begin) else {
        return statement.0;
    };
    let end = end(&statement);
    let empty = match end - after.min(end) {
        0 => false,
        2 if statement.phrase(after, &["WITH", "DATA"]) => false,
        3 if statement.phrase(after, &["WITH", "NO", "DATA"]) => true,
        _ => return statement.0,
    };
    let name = statement.tokens(begin, after);
    let empty = words(if empty { "TRUE" } else { "FALSE" }).collect();
    call(statement, REFRESH, vec![name, empty])
}

/// `CLUSTER [VERBOSE] [table [USING index]]`.
pub(super) fn cluster(statement: Words) -> Vec<TokenWithSpan> {
    let begin = if statement.is(1, "VERBOSE") { 2 } else { 1 };
    let end = end(&statement);
    if begin == end {
        return call(statement, CLUSTER, Vec::new());
    }
    let Some(after) = statement.name_end(begin) else {
        return statement.0;
    };
    let mut arguments = vec![statement.tokens(begin, after)];
    if statement.is(after, "USING") && after + 2 == end {
        arguments.push(statement.tokens(after + 1, end));
    } else if after != end {
        return statement.0;
    }
    call(statement, CLUSTER, arguments)
}

/// `COMMENT ON CONSTRAINT name ON table IS comment`.
pub(super) fn comment(mut statement: Words) -> Vec<TokenWithSpan> {
    // The parser takes one kind of literal.
    if let Some(nth) =
        (0..statement.len()).find(|nth| matches!(statement.token(*nth), Some(Token::DollarQuotedString(_))))
        && let Some(Token::DollarQuotedString(quoted)) = statement.token(nth).cloned()
    {
        statement = statement.replaced(nth, nth + 1, vec![text(&quoted.value)]);
    }
    // A function's name is enough: there is one of each.
    if statement.phrase(1, &["ON", "FUNCTION"])
        && let Some(open) = statement.name_end(3)
        && statement.token(open) == Some(&Token::LParen)
        && let Some(close) = (open..statement.len()).find(|nth| statement.is(*nth + 1, "IS"))
        && statement.token(close) == Some(&Token::RParen)
    {
        statement = statement.replaced(open, close + 1, Vec::new());
    }
    if !statement.phrase(1, &["ON", "CONSTRAINT"]) || !statement.is(4, "ON") {
        return statement.0;
    }
    let Some(after) = statement.name_end(5).filter(|after| statement.is(*after, "IS")) else {
        return statement.0;
    };
    let arguments = vec![
        statement.tokens(3, 4),
        statement.tokens(5, after),
        statement.tokens(after + 1, end(&statement)),
    ];
    call(statement, COMMENT, arguments)
}

/// `SECURITY LABEL [FOR provider] ON COLUMN | ROLE name IS label`.
pub(super) fn security_label(statement: Words) -> Vec<TokenWithSpan> {
    if !statement.is(1, "LABEL") {
        return statement.0;
    }
    let (provider, on) = match statement.is(2, "FOR") {
        true => match statement.token(3) {
            Some(Token::Word(word)) => (vec![text(&word.value)], 4),
            Some(Token::SingleQuotedString(name)) => (vec![text(name)], 4),
            _ => return statement.0,
        },
        false => (words("NULL").collect(), 2),
    };
    let kind = match statement.token(on + 1) {
        Some(Token::Word(word)) if statement.is(on, "ON") => text(&word.value.to_uppercase()),
        _ => return statement.0,
    };
    let Some(after) = statement
        .name_end(on + 2)
        .filter(|after| statement.is(*after, "IS"))
    else {
        return statement.0;
    };
    let end = end(&statement);
    if after + 2 != end {
        return statement.0;
    }
    let arguments = vec![
        provider,
        vec![kind],
        statement.tokens(on + 2, after),
        statement.tokens(after + 1, end),
    ];
    call(statement, LABEL, arguments)
}

/// `ANALYZE VERBOSE t` and `ANALYZE (VERBOSE) t`.
pub(super) fn analyze(statement: Words) -> Vec<TokenWithSpan> {
    if statement.is(1, "VERBOSE") {
        return statement.replaced(1, 2, Vec::new()).0;
    }
    if statement.token(1) == Some(&Token::LParen)
        && let Some(close) = (2..statement.len()).find(|nth| statement.token(*nth) == Some(&Token::RParen))
    {
        return statement.replaced(1, close + 1, Vec::new()).0;
    }
    statement.0
}

#[cfg(test)]
mod tests {
    use crate::extend::procedure;
    use crate::{Kind, parse};

    #[test]
    fn commands_are_read_in_every_spelling() {
        for (text, written) in [
            (
                "ALTER TABLE a.t SET SCHEMA b",
                "ALTER TABLE a.t RENAME TO b.`radlake.same`",
            ),
            (
                "ALTER VIEW IF EXISTS v RENAME TO w",
                "ALTER TABLE IF EXISTS v RENAME TO w",
            ),
            (
                "ALTER MATERIALIZED VIEW v OWNER TO me",
                "ALTER TABLE v OWNER TO me",
            ),
            (
                "REFRESH MATERIALIZED VIEW s.v",
                r#"CALL "radlake.refresh"(s.v, false)"#,
            ),
            (
                "REFRESH MATERIALIZED VIEW CONCURRENTLY v WITH NO DATA;",
                r#"CALL "radlake.refresh"(v, true)"#,
            ),
            ("CLUSTER", r#"CALL "radlake.cluster"()"#),
            ("CLUSTER VERBOSE t USING i;", r#"CALL "radlake.cluster"(t, i)"#),
            (
                "COMMENT ON CONSTRAINT c ON t IS NULL",
                r#"CALL "radlake.comment_on_constraint"(c, t, NULL)"#,
            ),
            ("ANALYZE VERBOSE t", "ANALYZE t"),
            (
                "SECURITY LABEL FOR anon ON COLUMN s.t.c IS 'MASKED WITH VALUE NULL'",
                r#"CALL "radlake.security_label"('anon', 'COLUMN', s.t.c, 'MASKED WITH VALUE NULL')"#,
            ),
            (
                r#"REASSIGN OWNED BY a, "B", CURRENT_USER TO session_user"#,
                r#"CALL "radlake.reassign_owned"(`session_user`, `a`, "B", `CURRENT_USER`)"#,
            ),
            ("DROP OWNED BY a;", r#"CALL "radlake.drop_owned"(false, `a`)"#),
            (
                "DROP OWNED BY a, b CASCADE",
                r#"CALL "radlake.drop_owned"(true, `a`, `b`)"#,
            ),
            (
                "SECURITY LABEL ON ROLE r IS NULL;",
                r#"CALL "radlake.security_label"(NULL, 'ROLE', r, NULL)"#,
            ),
        ] {
            let statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(statements[0].ast().to_string(), written);
            assert_eq!(statements[0].kind(), Kind::Write, "{text}");
            assert_eq!(statements[0].text(), text.trim_end_matches(';'));
        }
        let no_data = parse("CREATE MATERIALIZED VIEW v (a) AS SELECT 1 AS a WITH NO DATA").unwrap();
        assert!(
            no_data[0]
                .ast()
                .to_string()
                .ends_with(r#"AS "radlake.no_data" LIMIT 0"#)
        );
        assert!(procedure(parse("CALL f(1)").unwrap()[0].ast()).is_none());
        for text in [
            "CLUSTER t USING",
            "REFRESH MATERIALIZED VIEW",
            "ALTER TABLE t SET SCHEMA",
            "REASSIGN OWNED BY a",
            "REASSIGN OWNED BY a TO b, c",
            "DROP OWNED BY",
            "DROP OWNED BY a b",
            "DROP OWNED BY CASCADE a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
