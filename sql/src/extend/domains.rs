//! CREATE DOMAIN, whose clauses come in any order, in the order that the parser takes; NOT NULL as a condition that stands for it.

use sqlparser::tokenizer::Token;

use super::commands::end;
use super::{DOMAIN_NOT_NULL, DOMAIN_NULL, Words, quoted, words};

/// `CREATE DOMAIN name [AS] type clause …`; anything else is left as it is.
pub(super) fn create(statement: Words) -> Words {
    if !statement.is(1, "DOMAIN") {
        return statement;
    }
    let (Some(name), end) = (statement.name_end(2), end(&statement)) else {
        return statement;
    };
    let after = if statement.is(name, "AS") { name + 1 } else { name };
    let begins = starts(&statement, after, end);
    let first = begins.first().copied().unwrap_or(end);
    let mut told: Vec<Token> = words("AS").collect();
    told.extend(statement.tokens(after, first));
    let (mut collations, mut defaults, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, from) in begins.iter().enumerate() {
        let to = begins.get(nth + 1).copied().unwrap_or(end);
        let mut clause = statement.tokens(*from, to);
        match () {
            () if statement.is(*from, "COLLATE") => collations.append(&mut clause),
            () if statement.is(*from, "DEFAULT") => defaults.append(&mut clause),
            () if statement.is(*from, "CONSTRAINT") => {
                rest.extend(statement.tokens(*from, (*from + 2).min(to)));
                rest.extend(condition(&statement, *from + 2, to));
            }
            () => rest.extend(condition(&statement, *from, to)),
        }
    }
    told.extend(collations.into_iter().chain(defaults).chain(rest));
    statement.replaced(name, end, told)
}

/// Where clauses begin.
fn starts(statement: &Words, from: usize, end: usize) -> Vec<usize> {
    let mut depth = 0_i32;
    let mut begins: Vec<usize> = Vec::new();
    let mut named = false;
    // The type's own name is one word at least.
    for nth in from + 1..end {
        match statement.token(nth) {
            Some(Token::LParen | Token::LBracket) => depth += 1,
            Some(Token::RParen | Token::RBracket) => depth -= 1,
            _ => {}
        }
        if depth != 0 {
            continue;
        }
        // What stands behind DEFAULT is a part of its expression.
        if statement.is(nth - 1, "DEFAULT") {
            continue;
        }
        let null = statement.is(nth, "NULL") && !statement.is(nth - 1, "NOT");
        let constraint = statement.is(nth, "CHECK") || statement.phrase(nth, &["NOT", "NULL"]) || null;
        if constraint && named {
            named = false;
            continue;
        }
        if statement.is(nth, "CONSTRAINT") {
            named = true;
            begins.push(nth);
        } else if constraint || ["COLLATE", "DEFAULT"].iter().any(|word| statement.is(nth, word)) {
            begins.push(nth);
        }
    }
    begins
}

fn condition(statement: &Words, from: usize, to: usize) -> Vec<Token> {
    let stands_for = match () {
        () if statement.phrase(from, &["NOT", "NULL"]) => DOMAIN_NOT_NULL,
        () if statement.is(from, "NULL") => DOMAIN_NULL,
        () => return statement.tokens(from, to),
    };
    let mut check: Vec<Token> = words("CHECK").collect();
    check.extend([Token::LParen, quoted(stands_for.trim_matches('"')), Token::RParen]);
    check
}

/// DROP DOMAIN of several, as DROP TYPE.
pub(super) fn drop(statement: Words) -> Words {
    let several = || (2..statement.len()).any(|nth| statement.token(nth) == Some(&Token::Comma));
    match statement.is(1, "DOMAIN") && several() {
        true => statement.replaced(1, 2, words("TYPE").collect()),
        false => statement,
    }
}
