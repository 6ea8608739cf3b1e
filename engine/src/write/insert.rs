//! INSERT: VALUES, queries, DEFAULT VALUES, ON CONFLICT, RETURNING.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::{StreamExt, TryStreamExt};
use radlake_catalogs::Edits;
use radlake_sql::ast;

use super::constraint::{self, Constraint};
use super::opened::{Access, not_to_be_changed, violates};
use super::others::Others;
use super::pipeline::{Gate, counter, layers, policy_column};
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
        target.checks = self.row_checks(&target.object, Command::Insert, reads)?;
        let constraints = constraint::of(&target.object)?;
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
            keys: Keys::new(constraint::primary_key(constraints)),
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

    async fn upsert(
        &mut self,
        mut target: Target,
        constraints: &[Constraint],
        first: &str,
        on: &ast::OnConflict,
        returning: Option<&Vec<ast::SelectItem>>,
        reads: bool,
    ) -> Result<Outcome> {
        let key = conflict_key(&target, constraints, on)?;
        let opened = self.open_for(&target, Access::Conflict { reads }).await?;
        let alias = quoted(&target.alias);
        let (file, row) = (
            format!("{alias}.{}", opened.file()),
            format!("{alias}.{}", opened.row()),
        );
        // What would be inserted, complete with generated columns, is what `excluded` means.
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let excluded = layers(&target, &[], first, &[], &all);
        // Policies for INSERT are asked of every row that is proposed, those for UPDATE of what becomes of the others.
        let proposed = std::mem::take(&mut target.checks);
        target.checks = self.row_checks(&target.object, Command::Update, reads)?;
        for check in &mut target.checks {
            check.expression = format!(
                "CASE WHEN \"radlake.row\" IS NULL THEN TRUE ELSE ({}) END",
                check.expression
            );
        }
        let target = &target;
        let matched: Vec<String> = key
            .iter()
            .map(|column| format!("{alias}.{} = excluded.{}", opened.column(column), quoted(column)))
            .collect();
        let mut set: Vec<Option<String>> = vec![None; target.columns.len()];
        let mut condition = None;
        let nothing = match &on.action {
            ast::OnConflictAction::DoNothing => true,
            ast::OnConflictAction::DoUpdate(update) => {
                for (place, expression) in assignments(&self.splices, target, &update.assignments)? {
                    set[place] = Some(expression);
                }
                condition = update
                    .selection
                    .as_ref()
                    .map(|selection| self.splices.expr(selection));
                false
            }
        };
        let columns = target
            .columns
            .iter()
            .zip(&set)
            .filter(|(column, _)| column.generated.is_none())
            .map(|(column, set)| {
                let name = quoted(&column.name);
                let old = set
                    .clone()
                    .unwrap_or_else(|| format!("{alias}.{}", opened.column(&column.name)));
                column.cast(&format!(
                    "CASE WHEN {row} IS NULL THEN excluded.{name} ELSE {old} END"
                )) + &format!(" AS {name}")
            });
        let columns = list(columns);
        // What policies refuse must be met, whether it would be written or not.
        let refused: String = (0..proposed.len())
            .map(|at| format!(" OR NOT coalesce(excluded.{}, FALSE)", quoted(&policy_column(at))))
            .collect();
        let filter = match (nothing, condition) {
            (true, _) => format!(" WHERE {row} IS NULL{refused}"),
            (false, Some(condition)) => format!(" WHERE {row} IS NULL OR ({condition}){refused}"),
            (false, None) => String::new(),
        };
        let may = opened
            .may(Command::Update)
            .map_or_else(|| "TRUE".to_owned(), |may| format!("{alias}.{may}"));
        let asked: Vec<String> = (0..proposed.len())
            .map(|at| format!("radlake.proposed.{at}"))
            .collect();
        let asked_columns: String = asked
            .iter()
            .enumerate()
            .map(|(at, name)| format!("excluded.{} AS {}, ", quoted(&policy_column(at)), quoted(name)))
            .collect();
        let joined = format!(
            "(SELECT {file} AS \"radlake.file\", {row} AS \"radlake.row\", {may} AS \"radlake.may\", {}{columns} FROM ({excluded}) AS excluded \
             LEFT JOIN {} AS {alias} ON {}{filter})",
            asked_columns,
            self.splices.local("target"),
            matched.join(" AND ")
        );
        let mut passed = vec!["radlake.file", "radlake.row", "radlake.may"];
        passed.extend(asked.iter().map(String::as_str));
        let sql = layers(target, constraints, &joined, &passed, &all);
        let planner = self.planner(vec![("target", Arc::clone(&opened.rows))])?;
        let mut rows = self.rows(&planner, &sql).await?;
        let mut gate = Gate::new(target, constraints, &passed, &all);
        let mut seen = Keys::all(&key);
        let (mut edits, mut inserted, mut kept) = (Edits::default(), Vec::new(), Vec::new());
        while let Some(batch) = rows.try_next().await? {
            let holds = |column: usize, at: usize| {
                let column = batch.column(column).as_boolean();
                column.is_valid(at) && column.value(at)
            };
            for (nth, check) in proposed.iter().enumerate() {
                if (0..batch.num_rows()).any(|at| !holds(3 + nth, at)) {
                    return Err(violates(&target.object.name, check.policy.as_deref()));
                }
            }
            if !nothing && (0..batch.num_rows()).any(|at| batch.column(1).is_valid(at) && !holds(2, at)) {
                return Err(not_to_be_changed(&target.object.name, "new"));
            }
            let (places, batch) = gate.admit(&batch)?;
            let news = seen.first_times(&batch)?;
            let (files, numbers) = (
                places[0].as_primitive::<Int32Type>(),
                places[1].as_primitive::<Int64Type>(),
            );
            let (mut new, mut old) = (Vec::new(), Vec::new());
            for (at, news) in news.into_iter().enumerate() {
                match (files.is_null(at), news) {
                    (true, true) => new.push(at as u64),
                    (true, false) if nothing => {}
                    (false, true) => old.push(at as u64),
                    (_, false) => {
                        return Err(Error::CardinalityViolation(
                            "ON CONFLICT DO UPDATE command cannot affect row a second time".to_owned(),
                        ));
                    }
                }
            }
            if !old.is_empty() {
                let chosen = take(&batch, &old)?;
                kept.push(chosen.clone());
                let number = edits.keep(chosen);
                for (from, at) in old.iter().enumerate() {
                    let at = *at as usize;
                    edits.update(files.value(at), numbers.value(at), number, from);
                }
            }
            if !new.is_empty() {
                inserted.push(take(&batch, &new)?);
            }
        }
        let count = edits.len() + inserted.iter().map(RecordBatch::num_rows).sum::<usize>();
        kept.extend(inserted.iter().cloned());
        self.work
            .edit(&planner.state, &planner.state.task_ctx(), &opened.table, edits)
            .await?;
        self.work.append(&target.object, inserted).await?;
        self.count_on(target, &gate)?;
        let mut keys = Keys::new(constraint::primary_key(constraints));
        kept.iter().try_for_each(|rows| keys.see(rows))?;
        self.unique(target, constraints, keys).await?;
        // Whether a row is there already depends on what others do.
        self.work.reads(target.object.oid);
        let returned = self
            .returning(target, returning, kept, &Others::default())
            .await?;
        Ok(Outcome {
            tag: format!("INSERT 0 {count}"),
            returned,
        })
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
pub(super) fn expression(text: &str) -> Result<ast::Expr> {
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

/// The columns of the key that ON CONFLICT is about.
fn conflict_key(target: &Target, constraints: &[Constraint], on: &ast::OnConflict) -> Result<Vec<String>> {
    let none = || {
        Error::InvalidColumnReference(
            "there is no unique or exclusion constraint matching the ON CONFLICT specification".to_owned(),
        )
    };
    match &on.conflict_target {
        None => match (&on.action, constraints.iter().find_map(Constraint::key)) {
            (ast::OnConflictAction::DoNothing, Some(key)) => Ok(key.to_vec()),
            (ast::OnConflictAction::DoNothing, None) => {
                Ok(target.columns.iter().map(|column| column.name.clone()).collect())
            }
            _ => Err(Error::syntax(
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            )),
        },
        Some(ast::ConflictTarget::Columns(columns)) => {
            let mut wanted = Vec::with_capacity(columns.len());
            for column in columns {
                wanted.push(target.columns[target.column(column)?].name.clone());
            }
            let mut sorted = wanted.clone();
            sorted.sort();
            let matches = |key: &[String]| {
                let mut key = key.to_vec();
                key.sort();
                key == sorted
            };
            let found = constraints.iter().filter_map(Constraint::key).any(matches);
            if found { Ok(wanted) } else { Err(none()) }
        }
        Some(ast::ConflictTarget::OnConstraint(name)) => {
            let wanted = name
                .0
                .last()
                .and_then(|part| part.as_ident())
                .map(folded)
                .unwrap_or_default();
            let found = constraints.iter().find(|constraint| constraint.name == wanted);
            let key = found.and_then(Constraint::key).map(<[String]>::to_vec);
            key.ok_or(Error::UndefinedObject {
                kind: "constraint",
                name: wanted,
            })
        }
    }
}
