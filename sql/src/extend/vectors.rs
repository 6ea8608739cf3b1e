//! Distances of vectors, `<->`, `<=>` and `<+>`, as operators like any other. The parser knows the first two at the precedence of
//! other things, and the third not at all.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Makes them operators of PostgreSQL's common precedence: below `+`, above `<`.
pub(super) fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let concerns =
        |token: &TokenWithSpan| matches!(token.token, Token::TwoWayArrow | Token::Spaceship | Token::Lt);
    if !tokens.iter().any(concerns) {
        return tokens;
    }
    let mut rewritten = Vec::with_capacity(tokens.len());
    // `<`, or `<+`, which `>` makes an operator.
    let mut waiting: Vec<TokenWithSpan> = Vec::new();
    for mut token in tokens {
        match token.token {
            Token::TwoWayArrow => token.token = Token::CustomBinaryOperator("<->".to_owned()),
            Token::Spaceship => token.token = Token::CustomBinaryOperator("<=>".to_owned()),
            _ => {}
        }
        let adjoins = waiting
            .last()
            .is_some_and(|last| last.span.end == token.span.start);
        match (waiting.len(), &token.token) {
            (1, Token::Plus) if adjoins => waiting.push(token),
            (2, Token::Gt) if adjoins => {
                if let Some(mut first) = waiting.drain(..).next() {
                    first.token = Token::CustomBinaryOperator("<+>".to_owned());
                    first.span.end = token.span.end;
                    rewritten.push(first);
                }
            }
            (_, Token::Lt) => {
                rewritten.append(&mut waiting);
                waiting.push(token);
            }
            _ => {
                rewritten.append(&mut waiting);
                rewritten.push(token);
            }
        }
    }
    rewritten.append(&mut waiting);
    rewritten
}

#[cfg(test)]
mod tests {
    use crate::parse;

    fn read(expression: &str) -> String {
        parse(&format!("SELECT {expression}")).unwrap()[0]
            .ast()
            .to_string()
    }

    #[test]
    fn distances_are_operators() {
        for operator in ["<->", "<#>", "<=>", "<+>"] {
            let text = read(&format!("a {operator} b"));
            assert_eq!(text, format!("SELECT a {operator} b"));
            assert_eq!(
                read(&format!("a{operator}'[1]'::vector")),
                format!("SELECT a {operator} '[1]'::vector")
            );
            // Below arithmetic, above comparisons.
            let statement = parse(&format!("SELECT a {operator} b + c < 1")).unwrap();
            assert!(format!("{:?}", statement[0].ast()).contains("op: Lt, right: Value"));
            assert!(format!("{:?}", statement[0].ast()).contains("op: Plus"));
        }
        assert_eq!(read("a < +b"), "SELECT a < +b");
        assert_eq!(read("a <-b"), "SELECT a < -b");
    }
}
