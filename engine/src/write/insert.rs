//! INSERT: VALUES, queries, DEFAULT VALUES, ON CONFLICT, RETURNING.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use radlake_sql::ast;

use super::constraint::{self, Constraint};
use super::others::Others;
use super::pipeline::{Gate, counter, layers};
use super::splice::Splices;
use super::target::{Column, Target, folded, quoted};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::policy::Command;
use crate::{Error, Result, RowStream};

impl Writer<'_> {
    pub(super) async fn insert(&mut self, insert: &ast::Insert, with: Option<&ast::With>) -> Result<Outcome> {
        let reads = self.authorise_insert(insert)?;
        let ast::TableObject::TableName(name) = &insert.table else {
            return Err(Error::unsupported("INSERT into a function is not supported"));
        };
        if insert.overwrite || insert.partitioned.is_some() || !insert.assignments.is_empty() {
            return Err(Error::unsupported("this form of INSERT is not PostgreSQL's"));
        }
        let object = self.resolve_table(name)?;
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let mut target = Target::new(object.as_ref().clone(), alias);
        target.checks = self.row_checks(&target.object, Command::Insert, reads).await?;
        let constraints = constraint::enforced(&target.object, &*self.epoch()?)?;
        let first = self.source(&target, insert, with).await?;
        let all: Vec<usize> = (0..target.columns.len()).collect();
        if let Some(on) = &insert.on {
            let ast::OnInsert::OnConflict(on) = on else {
                return Err(Error::unsupported(
                    "ON DUPLICATE KEY is not PostgreSQL's: use ON CONFLICT",
                ));
            };
            return self
                .upsert(target, &constraints, &first, on, insert.returning.as_ref(), reads)
                .await;
        }
        let sql = layers(&target, &constraints, &first, &[], &all);
        let planner = self.planner(Vec::new())?;
        let rows = self.rows(&planner, &sql).await?;
        let gate = Gate::new(&target, &constraints, &[], &all);
        let keep = insert.returning.is_some();
        let (count, kept) = self.append(&target, &constraints, rows, gate, keep).await?;
        let returned = self
            .returning(&target, insert.returning.as_ref(), kept, &Others::default())
            .await?;
        Ok(Outcome {
            tag: format!("INSERT 0 {count}"),
            returned,
        })
    }

    /// Adds the rows that pass the gate; gives their number, and the rows themselves if they are to be kept.
    pub(super) async fn append(
        &mut self,
        target: &Target,
        constraints: &[Constraint],
        rows: RowStream,
        gate: Gate,
        keep: bool,
    ) -> Result<(u64, Vec<RecordBatch>)> {
        let mut passing = Passing {
            keys: Keys::new(constraint::primary_key(constraints)).there(gate.there),
            kept: keep.then(Vec::new),
            gate,
        };
        let shared = Arc::new(std::sync::Mutex::new(&mut passing));
        let staged = {
            let shared = Arc::clone(&shared);
            let admitted = rows.map(move |batch| {
                let batch = batch?;
                let mut passing = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let (_, rows) = passing.gate.admit(&batch)?;
                passing.keys.see(&rows)?;
                if let Some(kept) = &mut passing.kept {
                    kept.push(rows.clone());
                }
                Ok::<_, datafusion::error::DataFusionError>(rows)
            });
            self.work.stage(&target.object, Box::pin(admitted)).await?
        };
        drop(shared);
        let count = staged.rows();
        self.work.add_staged(&target.object, staged)?;
        self.count_on(target, &passing.gate)?;
        self.unique(target, constraints, passing.keys).await?;
        Ok((count, passing.kept.unwrap_or_default()))
    }

    /// Keeps the numbers that identity columns have come to.
    pub(super) fn count_on(&mut self, target: &Target, gate: &Gate) -> Result<()> {
        let mut table = self.work.table(target.object.oid)?;
        let mut changed = false;
        for (column, next) in gate.counters() {
            let (key, next) = (counter(column), next.to_string());
            if table.properties.get(&key) != Some(&next) {
                table.properties.insert(key, next);
                changed = true;
            }
        }
        if changed {
            self.work.put_object(table)?;
        }
        Ok(())
    }

    /// The first layer, as an entry of FROM: columns that are given, and defaults for the others.
    async fn source(
        &self,
        target: &Target,
        insert: &ast::Insert,
        with: Option<&ast::With>,
    ) -> Result<String> {
        let mut listed: Option<Vec<usize>> = None;
        if !insert.columns.is_empty() {
            let mut places = Vec::with_capacity(insert.columns.len());
            for column in &insert.columns {
                let ident = match column.0.as_slice() {
                    [part] => part.as_ident(),
                    _ => None,
                };
                let ident = ident.ok_or_else(|| Error::unsupported(format!("{column} is no column")))?;
                let place = target.column(ident)?;
                if places.contains(&place) {
                    return Err(Error::DuplicateColumn(folded(ident)));
                }
                places.push(place);
            }
            listed = Some(places);
        }
        let Some(query) = &insert.source else {
            let defaults = target
                .columns
                .iter()
                .filter(|column| column.generated.is_none())
                .map(default);
            return Ok(format!("(SELECT {})", list(defaults)));
        };
        let places = listed
            .clone()
            .unwrap_or_else(|| (0..target.columns.len()).collect());
        let mut query = query.as_ref().clone();
        typed_values(&self.splices, &mut query, target, &places)?;
        if let Some(with) = with {
            merge_with(&mut query, with);
        }
        let width = match query.body.as_ref() {
            ast::SetExpr::Values(values) => values.rows.first().map_or(0, |row| row.content.len()),
            _ => {
                let planner = self.planner(Vec::new())?;
                let plan = self.plan_query(&planner, &query).await?;
                let found = plan.schema().fields();
                for (place, field) in places.iter().zip(found) {
                    super::assign::check(&target.columns[*place], field)?;
                }
                found.len()
            }
        };
        if width > places.len() {
            return Err(Error::syntax("INSERT has more expressions than target columns"));
        }
        if width < places.len() && listed.is_some() {
            return Err(Error::syntax("INSERT has more target columns than expressions"));
        }
        let places = &places[..width];
        let names: Vec<String> = (0..width).map(|at| format!("\"radlake.{at}\"")).collect();
        let mut items = Vec::with_capacity(target.columns.len());
        for (place, column) in target.columns.iter().enumerate() {
            let given = places.iter().position(|given| *given == place);
            if let Some(at) = given {
                let expression = format!("q.{}", names[at]);
                if column.generated.is_some() {
                    let only_default = matches!(query.body.as_ref(), ast::SetExpr::Values(values)
                        if values.rows.iter().all(|row| row.content.get(at).is_some_and(is_null)));
                    if !only_default {
                        return Err(Error::GeneratedAlways(column.name.clone()));
                    }
                    continue;
                }
                items.push(format!(
                    "{} AS {}",
                    column.cast(&expression),
                    quoted(&column.name)
                ));
            } else if column.generated.is_none() {
                items.push(default(column));
            }
        }
        if items.is_empty() {
            items.push("1 AS \"radlake.nothing\"".to_owned());
        }
        Ok(format!(
            "(SELECT {} FROM {} AS q({}))",
            items.join(", "),
            self.splices.query(query),
            names.join(", ")
        ))
    }
}

