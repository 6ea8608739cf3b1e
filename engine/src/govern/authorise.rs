//! Whether who acts may do what a statement asks for. What a statement reads is not decided here but where a name becomes a
//! table ([`crate::policy::SecuredTable`]).

use radlake_catalogs::{Epoch, Relation};
use radlake_sql::ast;

use super::denied;
use crate::policy::{Privilege, Rights, Subject, Verdict, decide};
use crate::write::Writer;
use crate::write::target::folded;
use crate::{Error, Result};

impl Writer<'_> {
    /// Who acts, as the transaction has it so far.
    pub(crate) fn subject(&self) -> Result<Subject> {
        self.session.subject_at(&*self.epoch()?)
    }

    /// Refuses what the acting role has no right to. Statements that are not listed are for superusers.
    pub(crate) fn authorise(&self, statement: &ast::Statement) -> Result<()> {
        let subject = self.subject()?;
        if subject.superuser {
            return Ok(());
        }
        let epoch = self.epoch()?;
        use ast::Statement as S;
        match statement {
            S::Query(query) => self.authorise_query(&epoch, &subject, query),
            S::Insert(insert) => self.authorise_insert(&epoch, &subject, insert),
            S::Update(update) => {
                let Some(name) = named(&update.table.relation) else {
                    return Err(denied("permission denied"));
                };
                let relation = self.relation(&epoch, name)?;
                let columns = assigned(&update.assignments);
                check(&subject, &relation, Privilege::Update, Some(&columns))?;
                check(&subject, &relation, Privilege::Select, None)
            }
            S::Delete(delete) => {
                let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) =
                    &delete.from;
                let Some(name) = from.first().and_then(|table| named(&table.relation)) else {
                    return Err(denied("permission denied"));
                };
                let relation = self.relation(&epoch, name)?;
                check(&subject, &relation, Privilege::Delete, None)?;
                check(&subject, &relation, Privilege::Select, None)
            }
            S::Merge(merge) => self.authorise_merge(&epoch, &subject, merge),
            S::Truncate(truncate) => truncate.table_names.iter().try_for_each(|target| {
                let relation = self.relation(&epoch, &target.name)?;
                check(&subject, &relation, Privilege::Truncate, None)
            }),
            S::CreateTable(create) => self.may_create_in(&epoch, &subject, &create.name),
            S::CreateView(create) => {
                self.may_create_in(&epoch, &subject, &create.name)?;
                match self.relation(&epoch, &create.name) {
                    Ok(old) if create.or_replace => owned(&subject, &old),
                    _ => Ok(()),
                }
            }
            S::AlterTable(alter) => self.owner_of(&epoch, &subject, &alter.name),
            S::Drop {
                object_type: ast::ObjectType::Table | ast::ObjectType::View,
                names,
                ..
            } => names
                .iter()
                .try_for_each(|name| self.owner_of(&epoch, &subject, name)),
            S::Comment {
                object_type: ast::CommentObject::Table | ast::CommentObject::View,
                object_name,
                ..
            } => self.owner_of(&epoch, &subject, object_name),
            // Accepted to no effect.
            S::CreateIndex(_) | S::Analyze(_) => Ok(()),
            // They have rules of their own.
            S::CreateRole(_) | S::AlterRole { .. } | S::Grant(_) | S::Revoke(_) => Ok(()),
            S::Drop {
                object_type: ast::ObjectType::Role,
                ..
            } => Ok(()),
            _ => Err(denied("permission denied: only superusers may do this")),
        }
    }

    fn authorise_query(&self, epoch: &Epoch, subject: &Subject, query: &ast::Query) -> Result<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.authorise_query(epoch, subject, &cte.query)?;
        }
        match query.body.as_ref() {
            ast::SetExpr::Insert(statement)
            | ast::SetExpr::Update(statement)
            | ast::SetExpr::Delete(statement)
            | ast::SetExpr::Merge(statement) => self.authorise(statement),
            ast::SetExpr::Select(select) => match &select.into {
                Some(into) => self.may_create_in(epoch, subject, &into.name),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn authorise_insert(&self, epoch: &Epoch, subject: &Subject, insert: &ast::Insert) -> Result<()> {
        let ast::TableObject::TableName(name) = &insert.table else {
            return Err(denied("permission denied"));
        };
        let relation = self.relation(epoch, name)?;
        let columns: Vec<String> = insert
            .columns
            .iter()
            .filter_map(|name| name.0.last().and_then(|part| part.as_ident()).map(folded))
            .collect();
        let listed = (!columns.is_empty()).then_some(columns.as_slice());
        check(subject, &relation, Privilege::Insert, listed)?;
        if let Some(ast::OnInsert::OnConflict(conflict)) = &insert.on {
            check(subject, &relation, Privilege::Select, None)?;
            if let ast::OnConflictAction::DoUpdate(update) = &conflict.action {
                let columns = assigned(&update.assignments);
                check(subject, &relation, Privilege::Update, Some(&columns))?;
            }
        }
        match insert.returning {
            Some(_) => check(subject, &relation, Privilege::Select, None),
            None => Ok(()),
        }
    }

    fn authorise_merge(&self, epoch: &Epoch, subject: &Subject, merge: &ast::Merge) -> Result<()> {
        let Some(name) = named(&merge.table) else {
            return Err(denied("permission denied"));
        };
        let relation = self.relation(epoch, name)?;
        check(subject, &relation, Privilege::Select, None)?;
        for clause in &merge.clauses {
            let privilege = match &clause.action {
                ast::MergeAction::Insert(_) => Privilege::Insert,
                ast::MergeAction::Update(_) => Privilege::Update,
                ast::MergeAction::Delete { .. } => Privilege::Delete,
            };
            check(subject, &relation, privilege, None)?;
        }
        Ok(())
    }

    fn may_create_in(&self, epoch: &Epoch, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        let (schema, _) = self.place(name)?;
        let allowed = epoch.schema(&schema).is_none_or(|schema| {
            decide(subject, Rights::of_schema(schema), Privilege::Create) == Verdict::Everything
        });
        match allowed {
            true => Ok(()),
            false => Err(denied(format!("permission denied for schema {schema}"))),
        }
    }

    /// What is not there is left to the statement, which may say IF EXISTS.
    fn owner_of(&self, epoch: &Epoch, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        match self.relation(epoch, name) {
            Ok(relation) => owned(subject, &relation),
            Err(Error::UndefinedTable { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn named(factor: &ast::TableFactor) -> Option<&ast::ObjectName> {
    match factor {
        ast::TableFactor::Table { name, .. } => Some(name),
        _ => None,
    }
}

fn assigned(assignments: &[ast::Assignment]) -> Vec<String> {
    let mut columns = Vec::new();
    let mut add = |name: &ast::ObjectName| {
        columns.extend(name.0.last().and_then(|part| part.as_ident()).map(folded));
    };
    for assignment in assignments {
        match &assignment.target {
            ast::AssignmentTarget::ColumnName(name) => add(name),
            ast::AssignmentTarget::Tuple(names) => names.iter().for_each(&mut add),
        }
    }
    columns
}

fn kind(relation: &Relation) -> &'static str {
    match relation {
        Relation::Table(_) => "table",
        Relation::View(_) => "view",
    }
}

/// `columns`: those that are touched; `None` = all.
fn check(
    subject: &Subject,
    relation: &Relation,
    privilege: Privilege,
    columns: Option<&[String]>,
) -> Result<()> {
    let verdict = decide(subject, Rights::of_relation(relation), privilege);
    let covered = match columns {
        Some(columns) => verdict.covers(columns.iter().map(String::as_str)),
        None => verdict == Verdict::Everything,
    };
    match covered {
        true => Ok(()),
        false => Err(denied(format!(
            "permission denied for {} {}",
            kind(relation),
            relation.name()
        ))),
    }
}

fn owned(subject: &Subject, relation: &Relation) -> Result<()> {
    let owner = match relation {
        Relation::Table(table) => table.owner,
        Relation::View(view) => view.owner,
    };
    match subject.owns(owner) {
        true => Ok(()),
        false => Err(denied(format!(
            "must be owner of {} {}",
            kind(relation),
            relation.name()
        ))),
    }
}
