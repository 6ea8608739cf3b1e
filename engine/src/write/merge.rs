//! MERGE INTO … USING … ON … WHEN [NOT] MATCHED.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use futures::TryStreamExt;
use radlake_catalogs::Edits;
use radlake_sql::ast::{self, VisitMut};
use radlake_sql::extend::{DEFAULTS, NOTHING as NO_ACTION};

use super::constraint;
use super::insert::{assignments, is_default, list, take};
use super::opened::{Access, not_to_be_changed};
use super::pipeline::{Gate, layers};
use super::splice::Splices;
use super::target::{Target, quoted};
use super::unique::Keys;
use super::{Outcome, Writer};
use crate::policy::{Command, RowCheck};
use crate::{Error, Result};

/// What a WHEN clause does with a row: numbers of the column `radlake.action`.
const NOTHING: i32 = 0;
const INSERT: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 3;

impl Writer<'_> {
    pub(super) async fn merge(&mut self, merge: &ast::Merge, with: Option<&ast::With>) -> Result<Outcome> {
        self.authorise_merge(merge)?;
        let ast::TableFactor::Table { name, alias, .. } = &merge.table else {
            return Err(Error::unsupported(format!(
                "{} is not a table to write to",
                merge.table
            )));
        };
        if merge.output.is_some() {
            // RETURNING came with PostgreSQL 17.
            return Err(Error::syntax("syntax error at or near \"returning\""));
        }
        let object = self.resolve_table(name)?;
        let mut target = Target::new(object.as_ref().clone(), alias.as_ref().map(|alias| &alias.name));
        for (command, action) in [(Command::Insert, INSERT), (Command::Update, UPDATE)] {
            let checks = self
                .row_checks(&target.object, command, command == Command::Update)
                .await?;
            target.checks.extend(checks.into_iter().map(|check| RowCheck {
                expression: format!(
                    "CASE WHEN \"radlake.action\" = {action} THEN ({}) ELSE TRUE END",
                    check.expression
                ),
                ..check
            }));
        }
        let opened = self.open_for(&target, Access::Merge).await?;
        let constraints = constraint::enforced(&target.object, &*self.epoch()?)?;
        let alias = quoted(&target.alias);
        let matched = format!("{alias}.{} IS NOT NULL", opened.row());
        let mut cases: Vec<Case> = Vec::with_capacity(merge.clauses.len());
        let mut final_kinds: Vec<bool> = Vec::new();
        for clause in &merge.clauses {
            let kind = clause.clause_kind == ast::MergeClauseKind::Matched;
            if final_kinds.contains(&kind) {
                return Err(Error::syntax(
                    "unreachable WHEN clause specified after unconditional WHEN clause",
                ));
            }
            if clause.predicate.is_none() {
                final_kinds.push(kind);
            }
            let clause = of_source(clause, &target, &merge.source);
            cases.push(Case::of(&self.splices, &target, &clause, &matched)?);
        }
        let when = |pick: &dyn Fn(&Case) -> String, otherwise: &str| {
            let arms: String = cases
                .iter()
                .map(|case| format!(" WHEN {} THEN {}", case.condition, pick(case)))
                .collect();
            format!("CASE{arms} ELSE {otherwise} END")
        };
        let action = when(&|case| case.action.to_string(), &NOTHING.to_string());
        let columns = target
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.generated.is_none())
            .map(|(place, column)| {
                let name = quoted(&column.name);
                let old = format!("{alias}.{}", opened.column(&column.name));
                let value = when(&|case| case.value(place).unwrap_or_else(|| old.clone()), &old);
                format!("{} AS {name}", column.cast(&value))
            });
        let may = |command| {
            let asked = opened.may(command);
            asked.map_or_else(|| "TRUE".to_owned(), |may| format!("{alias}.{may}"))
        };
        let source = ast::TableWithJoins {
            relation: merge.source.clone(),
            joins: Vec::new(),
        };
        let mut first = self.splices.tree(&format!(
            "SELECT CAST({action} AS int4) AS \"radlake.action\", {alias}.{} AS \"radlake.file\", \
             {alias}.{} AS \"radlake.row\", {} AS \"radlake.may.update\", {} AS \"radlake.may.delete\", {} \
             FROM {} LEFT JOIN {} AS {alias} ON {}",
            opened.file(),
            opened.row(),
            may(Command::Update),
            may(Command::Delete),
            list(columns),
            self.splices.tables(&source),
            self.splices.local("target"),
            self.splices.expr(&merge.on)
        ))?;
        first.with = with.cloned();
        let first = self.splices.query(first);
        let passed = [
            "radlake.action",
            "radlake.file",
            "radlake.row",
            "radlake.may.update",
            "radlake.may.delete",
        ];
        let all: Vec<usize> = (0..target.columns.len()).collect();
        let sql = layers(&target, &constraints, &first, &passed, &all);
        let planner = self.planner(vec![("target", Arc::clone(&opened.rows))])?;
        let mut rows = self.rows(&planner, &sql).await?;
        let mut gate = Gate::new(&target, &constraints, &passed, &all);
        let (mut edits, mut inserted) = (Edits::default(), Vec::new());
        let mut keys = Keys::new(constraint::primary_key(&constraints));
        while let Some(batch) = rows.try_next().await? {
            let actions = batch.column(0).as_primitive::<Int32Type>().clone();
            for (action, may) in [(UPDATE, 3), (DELETE, 4)] {
                let may = batch.column(may).as_boolean();
                let refused = |at: usize| {
                    actions.is_valid(at)
                        && actions.value(at) == action
                        && !(may.is_valid(at) && may.value(at))
                };
                if (0..batch.num_rows()).any(refused) {
                    return Err(not_to_be_changed(&target.object.name, "target"));
                }
            }
            let written: BooleanArray = actions
                .iter()
                .map(|action| Some(matches!(action, Some(INSERT | UPDATE))))
                .collect();
            let (places, batch) = gate.admit_where(&batch, Some(&written))?;
            let (files, numbers) = (
                places[1].as_primitive::<Int32Type>(),
                places[2].as_primitive::<Int64Type>(),
            );
            let (mut new, mut old) = (Vec::new(), Vec::new());
            let mut marked = HashSet::new();
            for at in 0..batch.num_rows() {
                let action = if actions.is_null(at) {
                    NOTHING
                } else {
                    actions.value(at)
                };
                let place = || (files.value(at), numbers.value(at));
                match action {
                    INSERT => new.push(at as u64),
                    UPDATE | DELETE => {
                        let (file, row) = place();
                        if edits.has(file, row) || !marked.insert((file, row)) {
                            return Err(Error::CardinalityViolation(
                                "MERGE command cannot affect row a second time".to_owned(),
                            ));
                        }
                        if action == DELETE {
                            edits.delete(file, row);
                        } else {
                            old.push((at as u64, file, row));
                        }
                    }
                    _ => {}
                }
            }
            if !old.is_empty() {
                let chosen = take(&batch, &old.iter().map(|(at, ..)| *at).collect::<Vec<_>>())?;
                keys.see(&chosen)?;
                let number = edits.keep(chosen);
                for (from, (_, file, row)) in old.iter().enumerate() {
                    edits.update(*file, *row, number, from);
                }
            }
            if !new.is_empty() {
                let chosen = take(&batch, &new)?;
                keys.see(&chosen)?;
                inserted.push(chosen);
            }
        }
        let count = edits.len() + inserted.iter().map(RecordBatch::num_rows).sum::<usize>();
        self.work
            .edit(&planner.state, &planner.state.task_ctx(), &opened.table, edits)
            .await?;
        self.work.append(&target.object, inserted).await?;
        self.count_on(&target, &gate)?;
        self.unique(&target, &constraints, keys).await?;
        // What is matched depends on what others do.
        self.work.reads(target.object.oid);
        Ok(Outcome::tag(format!("MERGE {count}")))
    }
}

