//! Statements that change rows or relations.

use sqlparser::ast::{CopyTarget, Statement};

/// True for DML and DDL, and for queries with a write inside.
pub(crate) fn is_write(ast: &Statement) -> bool {
    match ast {
        // A query that `query` did not claim has a write in it.
        Statement::Query(_)
        | Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Truncate(_)
        | Statement::CreateTable(_)
        | Statement::CreateView(_)
        | Statement::CreateSchema { .. }
        | Statement::CreateIndex(_)
        | Statement::CreateSequence { .. }
        | Statement::CreateType { .. }
        | Statement::CreateDomain(_)
        | Statement::AlterType(_)
        | Statement::CreateFunction(_)
        | Statement::DropFunction(_)
        | Statement::AlterTable(_)
        | Statement::AlterView { .. }
        | Statement::AlterSchema(_)
        | Statement::AlterIndex { .. }
        | Statement::Drop { .. }
        | Statement::DropDomain(_)
        | Statement::Comment { .. }
        | Statement::Vacuum(_)
        | Statement::Analyze(_) => true,
        Statement::Copy { target, .. } => matches!(target, CopyTarget::Stdin | CopyTarget::Stdout),
        Statement::Call(_) => crate::extend::procedure(ast).is_some(),
        Statement::Explain { statement, .. } => is_write(statement),
        _ => false,
    }
}