struct Passing {
    gate: Gate,
    keys: Keys,
    kept: Option<Vec<RecordBatch>>,
}

pub(super) fn take(batch: &RecordBatch, rows: &[u64]) -> Result<RecordBatch> {
    let rows = arrow::array::UInt64Array::from(rows.to_vec());
    Ok(arrow::compute::take_record_batch(batch, &rows).map_err(datafusion::error::DataFusionError::from)?)
}

pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

pub(super) fn default(column: &Column) -> String {
    let expression = column.default.as_deref().unwrap_or("NULL");
    format!("{} AS {}", column.cast(expression), quoted(&column.name))
}

/// Assignments of SET as expressions in their columns' types.
pub(super) fn assignments(
    splices: &Splices,
    target: &Target,
    assignments: &[ast::Assignment],
) -> Result<Vec<(usize, String)>> {
    let mut set: Vec<(usize, String)> = Vec::with_capacity(assignments.len());
    let mut assign = |name: &ast::ObjectName, value: &ast::Expr| {
        let ident = name.0.last().and_then(|part| part.as_ident());
        let ident = ident.ok_or_else(|| Error::unsupported(format!("SET {name} is not supported")))?;
        let place = target.column(ident)?;
        let column = &target.columns[place];
        if set.iter().any(|(taken, _)| *taken == place) {
            return Err(Error::syntax(format!(
                "multiple assignments to same column \"{}\"",
                column.name
            )));
        }
        let default = is_default(value);
        if (column.generated.is_some() || column.identity.as_deref() == Some("always")) && !default {
            return Err(Error::GeneratedAlways(column.name.clone()));
        }
        if column.generated.is_some() {
            return Ok(());
        }
        super::assign::check_literal(column, value, "expression")?;
        let expression = match default {
            true => column.default.clone().unwrap_or_else(|| "NULL".to_owned()),
            false => splices.expr(value),
        };
        set.push((place, column.cast(&expression)));
        Ok(())
    };
    for assignment in assignments {
        match (&assignment.target, &assignment.value) {
            (ast::AssignmentTarget::ColumnName(name), value) => assign(name, value)?,
            (ast::AssignmentTarget::Tuple(names), ast::Expr::Tuple(values))
                if names.len() == values.len() =>
            {
                for (name, value) in names.iter().zip(values) {
                    assign(name, value)?;
                }
            }
            _ => return Err(Error::unsupported("SET (…) = (SELECT …) is not supported")),
        }
    }
    Ok(set)
}

