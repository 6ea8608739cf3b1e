//! ANALYZE and VACUUM, for which there is nothing to do, and LOCK.

use radlake_sql::ast;

use super::target::written_name;
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) fn analyze(&self, analyze: &ast::Analyze) -> Result<Outcome> {
        if let Some(name) = &analyze.table_name {
            self.named(name, false)?;
        }
        self.session.notice(
            "00000",
            "statistics are kept with every file as it is written: there is nothing to collect".to_owned(),
        );
        Ok(Outcome::tag("ANALYZE"))
    }

    pub(super) fn vacuum(&self, tables: &[&ast::Expr]) -> Result<Outcome> {
        if self.session.in_transaction() {
            return Err(Error::ActiveTransaction("VACUUM"));
        }
        for table in tables {
            self.named(&written_name(table)?, false)?;
        }
        self.session.notice(
            "00000",
            "upkeep merges files and removes those that nobody needs; CALL radlake.optimize() and CALL radlake.vacuum() do it now"
                .to_owned(),
        );
        Ok(Outcome::tag("VACUUM"))
    }

    /// LOCK TABLE: the transaction depends upon the tables as they are. Modes that let others write ask nothing.
    pub(super) fn lock_tables(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        if !self.session.in_transaction() {
            return Err(Error::NoTransaction("LOCK TABLE"));
        }
        let mode = arguments.first().map(ToString::to_string).unwrap_or_default();
        let asks = !matches!(
            mode.as_str(),
            "'ACCESS SHARE'" | "'ROW SHARE'" | "'ROW EXCLUSIVE'" | "'SHARE UPDATE EXCLUSIVE'"
        );
        for table in arguments.iter().skip(1) {
            let table = self.resolve_table(&written_name(table)?)?;
            if asks {
                self.work.reads(table.oid);
            }
        }
        Ok(Outcome::tag("LOCK TABLE"))
    }
}
