//! Upkeep: compaction, vacuum, checkpoints and going back; by the API, by CALL, and by a server on its own.

mod automatic;
mod call;

use std::sync::Arc;
use std::time::Duration;

pub use automatic::UpkeepOptions;
pub(crate) use call::{columns, run};
use radlake_catalogs::{
    CheckOptions, CheckReport, Lake, OptimizeOptions, OptimizeReport, TableObject, VacuumOptions,
    VacuumReport,
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Identity, Lakehouse, Result};

/// Epochs younger than this stay readable unless said otherwise.
pub const RETENTION: Duration = Duration::from_secs(7 * 86_400);
/// Commits of logs stay at least so long.
pub const LOG_RETENTION: Duration = Duration::from_secs(21 * 86_400);
/// Statements and transactions of other processes may be as old; what is younger is removed by force only.
const SHORTEST: Duration = Duration::from_secs(3_600);

/// How vacuum is done.
#[derive(Debug, Clone, Copy)]
pub struct Vacuum {
    /// Epochs younger than this stay readable, files younger than this are left alone.
    pub retention: Duration,
    /// Remove nothing, only count.
    pub dry_run: bool,
    /// Take a retention of less than an hour: what other processes read or write may go.
    pub force: bool,
}

impl Default for Vacuum {
    fn default() -> Self {
        Self {
            retention: RETENTION,
            dry_run: false,
            force: false,
        }
    }
}

impl Lakehouse {
    /// Merges the small files of a table, or of all, and sorts them by the tables' cluster keys. `done` hears of each commit.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers, [`Error::Serialization`] if others were first each time.
    pub async fn optimize(
        &self,
        identity: &Identity,
        table: Option<&str>,
        cancel: &CancellationToken,
        done: &(dyn Fn(&str, &OptimizeReport) + Send + Sync),
    ) -> Result<Vec<(String, OptimizeReport)>> {
        let mut reports = Vec::new();
        for table in self.upkeep_tables(identity, table).await? {
            let name = table.qualified_name();
            let progress = |report: &OptimizeReport| done(&name, report);
            let options = OptimizeOptions {
                user: Some(identity.name().to_owned()),
                ..OptimizeOptions::default()
            };
            let report = self
                .lake()
                .optimize_all(table.oid, &options, cancel, &progress)
                .await?;
            reports.push((name, report));
            if report.cancelled {
                break;
            }
        }
        Ok(reports)
    }

    /// Removes files that nothing needs any more.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers, [`Error::InvalidParameter`] for a retention that endangers others.
    pub async fn vacuum(
        &self,
        identity: &Identity,
        table: Option<&str>,
        how: Vacuum,
        cancel: &CancellationToken,
    ) -> Result<VacuumReport> {
        let tables = self.upkeep_tables(identity, table).await?;
        if how.retention < SHORTEST && !how.force && !how.dry_run {
            return Err(Error::InvalidParameter(format!(
                "a retention of {} s may take files from other processes that read or write: at least an hour is safe",
                how.retention.as_secs()
            )));
        }
        let options = VacuumOptions {
            table: table.and_then(|_| tables.first().map(|table| table.oid)),
            retention: how.retention,
            log_retention: LOG_RETENTION,
            dry_run: how.dry_run,
        };
        Ok(self.lake().vacuum(&options, cancel).await?)
    }

    /// Writes checkpoints of a table's log, or of all tables' and the catalog's. Gives the tables' names.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers.
    pub async fn checkpoint(&self, identity: &Identity, table: Option<&str>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for table in self.upkeep_tables(identity, table).await? {
            self.lake().checkpoint(Some(table.oid)).await?;
            names.push(table.qualified_name());
        }
        if table.is_none() {
            self.lake().checkpoint(None).await?;
        }
        Ok(names)
    }

    /// Brings back the tables and views of an earlier epoch, or one table, as a new epoch, which it gives.
    ///
    /// # Errors
    /// [`Error::InsufficientPrivilege`] for all but superusers, [`Error::Expired`] for an epoch that is gone.
    pub async fn restore(&self, identity: &Identity, epoch: u64, table: Option<&str>) -> Result<u64> {
        self.check_upkeep(identity).await?;
        let name = table.map(split);
        let name = name
            .as_ref()
            .map(|(schema, table)| (schema.as_deref().unwrap_or("public"), table.as_str()));
        Ok(self.lake().restore(epoch, name, identity.name()).await?.number)
    }

    /// Looks whether a lake is whole, also one that cannot be opened any more: its catalog, every log, every data file. Mends what can
    /// be, if asked to. `progress` hears of what is looked at. There are no roles to ask: it is for who owns the lake's files.
    ///
    /// # Errors
    /// [`Error::Lake`] without a lake, [`Error::Storage`]; what is wrong with the lake is in the report.
    pub async fn check(
        lake: &str,
        options: CheckOptions,
        cancel: &CancellationToken,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<CheckReport> {
        Ok(Lake::check(lake, options, cancel, progress).await?)
    }

    pub(crate) async fn check_upkeep(&self, identity: &Identity) -> Result<()> {
        let epoch = self.lake().latest().await?;
        match identity.role_at(&epoch) {
            Some(role) if role.superuser => Ok(()),
            Some(_) => Err(Error::InsufficientPrivilege(
                "permission denied for upkeep: only superusers may".to_owned(),
            )),
            None => Err(Error::InvalidRole(identity.name().to_owned())),
        }
    }

    /// The table of that name, or all of them.
    async fn upkeep_tables(&self, identity: &Identity, name: Option<&str>) -> Result<Vec<Arc<TableObject>>> {
        self.check_upkeep(identity).await?;
        let epoch = self.lake().latest().await?;
        let Some(name) = name else {
            return Ok(epoch.tables().cloned().collect());
        };
        let (schema, table) = split(name);
        match epoch.table(schema.as_deref().unwrap_or("public"), &table) {
            Some(table) => Ok(vec![Arc::clone(table)]),
            None => Err(Error::UndefinedTable {
                name: name.to_owned(),
                hint: None,
                position: None,
            }),
        }
    }
}

/// Schema and name, as SQL writes them: folded unless quoted.
fn split(name: &str) -> (Option<String>, String) {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in name.chars() {
        match (c, parts.last_mut()) {
            ('"', _) => quoted = !quoted,
            ('.', _) if !quoted => parts.push(String::new()),
            (c, Some(part)) if quoted => part.push(c),
            (c, Some(part)) => part.extend(c.to_lowercase()),
            (_, None) => {}
        }
    }
    let table = parts.pop().unwrap_or_default();
    (parts.pop(), table)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn names_are_folded_unless_quoted() {
        assert_eq!(split("T"), (None, "t".to_owned()));
        assert_eq!(split("S.T"), (Some("s".to_owned()), "t".to_owned()));
        assert_eq!(split("\"S.x\".\"T\""), (Some("S.x".to_owned()), "T".to_owned()));
    }
}
