//! WITH … AS (INSERT | UPDATE | DELETE … RETURNING …): a statement of several parts.
//!
//! All parts read the state before the first; what one returns, the others read by its name. Edits are places in the
//! files of that state, so no table may be edited by two parts; rows may be added to it by any number.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use futures::TryStreamExt;
use radlake_sql::ast;

use super::target::folded;
use super::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    /// Carries out the parts that write, in their order, then the statement itself.
    pub(super) async fn parts(&mut self, query: &ast::Query, with: &ast::With) -> Result<Outcome> {
        self.before = Some(self.work.clone());
        let mut known = ast::With {
            cte_tables: Vec::with_capacity(with.cte_tables.len()),
            ..with.clone()
        };
        let mut silent: Vec<String> = Vec::new();
        let mut edited = BTreeSet::new();
        for (at, cte) in with.cte_tables.iter().enumerate() {
            if !writes(&cte.query) {
                refuse_nested(&cte.query)?;
                known.cte_tables.push(cte.clone());
                continue;
            }
            self.edited_once(&cte.query, &mut edited)?;
            let mut inner = known.clone();
            if let Some(own) = &cte.query.with {
                refuse_nested_in(own)?;
                inner.recursive |= own.recursive;
                inner.cte_tables.extend(own.cte_tables.iter().cloned());
            }
            let inner = (!inner.cte_tables.is_empty()).then_some(inner);
            refuse_silent(&cte.query, &silent)?;
            let outcome = Box::pin(self.body(&cte.query, inner.as_ref())).await?;
            let Some((schema, rows)) = outcome.returned else {
                silent.push(folded(&cte.alias.name));
                continue;
            };
            let name = format!("with.{at}");
            let local: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(schema, vec![rows])?);
            self.given.push((name.clone(), local));
            let mut read = cte.clone();
            let given = self.splices.local(&name);
            read.query = Box::new(self.splices.tree(&format!("SELECT * FROM {given}"))?);
            known.cte_tables.push(read);
        }
        let known = (!known.cte_tables.is_empty()).then_some(known);
        refuse_silent(query, &silent)?;
        if writes(query) {
            self.edited_once(query, &mut edited)?;
            return self.body(query, known.as_ref()).await;
        }
        let mut plain = query.clone();
        plain.with = known;
        if matches!(plain.body.as_ref(), ast::SetExpr::Select(select) if select.into.is_some())
            || !plain.locks.is_empty()
        {
            return self.body(&plain, None).await;
        }
        let planner = self.planner(Vec::new())?;
        let plan = self.plan_query(&planner, &plain).await?;
        let (rows, schema) = self.stream(&planner, plan).await?;
        let batches: Vec<RecordBatch> = rows.try_collect().await?;
        let batches = batches
            .iter()
            .map(|batch| crate::session::relabelled(batch, &schema))
            .collect::<Result<Vec<_>>>()?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(Outcome {
            tag: format!("SELECT {rows}"),
            returned: Some((schema, batches)),
        })
    }

    /// Refuses a second part that edits a table.
    fn edited_once(&self, query: &ast::Query, edited: &mut BTreeSet<u32>) -> Result<()> {
        let name = match query.body.as_ref() {
            ast::SetExpr::Update(ast::Statement::Update(update)) => super::update::relation(&update.table)?.0,
            ast::SetExpr::Delete(ast::Statement::Delete(delete)) => {
                let (ast::FromTable::WithFromKeyword(tables) | ast::FromTable::WithoutKeyword(tables)) =
                    &delete.from;
                match tables.as_slice() {
                    [table] => super::update::relation(table)?.0,
                    _ => return Ok(()),
                }
            }
            ast::SetExpr::Merge(ast::Statement::Merge(merge)) => match &merge.table {
                ast::TableFactor::Table { name, .. } => name,
                _ => return Ok(()),
            },
            ast::SetExpr::Insert(ast::Statement::Insert(insert)) if insert.on.is_some() => {
                match &insert.table {
                    ast::TableObject::TableName(name) => name,
                    _ => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        let table = self.resolve_table(name)?;
        match edited.insert(table.oid) {
            true => Ok(()),
            false => Err(Error::unsupported(format!(
                "two parts of one statement cannot both change rows of \"{}\"",
                table.name
            ))),
        }
    }
}

/// Whether a query's own statement writes.
pub(super) fn writes(query: &ast::Query) -> bool {
    matches!(
        query.body.as_ref(),
        ast::SetExpr::Insert(_) | ast::SetExpr::Update(_) | ast::SetExpr::Delete(_) | ast::SetExpr::Merge(_)
    )
}

fn refuse_nested(query: &ast::Query) -> Result<()> {
    query.with.as_ref().map_or(Ok(()), refuse_nested_in)
}

fn refuse_nested_in(with: &ast::With) -> Result<()> {
    match with.cte_tables.iter().any(|cte| writes(&cte.query)) {
        true => Err(Error::unsupported(
            "WITH clause containing a data-modifying statement must be at the top level",
        )),
        false => Ok(()),
    }
}

/// A part without RETURNING gives nothing to read.
fn refuse_silent(query: &ast::Query, silent: &[String]) -> Result<()> {
    let mut found = None;
    let _ = ast::visit_relations(query, |name| match name.0.as_slice() {
        [part]
            if part
                .as_ident()
                .map(folded)
                .is_some_and(|name| silent.contains(&name)) =>
        {
            found = part.as_ident().map(folded);
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        None => Ok(()),
        Some(name) => Err(Error::unsupported(format!(
            "WITH query \"{name}\" does not have a RETURNING clause"
        ))),
    }
}
