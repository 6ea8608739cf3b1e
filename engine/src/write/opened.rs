//! The target of a statement that changes rows, as who acts may see it.
//!
//! Whoever writes reads as himself: a client's expressions see the columns that he may read of the rows that policies let
//! him see. What the statement itself needs of a row, to write it again, are columns of names that no text can have.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use radlake_catalogs::delta::RowIds;
use radlake_catalogs::{LakeTable, Relation, TableObject};

use super::Writer;
use super::target::{Target, quoted};
use crate::planner::{Before, Shown};
use crate::policy::{
    Command, Privilege, Rights, RowCheck, SecuredTable, Subject, Verdict, binds, checks, decide, masks, seen,
    using,
};
use crate::{Error, Result};

/// What a statement does with the rows of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// UPDATE; whether it reads what it changes.
    Update { reads: bool },
    /// DELETE; whether it reads what it deletes.
    Delete { reads: bool },
    /// ON CONFLICT: a row of the same key is met whether it is seen or not.
    Conflict { reads: bool },
    /// MERGE.
    Merge,
}

/// A target: its rows with their places.
pub(super) struct Opened {
    pub(super) table: Arc<LakeTable>,
    pub(super) rows: Arc<dyn TableProvider>,
    /// Begin of the names of the statement's own columns, where they are not the table's.
    private: Option<String>,
}

impl Opened {
    /// A column as the statement itself reads it, quoted.
    pub(super) fn column(&self, name: &str) -> String {
        match &self.private {
            Some(private) => quoted(&format!("{private}column.{name}")),
            None => quoted(name),
        }
    }

    /// The number of a row's file, quoted.
    pub(super) fn file(&self) -> String {
        self.own("file", "radlake.file")
    }

    /// The number of a row within its file, quoted.
    pub(super) fn row(&self) -> String {
        self.own("row", "radlake.row")
    }

    /// Whether a row may be changed so: a column, quoted; `None` where every row may.
    pub(super) fn may(&self, command: Command) -> Option<String> {
        let private = self.private.as_ref()?;
        let field = quoted(&format!("{private}may.{}", command.name()));
        let known = self.rows.schema();
        let there = known.fields().iter().any(|known| quoted(known.name()) == field);
        there.then_some(field)
    }

    fn own(&self, private_name: &str, name: &str) -> String {
        match &self.private {
            Some(private) => quoted(&format!("{private}{private_name}")),
            None => quoted(name),
        }
    }
}

impl Writer<'_> {
    /// The entry of the target whose rights and policies hold, if anything binds who acts.
    pub(super) fn bound_by(&self, target: &TableObject) -> Result<Option<(Arc<TableObject>, Subject)>> {
        let subject = self.subject()?;
        if subject.superuser {
            return Ok(None);
        }
        match self.governing(&Relation::Table(Arc::new(target.clone())), &subject)? {
            Relation::Table(today) => Ok(Some((today, subject))),
            Relation::View(_) | Relation::Sequence(_) => {
                Err(Error::internal("a table became something else"))
            }
        }
    }

    /// Whether policies bind who acts on a table.
    pub(super) fn policies_bind(&self, target: &TableObject) -> Result<bool> {
        let bound = self.bound_by(target)?;
        Ok(bound.is_some_and(|(today, subject)| binds(&subject, &today)))
    }

    /// What policies ask of rows that a command writes; with `reads`, they must be seen afterwards.
    pub(super) async fn row_checks(
        &self,
        target: &TableObject,
        command: Command,
        reads: bool,
    ) -> Result<Vec<RowCheck>> {
        let Some((today, subject)) = self
            .bound_by(target)?
            .filter(|(today, subject)| binds(subject, today))
        else {
            return Ok(Vec::new());
        };
        if !self.session.row_security() {
            return Err(Error::InsufficientPrivilege(format!(
                "query would be affected by row-level security policy for table \"{}\"",
                today.name
            )));
        }
        let mut all = checks(&subject, &today, command);
        if reads {
            all.extend(seen(&subject, &today, Command::Select));
        }
        self.check_recursion(target, &all).await?;
        Ok(all)
    }

    /// The target as the transaction has it so far, for a statement of who acts.
    pub(super) async fn open_for(&self, target: &Target, access: Access) -> Result<Opened> {
        let table = self.seen().open_table(target.object.oid).await?;
        let rows: Arc<dyn TableProvider> = Arc::new(RowIds::new(Arc::clone(&table)));
        let plain = |subject: Subject, object: &TableObject| {
            let rows = Arc::new(SecuredTable::over(
                Arc::clone(&table),
                Arc::clone(&rows),
                object,
                subject,
            )?);
            Ok::<_, Error>(Opened {
                table: Arc::clone(&table),
                rows,
                private: None,
            })
        };
        let Some((today, subject)) = self.bound_by(&target.object)? else {
            return plain(Subject::lake(), &target.object);
        };
        let masks = masks(&subject, &today);
        // Whoever deletes writes no value again, so that what is hidden from him may stay hidden.
        let hides = matches!(access, Access::Delete { .. }) && today.schema == "imaging";
        if !masks.is_empty() && !hides {
            return Err(Error::unsupported(format!(
                "changing rows of \"{}\", of which the role is shown masked columns, is not supported",
                today.name
            )));
        }
        let bound = binds(&subject, &today);
        if !bound
            && masks.is_empty()
            && decide(&subject, Rights::of_table(&today), Privilege::Select) == Verdict::Everything
        {
            return plain(subject, &today);
        }
        let planner = self.planner(Vec::new())?;
        // Whether policies may bind at all: `row_security`, and what the columns were.
        planner.names.before(&target.object, &today, Command::Select)?;
        let private = self.splices.private("");
        let before = Before {
            using: bound.then(|| visible(&subject, &today, access)).flatten(),
            masks,
        };
        let shown = shown(&target.object, &rows, &subject, &today, access, &private, &before);
        let secured = SecuredTable::target(Arc::clone(&table), Arc::clone(&rows), &today, subject);
        let below = planner
            .below(&target.object, rows, shown, &before, Some(private.clone()), 0)
            .await?;
        Ok(Opened {
            table,
            rows: Arc::new(secured.behind(below)),
            private: Some(private),
        })
    }
}

