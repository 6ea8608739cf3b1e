//! `x OPERATOR(pg_catalog.=) ANY (…)`, which the parser takes with a bare operator only.
//!
//! Elsewhere the parser knows the form, whose precedence is its own: it stays there. Before ANY and ALL there is nothing behind the operator
//! that could bind otherwise.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Puts the bare operator in its place.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let begins = |token: &TokenWithSpan| super::is_word(&token.token, "OPERATOR");
    if !tokens.iter().any(begins) {
        return tokens;
    }
    let mut rewritten = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match begins(first).then(|| operator(after)).flatten() {
            Some((operator, behind)) => {
                rewritten.push(operator.clone());
                rest = after.get(behind..).unwrap_or_default();
            }
            None => {
                rewritten.push(first.clone());
                rest = after;
            }
        }
    }
    rewritten
}

/// `(pg_catalog.=)` before ANY or ALL: the operator, and how many tokens that is.
fn operator(tokens: &[TokenWithSpan]) -> Option<(&TokenWithSpan, usize)> {
    let mut found = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let mut next = || found.next();
    let (_, open) = next()?;
    let (_, schema) = next()?;
    let (_, dot) = next()?;
    let (_, operator) = next()?;
    let (close_at, close) = next()?;
    let (_, quantifier) = next()?;
    let quantified = matches!(&quantifier.token, Token::Word(word)
        if matches!(word.keyword, Keyword::ANY | Keyword::ALL | Keyword::SOME));
    let matches = open.token == Token::LParen
        && super::is_word(&schema.token, "pg_catalog")
        && dot.token == Token::Period
        && close.token == Token::RParen
        && quantified;
    matches.then_some((operator, close_at + 1))
}

#[cfg(test)]
mod tests {
    fn text(sql: &str) -> String {
        crate::parse(sql).unwrap()[0].ast().to_string()
    }

    #[test]
    fn the_operator_stands_bare_before_any_and_nowhere_else() {
        assert_eq!(
            text("SELECT a OPERATOR(pg_catalog.=) ANY (ARRAY['r'])"),
            text("SELECT a = ANY (ARRAY['r'])")
        );
        assert_eq!(
            text("SELECT a OPERATOR ( pg_catalog.<> ) ALL (ARRAY[1])"),
            text("SELECT a <> ALL (ARRAY[1])")
        );
        assert!(text("SELECT a OPERATOR(pg_catalog.*) b + c").contains("OPERATOR"));
    }
}
