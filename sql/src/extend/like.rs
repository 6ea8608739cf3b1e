//! `LIKE model INCLUDING …` among the columns of CREATE TABLE, which becomes a column of its own.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{LIKE, Words, quoted, text, words};

pub(super) fn rewrite(mut statement: Words) -> Vec<TokenWithSpan> {
    let Some(table) = (1..statement.len().min(5)).find(|nth| statement.is(*nth, "TABLE")) else {
        return statement.0;
    };
    let (mut nth, mut depth, mut found) = (table, 0_usize, 0);
    while nth < statement.len() {
        match statement.token(nth) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth = depth.saturating_sub(1),
            // A query follows; there is nothing of ours behind it.
            _ if depth == 0 && statement.is(nth, "AS") => break,
            _ => {}
        }
        let opens = depth == 1 && matches!(statement.token(nth), Some(Token::LParen | Token::Comma));
        nth += 1;
        if !opens || !statement.is(nth, "LIKE") {
            continue;
        }
        let Some(mut end) = statement.name_end(nth + 1) else {
            continue;
        };
        let model = statement.tokens(nth + 1, end);
        let mut column = vec![quoted(&format!("{LIKE}.{found}"))];
        column.extend(words("INT CHECK"));
        column.extend([Token::LParen, quoted(LIKE), Token::LParen]);
        column.extend(model);
        while statement.is(end, "INCLUDING") || statement.is(end, "EXCLUDING") {
            let Some(Token::Word(what)) = statement.token(end + 1) else {
                break;
            };
            let sign = if statement.is(end, "INCLUDING") { '+' } else { '-' };
            let option = format!("{sign}{}", what.value.to_ascii_lowercase());
            column.extend([Token::Comma, text(&option)]);
            end += 2;
        }
        column.extend([Token::RParen, Token::RParen]);
        statement = statement.replaced(nth, end, column);
        found += 1;
    }
    statement.0
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn a_model_keeps_its_place_among_the_columns() {
        let text = "CREATE TEMP TABLE IF NOT EXISTS t (a int, LIKE s.m INCLUDING ALL EXCLUDING comments, b text CHECK (b LIKE 'x'))";
        let statements = parse(text).unwrap();
        let written = statements[0].ast().to_string();
        assert!(
            written.contains(
                r#"a INT, "radlake.like.0" INT CHECK ("radlake.like"(s.m, '+all', '-comments')), b"#
            ),
            "{written}"
        );
        assert!(parse("CREATE TABLE t AS SELECT a LIKE b AS c FROM (SELECT 1, 'x' LIKE 'y') q").is_ok());
        assert!(parse("CREATE TABLE t (LIKE)").is_err());
    }
}
