//! `EXCLUDE CURRENT ROW | GROUP | TIES` of a window's frame, which the parser does not have: a constant among the window's partitions,
//! [`EXCLUDE`] with the kind, which parts nothing.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{EXCLUDE, is_word, text, words};

pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| is_word(&token.token, "EXCLUDE")) {
        return tokens;
    }
    let mut rewritten: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 4);
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if is_word(&first.token, "EXCLUDE")
            && let Some((kind, length)) = kind(after)
            && let Some(open) = opening(&rewritten)
        {
            if let Some(kind) = kind {
                mark(&mut rewritten, open, kind);
            }
            rest = after.get(length..).unwrap_or_default();
            continue;
        }
        rewritten.push(first.clone());
        rest = after;
    }
    rewritten
}

fn means(token: &TokenWithSpan) -> bool {
    !matches!(token.token, Token::Whitespace(_))
}

/// What follows EXCLUDE up to the end of the window, and how many tokens these are; nothing is left out by NO OTHERS.
fn kind(tokens: &[TokenWithSpan]) -> Option<(Option<&'static str>, usize)> {
    const KINDS: [(&[&str], Option<&str>); 4] = [
        (&["CURRENT", "ROW"], Some("current row")),
        (&["GROUP"], Some("group")),
        (&["TIES"], Some("ties")),
        (&["NO", "OTHERS"], None),
    ];
    KINDS.into_iter().find_map(|(wanted, kind)| {
        let mut found = tokens.iter().enumerate().filter(|(_, token)| means(token));
        let mut length = 0;
        for word in wanted {
            let (at, token) = found.next()?;
            if !is_word(&token.token, word) {
                return None;
            }
            length = at + 1;
        }
        (found.next()?.1.token == Token::RParen).then_some((kind, length))
    })
}

/// Where the parenthesis is that the window begins with, if there is a frame in it.
fn opening(tokens: &[TokenWithSpan]) -> Option<usize> {
    let (mut depth, mut frame) = (0_usize, false);
    for (at, token) in tokens.iter().enumerate().rev() {
        match token.token {
            Token::RParen => depth += 1,
            Token::LParen if depth == 0 => return frame.then_some(at),
            Token::LParen => depth -= 1,
            _ if depth == 0 => {
                frame |= ["ROWS", "RANGE", "GROUPS"]
                    .iter()
                    .any(|word| is_word(&token.token, word));
            }
            _ => {}
        }
    }
    None
}

/// Puts the constant before what a window is partitioned by.
fn mark(tokens: &mut Vec<TokenWithSpan>, open: usize, kind: &str) {
    let mut inner = (open + 1..tokens.len()).filter(|at| means(&tokens[*at]));
    let Some(mut at) = inner.next() else { return };
    // The name of the window that this one is built upon comes first.
    const FIRST: [&str; 5] = ["PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"];
    let is_first = |at: usize| FIRST.iter().any(|word| is_word(&tokens[at].token, word));
    if !is_first(at) {
        let Some(next) = inner.next() else { return };
        at = next;
    }
    let span = tokens[at].span;
    // In parentheses: the planner takes no notice of constants without.
    let constant = [Token::LParen, text(&format!("{EXCLUDE}{kind}")), Token::RParen];
    let (place, put): (usize, Vec<Token>) = match is_word(&tokens[at].token, "PARTITION") {
        true => {
            let Some(by) = inner.next() else { return };
            (by + 1, constant.into_iter().chain([Token::Comma]).collect())
        }
        false => (at, words("PARTITION BY").chain(constant).collect()),
    };
    let put = put.into_iter().map(|token| TokenWithSpan { token, span });
    let _ = tokens.splice(place..place, put).count();
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn read(window: &str) -> String {
        parse(&format!("SELECT sum(a) OVER ({window}) FROM t")).unwrap()[0]
            .ast()
            .to_string()
    }

    #[test]
    fn what_a_frame_leaves_out_is_among_its_partitions() {
        assert_eq!(
            read("ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW"),
            "SELECT sum(a) OVER (PARTITION BY ('radlake.exclude current row') ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t"
        );
        assert_eq!(
            read("PARTITION BY f(c) ORDER BY b RANGE UNBOUNDED PRECEDING exclude ties"),
            "SELECT sum(a) OVER (PARTITION BY ('radlake.exclude ties'), f(c) ORDER BY b RANGE UNBOUNDED PRECEDING) FROM t"
        );
        assert_eq!(
            read("w GROUPS 1 PRECEDING EXCLUDE GROUP"),
            "SELECT sum(a) OVER (w PARTITION BY ('radlake.exclude group') GROUPS 1 PRECEDING) FROM t"
        );
        assert_eq!(
            read("ORDER BY b ROWS 1 PRECEDING EXCLUDE NO OTHERS"),
            "SELECT sum(a) OVER (ORDER BY b ROWS 1 PRECEDING) FROM t"
        );
        assert!(parse("SELECT sum(a) OVER (ORDER BY b EXCLUDE TIES) FROM t").is_err());
        assert!(parse("SELECT exclude FROM (SELECT 1 AS exclude) group").is_err());
        assert!(parse("SELECT exclude FROM t").is_ok());
    }
}