/// The rows that a statement sees of its target; `None` for all.
fn visible(subject: &Subject, table: &TableObject, access: Access) -> Option<String> {
    let using = |command| using(subject, table, command);
    let both = |command, reads| match reads {
        true => format!("({}) AND ({})", using(command), using(Command::Select)),
        false => using(command),
    };
    match access {
        Access::Update { reads } => Some(both(Command::Update, reads)),
        Access::Delete { reads } => Some(both(Command::Delete, reads)),
        Access::Conflict { .. } => None,
        Access::Merge => Some(using(Command::Select)),
    }
}

/// The columns below the barrier: those that a client's expressions may name, then the statement's own.
fn shown(
    target: &TableObject,
    rows: &Arc<dyn TableProvider>,
    subject: &Subject,
    today: &TableObject,
    access: Access,
    private: &str,
    before: &Before,
) -> Vec<Shown> {
    let alias = quoted(&target.name);
    let bound = binds(subject, today);
    let may = |command: Command, reads: bool| match reads {
        true => format!(
            "({}) AND ({})",
            using(subject, today, command),
            using(subject, today, Command::Select)
        ),
        false => using(subject, today, command),
    };
    // Of a row that he may not change, expressions of ON CONFLICT see nothing: the statement fails once it is met.
    let hidden = match access {
        Access::Conflict { reads } if bound => Some(may(Command::Update, reads)),
        _ => None,
    };
    let schema = rows.schema();
    let mut all = Vec::with_capacity(2 * schema.fields().len());
    for field in schema.fields() {
        let own = format!("{alias}.{}", quoted(field.name()));
        let own_name = match field.name().as_str() {
            "radlake.file" => format!("{private}file"),
            "radlake.row" => format!("{private}row"),
            name => {
                let nullable = Arc::new(field.as_ref().clone().with_nullable(true));
                all.push(match &hidden {
                    None => Shown::of(target, field, before),
                    Some(may) => Shown {
                        expression: format!("CASE WHEN {may} THEN {own} END"),
                        field: nullable,
                    },
                });
                format!("{private}column.{name}")
            }
        };
        all.push(Shown {
            expression: own,
            field: Arc::new(field.as_ref().clone().with_name(own_name)),
        });
    }
    let mut asked = |command: Command, reads: bool| {
        all.push(Shown {
            expression: format!("coalesce({}, FALSE)", may(command, reads)),
            field: Arc::new(Field::new(
                format!("{private}may.{}", command.name()),
                DataType::Boolean,
                true,
            )),
        });
    };
    match access {
        Access::Conflict { reads } if bound => asked(Command::Update, reads),
        Access::Merge if bound => {
            asked(Command::Update, false);
            asked(Command::Delete, false);
        }
        _ => {}
    }
    all
}

/// A row that a policy does not let be written, or changed.
pub(super) fn violates(table: &str, policy: Option<&str>) -> Error {
    Error::InsufficientPrivilege(match policy {
        Some(policy) => {
            format!("new row violates row-level security policy \"{policy}\" for table \"{table}\"")
        }
        None => format!("new row violates row-level security policy for table \"{table}\""),
    })
}

/// An existing row that policies do not let be changed.
pub(super) fn not_to_be_changed(table: &str, kind: &str) -> Error {
    Error::InsufficientPrivilege(format!(
        "{kind} row violates row-level security policy (USING expression) for table \"{table}\""
    ))
}
