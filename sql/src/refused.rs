//! What nobody gets: statements that reach files, programs or other systems.

use sqlparser::ast::{CopyTarget, Statement};

/// True if no role may run it. What belongs to no family is refused as well.
pub(crate) fn is_refused(ast: &Statement) -> bool {
    match ast {
        Statement::Copy { target, .. } => {
            matches!(target, CopyTarget::File { .. } | CopyTarget::Program { .. })
        }
        Statement::CreateTable(table) => table.external,
        Statement::Explain { statement, .. } => is_refused(statement),
        _ => false,
    }
}
