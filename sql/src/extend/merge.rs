//! `THEN DO NOTHING` and `THEN INSERT DEFAULT VALUES` of MERGE.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{DEFAULTS, NOTHING, Words, quoted, words};

pub(super) fn rewrite(mut statement: Words) -> Vec<TokenWithSpan> {
    let (mut nth, mut matched) = (0, true);
    while nth < statement.len() {
        if statement.is(nth, "MATCHED") {
            matched = nth == 0 || !statement.is(nth - 1, "NOT");
        } else if statement.phrase(nth, &["THEN", "DO", "NOTHING"]) {
            let action = if matched {
                assigned(NOTHING)
            } else {
                inserted(NOTHING)
            };
            statement = statement.replaced(nth + 1, nth + 3, action);
        } else if statement.phrase(nth, &["THEN", "INSERT", "DEFAULT", "VALUES"]) {
            statement = statement.replaced(nth + 1, nth + 4, inserted(DEFAULTS));
        }
        nth += 1;
    }
    statement.0
}

fn assigned(column: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = words("UPDATE SET").collect();
    tokens.extend([quoted(column), Token::Eq, Token::Number("1".to_owned(), false)]);
    tokens
}

fn inserted(column: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = words("INSERT").collect();
    tokens.extend([Token::LParen, quoted(column), Token::RParen]);
    tokens.extend(words("VALUES"));
    tokens.extend([Token::LParen, Token::Number("1".to_owned(), false), Token::RParen]);
    tokens
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn clauses_that_do_nothing_or_insert_defaults_are_read() {
        let text = "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.a > 1 THEN DO NOTHING \
                    WHEN NOT MATCHED AND s.a > 2 THEN INSERT DEFAULT VALUES WHEN NOT MATCHED THEN DO NOTHING";
        let statements = parse(text).unwrap();
        assert_eq!(statements[0].text(), text);
        let written = statements[0].ast().to_string();
        assert_eq!(written.matches("radlake.nothing").count(), 2, "{written}");
        assert_eq!(written.matches("radlake.defaults").count(), 1, "{written}");
        assert!(parse("MERGE INTO t USING s ON true WHEN MATCHED THEN DO SOMETHING").is_err());
    }
}
