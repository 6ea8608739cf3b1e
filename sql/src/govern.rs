//! Statements that change who may do what, or act as whom.

use sqlparser::ast::{ObjectType, Set, Statement};

/// True for roles, grants, policies and changes of the acting role.
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
        Statement::Set(Set::SetRole { .. } | Set::SetSessionAuthorization(_)) => true,
        _ => false,
    }
}
