//! Temporary tables and views: where they are made, and what the end of a transaction does to them.

use std::ops::ControlFlow;

use radlake_catalogs::{DELETE_ROWS, DROP, ON_COMMIT, TableObject, is_temporary_schema};
use radlake_sql::ast;

use super::Writer;
use super::target::{folded, resolve};
use crate::planner::PG_TEMP;
use crate::{Error, Result};

impl Writer<'_> {
    /// Whether what is made under a name is to be the session's own: the statement says so, its schema, or the first of the search path.
    pub(crate) fn is_own(&self, name: &ast::ObjectName, temporary: bool) -> bool {
        let own = |schema: &str| schema == PG_TEMP || is_temporary_schema(schema);
        temporary
            || match name.0.as_slice() {
                [_] => self
                    .session
                    .facts
                    .listed_path()
                    .first()
                    .is_some_and(|first| own(first)),
                [.., schema, _] => schema.as_ident().is_some_and(|schema| own(&folded(schema))),
                [] => false,
            }
    }

    /// Schema and name of a relation that is to be made, `own` if it is to be the session's.
    ///
    /// # Errors
    /// [`Error::InvalidTableDefinition`] for a temporary one in another schema.
    pub(super) fn place_new(&mut self, name: &ast::ObjectName, own: bool) -> Result<(String, String)> {
        if !own {
            return self.place(name);
        }
        let temporary = self.session.temporary()?;
        self.work.join(&temporary)?;
        let schema = temporary.schema();
        let (written, last) = match name.0.as_slice() {
            [last] => (None, last),
            [written, last] => (Some(written), last),
            _ => {
                return Err(Error::unsupported(format!(
                    "\"{name}\" as the name of a temporary relation"
                )));
            }
        };
        let is_own = |written: &ast::ObjectNamePart| {
            let written = written.as_ident().map(folded);
            written.is_some_and(|written| written == PG_TEMP || written == schema)
        };
        if !written.is_none_or(is_own) {
            return Err(Error::InvalidTableDefinition(
                "cannot create temporary relation in non-temporary schema".to_owned(),
            ));
        }
        let last = last.as_ident().map(folded);
        let last = last.ok_or_else(|| Error::unsupported(format!("{name} is no name of a relation")))?;
        Ok((schema.to_owned(), last))
    }

    /// Foreign keys are between tables that live as long as one another.
    pub(super) fn references_its_kind(&self, temporary: bool, referenced: &ast::ObjectName) -> Result<()> {
        let (epoch, path) = (self.epoch()?, self.session.search_path());
        let (schema, _) = resolve(&epoch, &path, &self.session.database(), referenced)?;
        let other = schema.as_deref().is_some_and(is_temporary_schema);
        match (temporary, other) {
            (true, false) => Err(Error::InvalidTableDefinition(
                "constraints on temporary tables may reference only temporary tables".to_owned(),
            )),
            (false, true) => Err(Error::InvalidTableDefinition(
                "constraints on permanent tables may reference only permanent tables".to_owned(),
            )),
            _ => Ok(()),
        }
    }
}

/// What COMMIT is to do, as the table's property says it.
///
/// # Errors
/// [`Error::InvalidTableDefinition`] for a table that is not temporary.
pub(super) fn on_commit(said: Option<ast::OnCommit>, own: bool) -> Result<Option<&'static str>> {
    match said {
        Some(_) if !own => Err(Error::InvalidTableDefinition(
            "ON COMMIT can only be used on temporary tables".to_owned(),
        )),
        Some(ast::OnCommit::DeleteRows) => Ok(Some(DELETE_ROWS)),
        Some(ast::OnCommit::Drop) => Ok(Some(DROP)),
        Some(ast::OnCommit::PreserveRows) | None => Ok(None),
    }
}

pub(super) fn note(table: &mut TableObject, on_commit: Option<&'static str>) {
    if let Some(said) = on_commit {
        table.properties.insert(ON_COMMIT.to_owned(), said.to_owned());
    }
}

/// Whether a query whose names are qualified reads what is a session's own.
pub(super) fn reads_temporary(query: &ast::Query) -> bool {
    let found = ast::visit_relations(query, |relation| {
        let schema = relation.0.first().and_then(|schema| schema.as_ident());
        match relation.0.len() > 1 && schema.is_some_and(|schema| is_temporary_schema(&schema.value)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}
