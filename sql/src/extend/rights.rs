//! Statements about rights that the parser does not know, or not with these words.

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::commands::{call, end};
use super::{DROP_OWNED, OURS, REASSIGN_OWNED, Words, ours, quoted};

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

/// What ALTER DEFAULT PRIVILEGES is about.
#[derive(Debug)]
pub struct Defaults {
    /// `TABLES`, `SCHEMAS` …, in capitals.
    pub on: String,
    /// Whose objects: the acting role's if there is none.
    pub roles: Vec<ast::Ident>,
    /// Where: anywhere if there is none.
    pub schemas: Vec<ast::Ident>,
}

/// The object of a GRANT or REVOKE that is an ALTER DEFAULT PRIVILEGES.
const DEFAULT: &str = "radlake.default";
/// A role of one, or a schema.
const OF_ROLE: &str = "radlake.default_role";
const IN_SCHEMA: &str = "radlake.default_schema";

/// What a GRANT or REVOKE is about that stands for ALTER DEFAULT PRIVILEGES.
#[must_use]
pub fn defaults(objects: &ast::GrantObjects) -> Option<Defaults> {
    let ast::GrantObjects::Tables(names) = objects else {
        return None;
    };
    let ident = |name: &ast::ObjectName, mark| match marked(name, mark)? {
        [only] => only.as_ident().cloned(),
        _ => None,
    };
    let all = |mark| {
        names
            .iter()
            .filter_map(|name| ident(name, mark))
            .collect::<Vec<_>>()
    };
    Some(Defaults {
        on: ident(names.first()?, DEFAULT)?.value,
        roles: all(OF_ROLE).into_iter().map(unmarked).collect(),
        schemas: all(IN_SCHEMA).into_iter().map(unmarked).collect(),
    })
}

/// `ALTER DEFAULT PRIVILEGES [FOR ROLE roles] [IN SCHEMA schemas] GRANT | REVOKE …`, as a GRANT or REVOKE.
pub(super) fn default_privileges(statement: Words) -> Vec<TokenWithSpan> {
    let changes = |nth| statement.is(nth, "GRANT") || statement.is(nth, "REVOKE");
    let Some(verb) = (3..statement.len()).find(|nth| changes(*nth)) else {
        return statement.0;
    };
    let mut about = Vec::new();
    let mut begin = 3;
    while begin < verb {
        let (mark, words) = match () {
            () if statement.phrase(begin, &["FOR", "ROLE"]) || statement.phrase(begin, &["FOR", "USER"]) => {
                (OF_ROLE, begin + 2)
            }
            () if statement.phrase(begin, &["IN", "SCHEMA"]) => (IN_SCHEMA, begin + 2),
            () => return statement.0,
        };
        let next = |nth: &usize| statement.is(*nth, "FOR") || statement.is(*nth, "IN");
        let end = (words..verb).find(next).unwrap_or(verb);
        let Some(names) = roles(&statement, words, end) else {
            return statement.0;
        };
        for name in names {
            about.extend([Token::Comma, ours(mark), Token::Period]);
            about.extend(name);
        }
        begin = end;
    }
    let (on, kind) = match find(&statement, verb, "ON").map(|on| (on, statement.token(on + 1))) {
        Some((on, Some(Token::Word(word)))) if word.quote_style.is_none() => (on, word.value.to_uppercase()),
        _ => return statement.0,
    };
    let mut objects = vec![
        Token::make_keyword("TABLE"),
        ours(DEFAULT),
        Token::Period,
        quoted(&kind),
    ];
    objects.extend(about);
    let Some(Token::Word(word)) = statement.token(verb).cloned() else {
        return statement.0;
    };
    let statement = statement.replaced(on + 1, on + 2, objects);
    change(statement.replaced(0, verb + 1, vec![Token::Word(word)]))
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
        ast::Expr::Identifier(name) => Some(unmarked(name.clone())),
        _ => None,
    }
}

/// A name as it was written before [`roles`].
fn unmarked(name: ast::Ident) -> ast::Ident {
    match name.quote_style {
        Some(OURS) => ast::Ident::new(name.value),
        _ => name,
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

#[cfg(test)]
mod tests {
    use sqlparser::ast;

    use super::{defaults, option_only};
    use crate::{Kind, parse};

    #[test]
    fn options_are_told_from_rights() {
        for (text, written, option) in [
            ("REVOKE SELECT ON t FROM a", "REVOKE SELECT ON t FROM a", false),
            (
                "REVOKE GRANT OPTION FOR SELECT (b), INSERT ON t FROM a, c CASCADE",
                "REVOKE SELECT (b), INSERT ON t FROM `radlake.option`, a, c CASCADE",
                true,
            ),
            (
                "REVOKE ADMIN OPTION FOR r FROM a;",
                "REVOKE ROLE r FROM `radlake.option`, a",
                true,
            ),
            (
                "REVOKE ALL (b) ON t FROM a",
                "REVOKE SELECT (b), INSERT (b), UPDATE (b), REFERENCES (b) ON t FROM a",
                false,
            ),
        ] {
            let statements = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(statements[0].ast().to_string(), written);
            let ast::Statement::Revoke(revoke) = statements[0].ast() else {
                panic!("{text}");
            };
            assert_eq!(option_only(revoke).0, option, "{text}");
        }
    }

    #[test]
    fn default_privileges_are_grants() {
        let text = "ALTER DEFAULT PRIVILEGES FOR ROLE a, \"B\" IN SCHEMA s GRANT SELECT ON TABLES TO c WITH GRANT OPTION";
        let statements = parse(text).unwrap();
        assert_eq!(statements[0].kind(), Kind::Govern);
        assert_eq!(statements[0].text(), text);
        let ast::Statement::Grant(grant) = statements[0].ast() else {
            panic!("{text}");
        };
        let found = grant.objects.as_ref().and_then(defaults).unwrap();
        assert_eq!(found.on, "TABLES");
        let names: Vec<String> = found
            .roles
            .iter()
            .chain(&found.schemas)
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["a", "\"B\"", "s"]);
        assert!(grant.with_grant_option);
        let text = "ALTER DEFAULT PRIVILEGES REVOKE GRANT OPTION FOR ALL ON SCHEMAS FROM c";
        let statements = parse(text).unwrap();
        let ast::Statement::Revoke(revoke) = statements[0].ast() else {
            panic!("{text}");
        };
        assert!(option_only(revoke).0);
        for text in [
            "ALTER DEFAULT PRIVILEGES",
            "ALTER DEFAULT PRIVILEGES FOR a GRANT SELECT ON TABLES TO b",
            "ALTER DEFAULT PRIVILEGES FOR ROLE GRANT SELECT ON TABLES TO b",
            "ALTER DEFAULT PRIVILEGES GRANT SELECT TO b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
