//! INSERT … ON CONFLICT: rows whose key is there already are left alone, or updated.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use radlake_catalogs::Edits;
use radlake_sql::ast;

use super::constraint::{self, Constraint};
use super::insert::{assignments, list, take};
use super::opened::{Access, not_to_be_changed, violates};
use super::others::Others;
use super::pipeline::{Gate, layers, policy_column};
use super::target::{Target, folded, quoted};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::policy::Command;
use crate::{Error, Result};

impl Writer<'_> {
    /// `first` gives the rows that are proposed; `reads` says whether the statement reads columns of its target.
    pub(super) async fn upsert(
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
        target.checks = self.row_checks(&target.object, Command::Update, reads).await?;
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
        let may = opened
            .may(Command::Update)
            .map_or_else(|| "TRUE".to_owned(), |may| format!("{alias}.{may}"));
        let filter = match (nothing, condition) {
            (true, _) => format!(" WHERE {row} IS NULL{refused}"),
            (false, Some(condition)) => format!(" WHERE {row} IS NULL OR ({condition}){refused}"),
            (false, None) => String::new(),
        };
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