/// True for the word DEFAULT, which the parser takes for a column.
pub(super) fn is_default(expression: &ast::Expr) -> bool {
    matches!(expression, ast::Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

fn is_null(expression: &ast::Expr) -> bool {
    matches!(expression, ast::Expr::Value(value) if value.value == ast::Value::Null)
}

/// Gives cells of VALUES and bare literals of a select list their column's type: alone they have none.
fn typed_values(splices: &Splices, query: &mut ast::Query, target: &Target, places: &[usize]) -> Result<()> {
    let typed = |at: usize, cell: &mut ast::Expr| -> Result<()> {
        let Some(column) = places.get(at).map(|place| &target.columns[*place]) else {
            return Ok(());
        };
        super::assign::check_literal(column, cell, "expression")?;
        if is_default(cell) {
            let text = match &column.generated {
                Some(_) => "NULL".to_owned(),
                None => column.cast(column.default.as_deref().unwrap_or("NULL")),
            };
            *cell = splices.expression(&text)?;
        } else if matches!(
            cell,
            ast::Expr::Value(_) | ast::Expr::UnaryOp { .. } | ast::Expr::Array(_)
        ) && column.generated.is_none()
        {
            *cell = splices.expression(&column.cast(&splices.expr(cell)))?;
        }
        Ok(())
    };
    match query.body.as_mut() {
        ast::SetExpr::Values(values) => {
            let width = values.rows.first().map_or(0, |row| row.content.len());
            for row in &mut values.rows {
                if row.content.len() != width {
                    return Err(Error::syntax("VALUES lists must all be the same length"));
                }
                for (at, cell) in row.content.iter_mut().enumerate() {
                    typed(at, cell)?;
                }
            }
        }
        ast::SetExpr::Select(select) => {
            if select.projection.iter().any(|item| {
                matches!(
                    item,
                    ast::SelectItem::Wildcard(_) | ast::SelectItem::QualifiedWildcard(..)
                )
            }) {
                return Ok(());
            }
            for (at, item) in select.projection.iter_mut().enumerate() {
                if let ast::SelectItem::UnnamedExpr(cell) | ast::SelectItem::ExprWithAlias { expr: cell, .. } =
                    item
                    && matches!(cell, ast::Expr::Value(_))
                {
                    typed(at, cell)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Parses one expression that a table keeps.
pub(crate) fn expression(text: &str) -> Result<ast::Expr> {
    Splices::default().expression(text)
}

/// Puts the WITH of the whole statement before the query's own.
fn merge_with(query: &mut ast::Query, outer: &ast::With) {
    match &mut query.with {
        None => query.with = Some(outer.clone()),
        Some(own) => {
            own.recursive |= outer.recursive;
            let mut tables = outer.cte_tables.clone();
            tables.append(&mut own.cte_tables);
            own.cte_tables = tables;
        }
    }
}
