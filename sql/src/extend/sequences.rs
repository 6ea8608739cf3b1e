//! CREATE SEQUENCE and ALTER SEQUENCE, whose options come in any order, as a procedure.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::commands::{call, end};
use super::{SEQUENCE, Words, text, words};

/// `CREATE [TEMP] SEQUENCE [IF NOT EXISTS] name option …`; anything else is left as it is.
pub(super) fn create(statement: Words) -> Words {
    let mut at = 1;
    let temporary = statement.is(at, "TEMP") || statement.is(at, "TEMPORARY");
    if temporary || statement.is(at, "UNLOGGED") {
        at += 1;
    }
    if !statement.is(at, "SEQUENCE") {
        return statement;
    }
    at += 1;
    let lenient = statement.phrase(at, &["IF", "NOT", "EXISTS"]);
    if lenient {
        at += 3;
    }
    Words(told(statement, "CREATE", temporary, lenient, at))
}

/// `ALTER SEQUENCE [IF EXISTS] name option …`; `None` for what relations have in common (RENAME, OWNER TO, SET SCHEMA).
pub(super) fn alter(statement: &Words) -> Option<usize> {
    if !statement.is(1, "SEQUENCE") {
        return None;
    }
    let name = if statement.phrase(2, &["IF", "EXISTS"]) {
        4
    } else {
        2
    };
    let after = statement.name_end(name)?;
    let common = ["RENAME", "SET"].iter().any(|word| statement.is(after, word))
        || statement.phrase(after, &["OWNER", "TO"]);
    (!common).then_some(name)
}

/// What [`alter`] found, as the procedure.
pub(super) fn altered(statement: Words, name: usize) -> Vec<TokenWithSpan> {
    told(statement, "ALTER", false, name == 4, name)
}

/// The procedure: CREATE or ALTER, whether TEMP, whether IF [NOT] EXISTS, the name, then options in pairs: their words in capitals,
/// and the value or NULL. A statement of another form is left for the parser to refuse.
fn told(statement: Words, verb: &str, temporary: bool, lenient: bool, name: usize) -> Vec<TokenWithSpan> {
    let Some(after) = statement.name_end(name) else {
        return statement.0;
    };
    let Some(options) = options(&statement, after, end(&statement)) else {
        return statement.0;
    };
    let flag = |on: bool| words(if on { "TRUE" } else { "FALSE" }).collect::<Vec<_>>();
    let mut arguments = vec![
        vec![text(verb)],
        flag(temporary),
        flag(lenient),
        statement.tokens(name, after),
    ];
    for (option, value) in options {
        arguments.push(vec![text(option)]);
        arguments.push(value);
    }
    call(statement, SEQUENCE, arguments)
}

/// `GENERATED … AS IDENTITY (option …)`: the options in the order that the parser takes.
pub(super) fn identity(mut statement: Words) -> Words {
    const ORDER: [&str; 6] = ["INCREMENT", "MINVALUE", "MAXVALUE", "START", "CACHE", "CYCLE"];
    let mut nth = 0;
    while nth + 1 < statement.len() {
        let opens = statement.is(nth, "IDENTITY") && statement.token(nth + 1) == Some(&Token::LParen);
        nth += 1;
        if !opens {
            continue;
        }
        let close = (nth..statement.len()).find(|at| statement.token(*at) == Some(&Token::RParen));
        let Some(found) = close.and_then(|close| Some((close, options(&statement, nth + 1, close)?))) else {
            continue;
        };
        let (close, options) = found;
        // What the parser has no word for is left for it to refuse.
        if options.iter().any(|(option, _)| !ORDER.contains(option)) {
            continue;
        }
        let mut ordered: Vec<Token> = Vec::new();
        for word in ORDER {
            for (_, value) in options.iter().filter(|(option, _)| *option == word) {
                let is = |wanted: &str| value.first().is_some_and(|token| super::is_word(token, wanted));
                match word {
                    "CYCLE" if is("FALSE") => ordered.extend(words("NO CYCLE")),
                    "CYCLE" => ordered.extend(words("CYCLE")),
                    _ if is("NULL") => ordered.extend(words("NO").chain(words(word))),
                    _ => {
                        ordered.extend(words(word));
                        ordered.extend(value.iter().cloned());
                    }
                }
            }
        }
        statement = statement.replaced(nth + 1, close, ordered);
    }
    statement
}

fn options(statement: &Words, from: usize, end: usize) -> Option<Vec<(&'static str, Vec<Token>)>> {
    let nothing = || words("NULL").collect::<Vec<_>>();
    let mut found = Vec::new();
    let mut at = from;
    while at < end {
        let number = |at: usize| match (statement.token(at)?, statement.token(at + 1)) {
            (Token::Number(..), _) => Some((statement.tokens(at, at + 1), at + 1)),
            (Token::Minus | Token::Plus, Some(Token::Number(..))) => {
                Some((statement.tokens(at, at + 2), at + 2))
            }
            _ => None,
        };
        // With a number behind the words, the second of which may be left out.
        let counted = [
            ("INCREMENT", "BY"),
            ("MINVALUE", ""),
            ("MAXVALUE", ""),
            ("START", "WITH"),
            ("RESTART", "WITH"),
            ("CACHE", ""),
        ];
        if let Some((word, filler)) = counted.into_iter().find(|(word, _)| statement.is(at, word)) {
            let skipped = usize::from(!filler.is_empty() && statement.is(at + 1, filler));
            match number(at + 1 + skipped) {
                Some((value, next)) => {
                    found.push((word, value));
                    at = next;
                }
                None if word == "RESTART" && skipped == 0 => {
                    found.push((word, nothing()));
                    at += 1;
                }
                None => return None,
            }
        } else if statement.phrase(at, &["NO", "MINVALUE"]) || statement.phrase(at, &["NO", "MAXVALUE"]) {
            let word = if statement.is(at + 1, "MINVALUE") {
                "MINVALUE"
            } else {
                "MAXVALUE"
            };
            found.push((word, nothing()));
            at += 2;
        } else if statement.phrase(at, &["NO", "CYCLE"]) {
            found.push(("CYCLE", words("FALSE").collect()));
            at += 2;
        } else if statement.is(at, "CYCLE") {
            found.push(("CYCLE", words("TRUE").collect()));
            at += 1;
        } else if statement.is(at, "AS") {
            let Some(Token::Word(word)) = statement.token(at + 1) else {
                return None;
            };
            found.push(("AS", vec![text(&word.value.to_lowercase())]));
            at += 2;
        } else if statement.phrase(at, &["OWNED", "BY", "NONE"]) {
            found.push(("OWNED BY", nothing()));
            at += 3;
        } else if statement.phrase(at, &["OWNED", "BY"]) {
            let after = statement.name_end(at + 2)?;
            found.push(("OWNED BY", statement.tokens(at + 2, after)));
            at = after;
        } else {
            return None;
        }
    }
    Some(found)
}
