//! DELETE … USING … WHERE … RETURNING, and TRUNCATE.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use futures::TryStreamExt;
use radlake_catalogs::Edits;
use radlake_catalogs::ingest::delete_instances;
use radlake_sql::ast;

use super::insert::list;
use super::opened::Access;
use super::target::{Target, quoted};
use super::update::{filter, relation};
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) async fn delete(&mut self, delete: &ast::Delete, with: Option<&ast::With>) -> Result<Outcome> {
        let reads = self.authorise_delete(delete)?;
        let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) = &delete.from;
        let [table] = tables.as_slice() else {
            return Err(Error::unsupported(
                "DELETE from several tables is not PostgreSQL's",
            ));
        };
        let (name, alias) = relation(table)?;
        let object = self.resolve_deletable(name)?;
        let target = Target::new(object.as_ref().clone(), alias);
        // Its rows go from all of ingestion's tables at once.
        let instances = target.object.schema == "imaging";
        if instances && delete.returning.is_some() {
            return Err(Error::unsupported(
                "RETURNING of a DELETE from imaging.instances is not supported",
            ));
        }
        let plain = !instances
            && delete.selection.is_none()
            && delete.using.is_none()
            && delete.returning.is_none()
            && self.before.is_none()
            && !self.policies_bind(&target.object)?;
        if plain {
            let table = self.work.open_table(target.object.oid).await?;
            if let Some(rows) = table.rows() {
                self.work.truncate(&target.object).await?;
                return Ok(Outcome::tag(format!("DELETE {rows}")));
            }
        }
        let opened = self.open_for(&target, Access::Delete { reads }).await?;
        let alias = quoted(&target.alias);
        let columns = match &delete.returning {
            None if instances => format!(", {alias}.{}", opened.column("sop_instance_uid")),
            None => String::new(),
            Some(_) => target
                .columns
                .iter()
                .map(|column| {
                    format!(
                        ", {alias}.{} AS {}",
                        opened.column(&column.name),
                        quoted(&column.name)
                    )
                })
                .collect(),
        };
        let others = self
            .others(delete.returning.is_some(), with, delete.using.as_ref())
            .await?;
        let others_columns = others.selected();
        let using = match &delete.using {
            None => String::new(),
            Some(tables) => format!(
                ", {}",
                list(tables.iter().map(|tables| self.splices.tables(tables)))
            ),
        };
        let mut query = self.splices.tree(&format!(
            "SELECT {alias}.{}, {alias}.{}{columns}{others_columns} FROM {} AS {alias}{using}{}",
            opened.file(),
            opened.row(),
            self.splices.local("target"),
            filter(&self.splices, delete.selection.as_ref())
        ))?;
        query.with = with.cloned();
        let planner = self.planner(vec![("target", Arc::clone(&opened.rows))])?;
        let plan = self.plan_query(&planner, &query).await?;
        let (mut rows, _) = self.stream(&planner, plan).await?;
        let (mut edits, mut kept) = (Edits::default(), Vec::new());
        let mut uids = BTreeSet::new();
        while let Some(batch) = rows.try_next().await? {
            let (files, numbers) = (
                batch.column(0).as_primitive::<Int32Type>(),
                batch.column(1).as_primitive::<Int64Type>(),
            );
            let mut new = Vec::new();
            for at in 0..batch.num_rows() {
                // A row that is joined to several is deleted once.
                if edits.delete(files.value(at), numbers.value(at)) {
                    new.push(at as u64);
                }
            }
            if instances {
                let column = cast(batch.column(2), &DataType::Utf8)
                    .map_err(datafusion::error::DataFusionError::from)?;
                uids.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
            }
            if delete.returning.is_some() && !new.is_empty() {
                let own: Vec<usize> = (2..batch.num_columns()).collect();
                let rows = super::insert::take(&batch, &new)?;
                kept.push(
                    rows.project(&own)
                        .map_err(datafusion::error::DataFusionError::from)?,
                );
            }
        }
        let count = edits.len();
        if instances {
            delete_instances(self.work, uids).await?;
            return Ok(Outcome::tag(format!("DELETE {count}")));
        }
        self.work
            .edit(&planner.state, &planner.state.task_ctx(), &opened.table, edits)
            .await?;
        let returned = self
            .returning(&target, delete.returning.as_ref(), kept, &others)
            .await?;
        Ok(Outcome {
            tag: format!("DELETE {count}"),
            returned,
        })
    }

    pub(super) async fn truncate(&mut self, truncate: &ast::Truncate) -> Result<Outcome> {
        for name in &truncate.table_names {
            let object = self.resolve_table(&name.name)?;
            self.work.truncate(&object).await?;
            if matches!(truncate.identity, Some(ast::TruncateIdentityOption::Restart)) {
                let mut table = self.work.table(object.oid)?;
                table.properties.retain(|key, _| !key.starts_with("identity."));
                self.work.put_object(table)?;
                self.restart_sequences(object.oid)?;
            }
        }
        Ok(Outcome::tag("TRUNCATE TABLE"))
    }
}
