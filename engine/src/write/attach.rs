//! `CREATE TABLE t USING delta LOCATION '…'`: a Delta table that somebody else wrote becomes a table of the lake.

use radlake_sql::ast;

use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) async fn attach(
        &mut self,
        create: &ast::CreateTable,
        hive: &ast::HiveFormat,
    ) -> Result<Outcome> {
        if !self.subject()?.superuser {
            return Err(Error::InsufficientPrivilege(
                "permission denied to attach a table: only superusers may".to_owned(),
            ));
        }
        let delta = match &hive.storage {
            Some(ast::HiveIOFormat::Using { format }) => format.value.eq_ignore_ascii_case("delta"),
            _ => false,
        };
        let plain = create.columns.is_empty() && create.constraints.is_empty() && create.query.is_none();
        let (Some(location), true, true) = (&hive.location, delta, plain && hive.row_format.is_none()) else {
            return Err(Error::unsupported(
                "CREATE TABLE … USING takes delta and a LOCATION, and the columns from there",
            ));
        };
        let (schema, name) = self.place(&create.name)?;
        if self.epoch()?.get_relation(&schema, &name).is_some() {
            return match create.if_not_exists {
                true => Ok(Outcome::tag("CREATE TABLE")),
                false => Err(Error::DuplicateTable(name)),
            };
        }
        if self.probe.is_none() {
            self.work.attach_table(&schema, &name, location).await?;
        }
        Ok(Outcome::tag("CREATE TABLE"))
    }
}