/// A WHEN NOT MATCHED clause sees the source alone: a name that the target has too means the source's there.
fn of_source(clause: &ast::MergeClause, target: &Target, source: &ast::TableFactor) -> ast::MergeClause {
    let mut clause = clause.clone();
    let name = match source {
        ast::TableFactor::Table {
            alias: Some(alias), ..
        }
        | ast::TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        ast::TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()).cloned(),
        _ => None,
    };
    if let (Some(source), false) = (name, clause.clause_kind == ast::MergeClauseKind::Matched) {
        let mut qualifier = OfSource {
            source,
            target,
            depth: 0,
        };
        let _ = clause.predicate.visit(&mut qualifier);
        if let ast::MergeAction::Insert(ast::MergeInsertExpr {
            kind: ast::MergeInsertKind::Values(values),
            ..
        }) = &mut clause.action
        {
            let _ = values.visit(&mut qualifier);
        }
    }
    clause
}

/// Puts the source before names that the target has too, but for those within sub-queries, which have relations of their own.
struct OfSource<'t> {
    source: ast::Ident,
    target: &'t Target,
    depth: usize,
}

impl ast::VisitorMut for OfSource<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut ast::Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        if let (ast::Expr::Identifier(name), 0) = (&*expr, self.depth)
            && !is_default(expr)
            && self.target.column(name).is_ok()
        {
            *expr = ast::Expr::CompoundIdentifier(vec![self.source.clone(), name.clone()]);
        }
        ControlFlow::Continue(())
    }
}

