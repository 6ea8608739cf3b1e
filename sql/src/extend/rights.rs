//! Statements about rights that the parser does not know, or not with these words.

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::commands::{call, end};
use super::{DROP_OWNED, OURS, REASSIGN_OWNED, Words, ours};

/// A grantee of REVOKE that is none: it takes the option to pass on, and leaves the right.
const OPTION: &str = "radlake.option";

/// Whether a REVOKE takes only the option to pass on, and from whom.
#[must_use]
pub fn option_only(revoke: &ast::Revoke) -> (bool, &[ast::Grantee]) {
    match revoke.grantees.split_first() {
        Some((first, grantees)) if is_option(first) => (true, grantees),
        _ => (false, &revoke.grantees),
    }
}

fn is_option(grantee: &ast::Grantee) -> bool {
    match &grantee.name {
        Some(ast::GranteeName::ObjectName(name)) => marked(name, OPTION).is_some(),
        _ => false,
    }
}

/// The parts of a name behind a mark of ours.
fn marked<'n>(name: &'n ast::ObjectName, mark: &str) -> Option<&'n [ast::ObjectNamePart]> {
    let (first, rest) = name.0.split_first()?;
    let first = first.as_ident()?;
    (first.quote_style == Some(OURS) && first.value == mark).then_some(rest)
}

/// Where words stand outside of parentheses, from `nth` on.
fn find(statement: &Words, nth: usize, word: &str) -> Option<usize> {
    let mut depth = 0_i32;
    (nth..statement.len()).find(|nth| {
        match statement.token(*nth) {
            Some(Token::LParen) => depth += 1,
            Some(Token::RParen) => depth -= 1,
            _ => {}
        }
        depth == 0 && statement.is(*nth, word)
    })
}

/// `GRANT` and `REVOKE [GRANT OPTION FOR | ADMIN OPTION FOR]`.
pub(super) fn change(statement: Words) -> Vec<TokenWithSpan> {
    all_of_columns(option_for(statement)).0
}

fn option_for(statement: Words) -> Words {
    let on = find(&statement, 1, "ON").is_some();
    // A role is revoked with ADMIN OPTION, a right with GRANT OPTION.
    let option = match on {
        true => "GRANT",
        false => "ADMIN",
    };
    if !statement.is(0, "REVOKE") || !statement.phrase(1, &[option, "OPTION", "FOR"]) {
        return statement;
    }
    let Some(from) = find(&statement, 4, "FROM") else {
        return statement;
    };
    let marked = vec![ours(OPTION), Token::Comma];
    let statement = statement.replaced(from + 1, from + 1, marked);
    statement.replaced(1, 4, Vec::new())
}

/// `ALL [PRIVILEGES] (columns)`: each right that a column may have.
fn all_of_columns(statement: Words) -> Words {
    let begin = if statement.is(2, "PRIVILEGES") { 3 } else { 2 };
    if !statement.is(1, "ALL") || statement.token(begin) != Some(&Token::LParen) {
        return statement;
    }
    let Some(close) = (begin..statement.len()).find(|nth| statement.token(*nth) == Some(&Token::RParen))
    else {
        return statement;
    };
    let columns = statement.tokens(begin, close + 1);
    let mut each = Vec::new();
    for (at, right) in ["SELECT", "INSERT", "UPDATE", "REFERENCES"]
        .into_iter()
        .enumerate()
    {
        if at > 0 {
            each.push(Token::Comma);
        }
        each.push(Token::make_keyword(right));
        each.extend_from_slice(&columns);
    }
    statement.replaced(1, close + 1, each)
}

/// Names of roles with commas between, each as an argument of a procedure; `None` for anything else.
fn roles(statement: &Words, begin: usize, end: usize) -> Option<Vec<Vec<Token>>> {
    let mut roles = Vec::new();
    for (at, nth) in (begin..end).enumerate() {
        match statement.token(nth)? {
            // In an expression, `current_user` would be a call.
            Token::Word(word) if at % 2 == 0 => roles.push(vec![match word.quote_style {
                None => ours(&word.value),
                Some(_) => Token::Word(word.clone()),
            }]),
            Token::Comma if at % 2 == 1 => {}
            _ => return None,
        }
    }
    (begin < end && (end - begin) % 2 == 1).then_some(roles)
}

/// The name of a role that is an argument of [`REASSIGN_OWNED`] or [`DROP_OWNED`].
#[must_use]
pub fn role(argument: &ast::Expr) -> Option<ast::Ident> {
    match argument {
        ast::Expr::Identifier(name) if name.quote_style == Some(OURS) => Some(ast::Ident::new(&name.value)),
        ast::Expr::Identifier(name) => Some(name.clone()),
        _ => None,
    }
}

/// `REASSIGN OWNED BY roles TO role`.
pub(super) fn reassign_owned(statement: Words) -> Vec<TokenWithSpan> {
    let end = end(&statement);
    let parsed = (end > 5 && statement.phrase(1, &["OWNED", "BY"]) && statement.is(end - 2, "TO"))
        .then(|| Some((roles(&statement, 3, end - 2)?, roles(&statement, end - 1, end)?)))
        .flatten();
    let Some((old, new)) = parsed else {
        return statement.0;
    };
    call(statement, REASSIGN_OWNED, new.into_iter().chain(old).collect())
}

/// `DROP OWNED BY roles [CASCADE | RESTRICT]`.
pub(super) fn drop_owned(statement: Words) -> Vec<TokenWithSpan> {
    let end = end(&statement);
    if !statement.phrase(1, &["OWNED", "BY"]) {
        return statement.0;
    }
    let cascade = statement.is(end - 1, "CASCADE");
    let told = cascade || statement.is(end - 1, "RESTRICT");
    let Some(roles) = roles(&statement, 3, if told { end - 1 } else { end }) else {
        return statement.0;
    };
    let cascade = Token::make_keyword(if cascade { "TRUE" } else { "FALSE" });
    call(
        statement,
        DROP_OWNED,
        std::iter::once(vec![cascade]).chain(roles).collect(),
    )
}
