//! Grammar of PostgreSQL that the parser lacks, said in words that it has: on the tokens, before parsing.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// Column that stands for what a WHEN clause of MERGE does without columns of its own.
pub const NOTHING: &str = "radlake.nothing";
/// The same for `INSERT DEFAULT VALUES`.
pub const DEFAULTS: &str = "radlake.defaults";

/// Rewrites what the parser would refuse. Spans stay those of the text, so that places in errors do.
pub(crate) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let merges = tokens
        .iter()
        .any(|token| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::MERGE));
    if merges { merge(tokens) } else { tokens }
}

/// `THEN DO NOTHING` and `THEN INSERT DEFAULT VALUES`.
fn merge(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    // Places of the tokens that mean something.
    let places: Vec<usize> = (0..tokens.len())
        .filter(|at| !matches!(tokens[*at].token, Token::Whitespace(_)))
        .collect();
    let is = |nth: usize, wanted: Keyword| {
        places.get(nth).is_some_and(|at| {
            matches!(&tokens[*at].token, Token::Word(word)
                if word.keyword == wanted && word.quote_style.is_none())
        })
    };
    let phrase = |nth: usize, words: [Keyword; 3]| {
        words
            .into_iter()
            .enumerate()
            .all(|(at, wanted)| is(nth + at, wanted))
    };
    let mut rewritten = Vec::with_capacity(tokens.len());
    let (mut nth, mut matched) = (0, true);
    while let Some(at) = places.get(nth).copied() {
        if is(nth, Keyword::MATCHED) {
            matched = nth == 0 || !is(nth - 1, Keyword::NOT);
        }
        let replaced = if phrase(nth, [Keyword::THEN, Keyword::DO, Keyword::NOTHING]) {
            nth += 2;
            Some(match matched {
                true => assigned(NOTHING),
                false => inserted(NOTHING),
            })
        } else if phrase(nth, [Keyword::INSERT, Keyword::DEFAULT, Keyword::VALUES])
            && nth > 0
            && is(nth - 1, Keyword::THEN)
        {
            nth += 2;
            Some(inserted(DEFAULTS).split_off(1))
        } else {
            None
        };
        match replaced {
            None => rewritten.push(tokens[at].clone()),
            Some(words) => {
                let span = tokens[at].span;
                rewritten.extend(words.into_iter().map(|token| TokenWithSpan { token, span }));
            }
        }
        nth += 1;
    }
    // The end of the text, with its place.
    rewritten
}

fn assigned(column: &str) -> Vec<Token> {
    vec![
        Token::make_keyword("THEN"),
        Token::make_keyword("UPDATE"),
        Token::make_keyword("SET"),
        quoted(column),
        Token::Eq,
        Token::Number("1".to_owned(), false),
    ]
}

fn inserted(column: &str) -> Vec<Token> {
    vec![
        Token::make_keyword("THEN"),
        Token::make_keyword("INSERT"),
        Token::LParen,
        quoted(column),
        Token::RParen,
        Token::make_keyword("VALUES"),
        Token::LParen,
        Token::Number("1".to_owned(), false),
        Token::RParen,
    ]
}

fn quoted(name: &str) -> Token {
    Token::Word(Word {
        value: name.to_owned(),
        quote_style: Some('"'),
        keyword: Keyword::NoKeyword,
    })
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn clauses_of_merge_that_do_nothing_or_insert_defaults_are_read() {
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