/// A WHEN clause.
struct Case {
    condition: String,
    action: i32,
    /// Values by place of their column; `None` for a column that keeps what it has.
    values: Vec<(usize, String)>,
}

impl Case {
    fn of(splices: &Splices, target: &Target, clause: &ast::MergeClause, matched: &str) -> Result<Self> {
        let condition = match clause.clause_kind {
            ast::MergeClauseKind::Matched => matched.to_owned(),
            ast::MergeClauseKind::NotMatched | ast::MergeClauseKind::NotMatchedByTarget => {
                format!("NOT ({matched})")
            }
            ast::MergeClauseKind::NotMatchedBySource => {
                // It came with PostgreSQL 17.
                return Err(Error::syntax("syntax error at or near \"BY\""));
            }
        };
        let condition = match &clause.predicate {
            Some(predicate) => format!("{condition} AND ({})", splices.expr(predicate)),
            None => condition,
        };
        let (action, values) = match &clause.action {
            action if does_nothing(action) => (NOTHING, Vec::new()),
            ast::MergeAction::Delete { .. } => (DELETE, Vec::new()),
            ast::MergeAction::Update(update) => (UPDATE, assignments(splices, target, &update.assignments)?),
            ast::MergeAction::Insert(insert) => (INSERT, inserted(splices, target, insert)?),
        };
        Ok(Self {
            condition,
            action,
            values,
        })
    }

    fn value(&self, place: usize) -> Option<String> {
        self.values
            .iter()
            .find(|(column, _)| *column == place)
            .map(|(_, value)| value.clone())
    }
}

/// DO NOTHING, as the parser was given it.
fn does_nothing(action: &ast::MergeAction) -> bool {
    match action {
        ast::MergeAction::Update(update) => matches!(update.assignments.as_slice(),
            [ast::Assignment { target: ast::AssignmentTarget::ColumnName(name), .. }] if is(name, NO_ACTION)),
        ast::MergeAction::Insert(insert) => {
            matches!(insert.columns.as_slice(), [name] if is(name, NO_ACTION))
        }
        ast::MergeAction::Delete { .. } => false,
    }
}

fn is(name: &ast::ObjectName, wanted: &str) -> bool {
    matches!(name.0.as_slice(), [part]
        if part.as_ident().is_some_and(|ident| ident.quote_style.is_some() && ident.value == wanted))
}

/// The values of an inserted row: what is given, and defaults for the other columns.
fn inserted(
    splices: &Splices,
    target: &Target,
    insert: &ast::MergeInsertExpr,
) -> Result<Vec<(usize, String)>> {
    let ast::MergeInsertKind::Values(values) = &insert.kind else {
        return Err(Error::unsupported("INSERT ROW is not PostgreSQL's"));
    };
    let [row] = values.rows.as_slice() else {
        return Err(Error::syntax("a WHEN clause inserts one row"));
    };
    let mut places: Vec<usize> = Vec::new();
    if matches!(insert.columns.as_slice(), [name] if is(name, DEFAULTS)) {
        let all = target.columns.iter().enumerate();
        return Ok(all
            .map(|(place, column)| (place, column.cast(column.default.as_deref().unwrap_or("NULL"))))
            .collect());
    }
    for column in &insert.columns {
        let ident = column.0.last().and_then(|part| part.as_ident());
        places
            .push(target.column(ident.ok_or_else(|| Error::unsupported(format!("{column} is no column")))?)?);
    }
    if places.is_empty() {
        places = (0..row.content.len().min(target.columns.len())).collect();
    }
    if places.len() != row.content.len() {
        return Err(Error::syntax("INSERT has more expressions than target columns"));
    }
    let mut all = Vec::with_capacity(target.columns.len());
    for (place, column) in target.columns.iter().enumerate() {
        let given = places
            .iter()
            .position(|given| *given == place)
            .map(|at| &row.content[at]);
        let expression = match given {
            Some(value) if !is_default(value) => splices.expr(value),
            _ => column.default.clone().unwrap_or_else(|| "NULL".to_owned()),
        };
        all.push((place, column.cast(&expression)));
    }
    Ok(all)
}
