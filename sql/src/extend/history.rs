//! `radlake.history` among the rights of GRANT and REVOKE, which becomes one that the parser knows and nobody else has.

use sqlparser::tokenizer::Token;

use super::{Words, is_word, quoted, words};

pub(super) fn rewrite(mut statement: Words) -> Words {
    let mut nth = 0;
    while nth < statement.len() && !statement.is(nth, "ON") {
        let whole =
            matches!(statement.token(nth), Some(Token::Word(word)) if word.value == "radlake.history");
        let dotted = statement.is(nth, "radlake")
            && statement.token(nth + 1) == Some(&Token::Period)
            && statement.is(nth + 2, "history");
        let theirs = statement.token(nth).is_some_and(|token| is_word(token, "AUDIT"));
        statement = match (whole, dotted, theirs) {
            (true, ..) => statement.replaced(nth, nth + 1, words("AUDIT").collect()),
            (_, true, _) => statement.replaced(nth, nth + 3, words("AUDIT").collect()),
            // PostgreSQL knows no such right.
            (_, _, true) => statement.replaced(nth, nth + 1, vec![quoted("audit")]),
            _ => statement,
        };
        nth += 1;
    }
    statement
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn the_right_to_what_is_gone_has_a_name_of_ours() {
        for text in [
            "GRANT SELECT, radlake.history ON t TO r",
            "grant select, Radlake.History on t to r",
            r#"GRANT SELECT, "radlake.history" ON t TO r"#,
        ] {
            let written = parse(text).unwrap()[0].ast().to_string();
            assert_eq!(written, "GRANT SELECT, AUDIT ON t TO r", "{text}");
        }
        assert!(parse("REVOKE radlake.history ON ALL TABLES IN SCHEMA s FROM r").is_ok());
        assert!(parse("GRANT AUDIT ON t TO r").is_err());
        assert!(parse("GRANT radlake.other ON t TO r").is_err());
    }
}
