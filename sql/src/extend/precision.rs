//! `interval(2) '…'` as `'…'::interval(2)`: of the first the parser forgets the digits.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Puts the text before its type.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let is_interval = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.keyword == Keyword::INTERVAL);
    if !tokens.iter().any(is_interval) {
        return tokens;
    }
    let mut rewritten = Vec::with_capacity(tokens.len() + 8);
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some((text, behind)) = is_interval(first).then(|| digits_and_text(after)).flatten() {
            let type_tokens = after.get(..behind - 1).unwrap_or_default();
            let cast = TokenWithSpan::new(Token::DoubleColon, first.span);
            rewritten.extend([text.clone(), cast, first.clone()]);
            rewritten.extend_from_slice(type_tokens);
            rest = after.get(behind..).unwrap_or_default();
            continue;
        }
        rewritten.push(first.clone());
        rest = after;
    }
    rewritten
}

/// `(2) '…'`: the text, and how many tokens these are.
fn digits_and_text(tokens: &[TokenWithSpan]) -> Option<(&TokenWithSpan, usize)> {
    let mut found = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let mut next = || found.next();
    let (_, open) = next()?;
    let (_, digits) = next()?;
    let (_, close) = next()?;
    let (at, text) = next()?;
    let matches = open.token == Token::LParen
        && matches!(digits.token, Token::Number(..))
        && close.token == Token::RParen
        && matches!(text.token, Token::SingleQuotedString(_));
    matches.then_some((text, at + 1))
}
