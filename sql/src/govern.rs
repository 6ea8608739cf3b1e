//! Statements that change who may do what.

use sqlparser::ast::{
    Action, CascadeOption, ContextModifier, Grant, Grantee, GranteeName, GranteesType, Ident, ObjectName,
    ObjectType, Privileges, Reset, ResetStatement, Revoke, Set, SetSessionAuthorizationParam,
    SetSessionAuthorizationParamKind, Statement,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Word};

/// True for roles, grants and policies.
pub(crate) fn is_governance(ast: &Statement) -> bool {
    match ast {
        Statement::CreateRole(_)
        | Statement::AlterRole { .. }
        | Statement::CreateUser(_)
        | Statement::AlterUser(_)
        | Statement::CreatePolicy(_)
        | Statement::AlterPolicy(_)
        | Statement::DropPolicy(_)
        | Statement::Grant(_)
        | Statement::Revoke(_) => true,
        Statement::Drop { object_type, .. } => matches!(object_type, ObjectType::Role | ObjectType::User),
        _ => false,
    }
}

/// Users and groups are roles to PostgreSQL, and other things to the parser: has it read them as roles. Returns where
/// CREATE USER stands, whose roles may log in.
pub(crate) fn unite_roles(tokens: &mut [TokenWithSpan]) -> Vec<Location> {
    let mut users = Vec::new();
    let mut place = 0;
    let mut first = None;
    for token in tokens.iter_mut() {
        match &mut token.token {
            Token::Whitespace(_) => continue,
            Token::SemiColon => {
                (place, first) = (0, None);
                continue;
            }
            Token::Word(word) => {
                match place {
                    0 => first = Some((word.keyword, token.span.start)),
                    1 if word.quote_style.is_none()
                        && matches!(word.keyword, Keyword::USER | Keyword::GROUP) =>
                    {
                        let Some((verb @ (Keyword::CREATE | Keyword::ALTER | Keyword::DROP), start)) = first
                        else {
                            place += 1;
                            continue;
                        };
                        if verb == Keyword::CREATE && word.keyword == Keyword::USER {
                            users.push(start);
                        }
                        *word = Word {
                            value: "ROLE".to_owned(),
                            quote_style: None,
                            keyword: Keyword::ROLE,
                        };
                    }
                    _ => {}
                }
                place += 1;
            }
            _ => place += 1,
        }
    }
    users
}

/// `GRANT role TO role`, `REVOKE role FROM role`, `RESET SESSION AUTHORIZATION` and `RESET TIME ZONE`, which the parser does not
/// know; `None` for anything else.
pub(crate) fn parse(parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
    if parser.parse_keywords(&[Keyword::RESET, Keyword::SESSION, Keyword::AUTHORIZATION]) {
        return Some(Ok(Statement::Set(Set::SetSessionAuthorization(
            SetSessionAuthorizationParam {
                scope: ContextModifier::Session,
                kind: SetSessionAuthorizationParamKind::Default,
            },
        ))));
    }
    if parser.parse_keywords(&[Keyword::RESET, Keyword::TIME, Keyword::ZONE]) {
        let name = ObjectName::from(vec![Ident::new("timezone")]);
        return Some(Ok(Statement::Reset(ResetStatement {
            reset: Reset::ConfigurationParameter(name),
        })));
    }
    let grant = match parser.peek_token_ref().token {
        Token::Word(Word {
            keyword: Keyword::GRANT,
            ..
        }) => true,
        Token::Word(Word {
            keyword: Keyword::REVOKE,
            ..
        }) => false,
        _ => return None,
    };
    let end = if grant { Keyword::TO } else { Keyword::FROM };
    for place in 1.. {
        match parser.peek_nth_token(place).token {
            Token::Word(word) if word.keyword == end => break,
            Token::Word(word) if word.keyword == Keyword::ON => return None,
            Token::EOF | Token::SemiColon => return None,
            _ => {}
        }
    }
    parser.next_token();
    Some(match grant {
        true => grant_roles(parser),
        false => revoke_roles(parser),
    })
}

fn grant_roles(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    let privileges = roles(parser)?;
    parser.expect_keyword(Keyword::TO)?;
    let grantees = grantees(parser)?;
    let with_grant_option = parser.parse_keywords(&[Keyword::WITH, Keyword::ADMIN, Keyword::OPTION]);
    Ok(Statement::Grant(Grant {
        privileges,
        objects: None,
        grantees,
        with_grant_option,
        as_grantor: None,
        granted_by: granted_by(parser)?,
        current_grants: None,
    }))
}

fn revoke_roles(parser: &mut Parser<'_>) -> Result<Statement, ParserError> {
    let privileges = roles(parser)?;
    parser.expect_keyword(Keyword::FROM)?;
    let grantees = grantees(parser)?;
    let granted_by = granted_by(parser)?;
    let cascade = match parser.parse_one_of_keywords(&[Keyword::CASCADE, Keyword::RESTRICT]) {
        Some(Keyword::CASCADE) => Some(CascadeOption::Cascade),
        Some(_) => Some(CascadeOption::Restrict),
        None => None,
    };
    Ok(Statement::Revoke(Revoke {
        privileges,
        objects: None,
        grantees,
        granted_by,
        cascade,
    }))
}

fn roles(parser: &mut Parser<'_>) -> Result<Privileges, ParserError> {
    let roles = parser.parse_comma_separated(Parser::parse_identifier)?;
    let role = |role: Ident| Action::Role {
        role: ObjectName::from(vec![role]),
    };
    Ok(Privileges::Actions(roles.into_iter().map(role).collect()))
}

fn grantees(parser: &mut Parser<'_>) -> Result<Vec<Grantee>, ParserError> {
    parser.parse_comma_separated(|parser| {
        let _ = parser.parse_keyword(Keyword::GROUP);
        let name = parser.parse_identifier()?;
        Ok(Grantee {
            grantee_type: GranteesType::None,
            name: Some(GranteeName::ObjectName(ObjectName::from(vec![name]))),
        })
    })
}

fn granted_by(parser: &mut Parser<'_>) -> Result<Option<Ident>, ParserError> {
    match parser.parse_keywords(&[Keyword::GRANTED, Keyword::BY]) {
        true => parser.parse_identifier().map(Some),
        false => Ok(None),
    }
}
