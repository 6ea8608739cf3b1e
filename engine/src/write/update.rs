//! UPDATE … SET … FROM … WHERE … RETURNING.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use radlake_catalogs::Edits;
use radlake_sql::ast;

use super::constraint;
use super::insert::{assignments, list, take};
use super::opened::Access;
use super::pipeline::{Gate, layers};
use super::splice::Splices;
use super::target::{Target, quoted};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::policy::Command;
use crate::{Error, Result};

impl Writer<'_> {
    pub(super) async fn update(&mut self, update: &ast::Update, with: Option<&ast::With>) -> Result<Outcome> {
        let reads = self.authorise_update(update)?;
        let (name, alias) = relation(&update.table)?;
        let object = self.resolve_table(name)?;
        let mut target = Target::new(object.as_ref().clone(), alias);
        target.checks = self.row_checks(&target.object, Command::Update, reads).await?;
        let opened = self.open_for(&target, Access::Update { reads }).await?;
        let constraints = constraint::enforced(&target.object, &*self.epoch()?)?;
        let set = assignments(&self.splices, &target, &update.assignments)?;
        let alias = quoted(&target.alias);
        let columns = target
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.generated.is_none())
            .map(|(place, column)| {
                let name = quoted(&column.name);
                match set.iter().find(|(assigned, _)| *assigned == place) {
                    Some((_, expression)) => format!("{expression} AS {name}"),
                    None => format!("{alias}.{} AS {name}", opened.column(&column.name)),
                }
            });
        let tables = update.from.as_ref().map(
            |(ast::UpdateTableFromKind::BeforeSet(tables) | ast::UpdateTableFromKind::AfterSet(tables))| {
                tables
            },
        );
        let from = match tables {
            None => String::new(),
            Some(tables) => format!(
                ", {}",
                list(tables.iter().map(|tables| self.splices.tables(tables)))
            ),
        };
        let others = self.others(update.returning.is_some(), with, tables).await?;
        let mut first = self.splices.tree(&format!(
            "SELECT {alias}.{} AS \"radlake.file\", {alias}.{} AS \"radlake.row\", {}{} FROM {} AS {alias}{from}{}",
            opened.file(),
            opened.row(),
            list(columns),
            others.selected(),
            self.splices.local("target"),
            filter(&self.splices, update.selection.as_ref())
        ))?;
        first.with = with.cloned();
        let first = self.splices.query(first);
        let key = constraint::primary_key(&constraints);
        // Only what changes is kept in memory, unless all is asked for.
        let kept: Vec<usize> = (0..target.columns.len())
            .filter(|place| {
                let column = &target.columns[*place];
                update.returning.is_some()
                    || column.generated.is_some()
                    || set.iter().any(|(assigned, _)| assigned == place)
                    || key.and_then(|key| key.key()).is_some_and(|key| {
                        key.contains(&column.name)
                            && set
                                .iter()
                                .any(|(assigned, _)| key.contains(&target.columns[*assigned].name))
                    })
            })
            .collect();
        let along = others.names();
        let mut passed = vec!["radlake.file", "radlake.row"];
        passed.extend(along.iter().map(String::as_str));
        let sql = layers(&target, &constraints, &first, &passed, &kept);
        let planner = self.planner(vec![("target", Arc::clone(&opened.rows))])?;
        let mut rows = self.rows(&planner, &sql).await?;
        let mut gate = Gate::new(&target, &constraints, &passed, &kept);
        let mut edits = Edits::default();
        let mut changed = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            let (places, batch) = gate.admit(&batch)?;
            let (files, numbers) = (
                places[0].as_primitive::<Int32Type>(),
                places[1].as_primitive::<Int64Type>(),
            );
            // A row that is joined to several is updated from the first, as in PostgreSQL.
            let mut new = Vec::with_capacity(batch.num_rows());
            let mut marked = std::collections::HashSet::new();
            for at in 0..batch.num_rows() {
                let place = (files.value(at), numbers.value(at));
                if !edits.has(place.0, place.1) && marked.insert(place) {
                    new.push(at as u64);
                }
            }
            if new.is_empty() {
                continue;
            }
            let chosen = take(&batch, &new)?;
            let number = edits.keep(chosen.clone());
            let joined = take(&others.joined(&batch, &places[2..])?, &new)?;
            for (from, at) in new.iter().enumerate() {
                let at = *at as usize;
                edits.update(files.value(at), numbers.value(at), number, from);
            }
            changed.push(joined);
        }
        let count = edits.len();
        self.work
            .edit(&planner.state, &planner.state.task_ctx(), &opened.table, edits)
            .await?;
        let keyed = key.filter(|key| {
            key.key().is_some_and(|key| {
                set.iter()
                    .any(|(assigned, _)| key.contains(&target.columns[*assigned].name))
            })
        });
        if keyed.is_some() {
            let mut keys = Keys::new(keyed);
            changed.iter().try_for_each(|rows: &RecordBatch| keys.see(rows))?;
            self.unique(&target, &constraints, keys).await?;
        }
        let returned = self
            .returning(&target, update.returning.as_ref(), changed, &others)
            .await?;
        Ok(Outcome {
            tag: format!("UPDATE {count}"),
            returned,
        })
    }
}

/// Whether a name is of an earlier epoch: `t FOR VERSION AS OF n`.
fn is_past(name: &ast::ObjectName) -> bool {
    let first = name.0.first().and_then(|part| part.as_ident());
    first.is_some_and(|first| radlake_sql::Version::of(&first.value).is_some())
}

/// The one table that a statement names as its target.
pub(super) fn relation(table: &ast::TableWithJoins) -> Result<(&ast::ObjectName, Option<&ast::Ident>)> {
    match &table.relation {
        ast::TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } if table.joins.is_empty() && is_past(name) => {
            Err(Error::ReadOnlyEpoch("a statement that writes".to_owned()))
        }
        ast::TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } if table.joins.is_empty() => Ok((name, alias.as_ref().map(|alias| &alias.name))),
        other => Err(Error::unsupported(format!("{other} is not a table to write to"))),
    }
}

pub(super) fn filter(splices: &Splices, selection: Option<&ast::Expr>) -> String {
    selection
        .map(|selection| format!(" WHERE {}", splices.expr(selection)))
        .unwrap_or_default()
}
