//! FETCH and MOVE in all their forms, as a procedure.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::commands::{call, end};
use super::{FETCH, Words, text};

/// `FETCH [direction] [FROM | IN] cursor`, MOVE likewise; whatever has another form is left for the parser to refuse.
pub(super) fn fetch(statement: Words) -> Vec<TokenWithSpan> {
    match read(&statement) {
        Some(arguments) => {
            let arguments = arguments.iter().map(|argument| vec![text(argument)]);
            let arguments = arguments.collect();
            call(statement, FETCH, arguments)
        }
        None => statement.0,
    }
}

/// What the procedure is told: FETCH or MOVE, the direction, how many rows or which, and the cursor.
fn read(statement: &Words) -> Option<[String; 4]> {
    let end = end(statement);
    let name = match statement.token(end.checked_sub(1).filter(|last| *last > 0)?)? {
        Token::Word(word) if word.quote_style.is_some() => word.value.clone(),
        Token::Word(word) => word.value.to_lowercase(),
        _ => return None,
    };
    let mut upto = end - 1;
    if upto > 1 && (statement.is(upto - 1, "FROM") || statement.is(upto - 1, "IN")) {
        upto -= 1;
    }
    let count = |from: usize| -> Option<String> {
        match statement.tokens(from, upto).as_slice() {
            [Token::Number(digits, false)] | [Token::Plus, Token::Number(digits, false)] => {
                digits.parse::<i64>().ok().map(|n| n.to_string())
            }
            [Token::Minus, Token::Number(digits, false)] => {
                format!("-{digits}").parse::<i64>().ok().map(|n| n.to_string())
            }
            _ => None,
        }
    };
    let said = |direction: &str, count: &str| Some((direction.to_owned(), count.to_owned()));
    let only = upto == 2;
    let (direction, count) = if upto == 1 || only && statement.is(1, "NEXT") {
        said("FORWARD", "1")
    } else if only && statement.is(1, "PRIOR") {
        said("BACKWARD", "1")
    } else if only && statement.is(1, "FIRST") {
        said("ABSOLUTE", "1")
    } else if only && statement.is(1, "LAST") {
        said("ABSOLUTE", "-1")
    } else if only && statement.is(1, "ALL") {
        said("FORWARD", "ALL")
    } else if let Some(count) = count(1) {
        Some(("FORWARD".to_owned(), count))
    } else {
        let direction = ["FORWARD", "BACKWARD", "ABSOLUTE", "RELATIVE"]
            .into_iter()
            .find(|word| statement.is(1, word))?;
        let moves = matches!(direction, "FORWARD" | "BACKWARD");
        if only && moves {
            said(direction, "1")
        } else if upto == 3 && moves && statement.is(2, "ALL") {
            said(direction, "ALL")
        } else {
            count(2).map(|count| (direction.to_owned(), count))
        }
    }?;
    let verb = if statement.is(0, "MOVE") { "MOVE" } else { "FETCH" };
    Some([verb.to_owned(), direction, count, name])
}
