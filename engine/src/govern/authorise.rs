//! Whether who acts may do what a statement asks for. What a statement reads is not decided here but where a name becomes a
//! table ([`crate::policy::SecuredTable`]), save for the target of a write, whose rows are read whole to be written again.

use std::sync::Arc;

use radlake_catalogs::{Epoch, Relation, TableObject, is_temporary_schema};
use radlake_sql::{ast, extend};

use super::columns_read::ColumnsRead;
use super::denied;
use crate::policy::{Authority, Privilege, Rights, Subject, Verdict, decide};
use crate::write::Writer;
use crate::write::constraint::{self, Constraint};
use crate::write::target::{folded, written_name};
use crate::{Error, Result};

impl Writer<'_> {
    /// Who acts, as the transaction has it so far.
    pub(crate) fn subject(&self) -> Result<Subject> {
        self.session.subject_at(self.authority()?.roles())
    }

    /// Whose rights hold.
    pub(crate) fn authority(&self) -> Result<Authority> {
        Ok(self.session.authority(&self.epoch()?, self.work.epoch()))
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
            // Decided where each is carried out, for they are parts of other statements too.
            S::Query(_) | S::Insert(_) | S::Update(_) | S::Delete(_) | S::Merge(_) => Ok(()),
            // They have rules of their own.
            S::CreateRole(_) | S::AlterRole { .. } | S::Grant(_) | S::Revoke(_) => Ok(()),
            S::Drop {
                object_type: ast::ObjectType::Role | ast::ObjectType::User,
                ..
            } => Ok(()),
            // It does nothing.
            S::Analyze(_) => Ok(()),
            S::Truncate(truncate) => truncate.table_names.iter().try_for_each(|target| {
                let relation = self.usable(&epoch, &subject, &target.name)?;
                check(&subject, &relation, Privilege::Truncate, None)
            }),
            S::CreateTable(create) if self.is_own(&create.name, create.temporary) => Ok(()),
            S::CreateTable(create) => self.may_create_in(&subject, &create.name),
            S::CreateView(create) => {
                if !self.is_own(&create.name, create.temporary) {
                    self.may_create_in(&subject, &create.name)?;
                }
                match self.relation(&epoch, &create.name) {
                    Ok(old) if create.or_replace => owned(&subject, &old),
                    _ => Ok(()),
                }
            }
            S::CreateSchema { .. } => Err(denied(format!(
                "permission denied for database {}",
                self.session.database()
            ))),
            S::AlterTable(alter) => {
                self.owner_of(&epoch, &subject, &alter.name)?;
                alter.operations.iter().try_for_each(|operation| match operation {
                    ast::AlterTableOperation::OwnerTo { new_owner } => self.may_give_to(&subject, new_owner),
                    _ => Ok(()),
                })
            }
            S::AlterSchema(alter) => {
                schema_owned(&epoch, &subject, &alter.name)?;
                alter.operations.iter().try_for_each(|operation| match operation {
                    ast::AlterSchemaOperation::OwnerTo { owner } => self.may_give_to(&subject, owner),
                    _ => Ok(()),
                })
            }
            S::Drop {
                object_type: ast::ObjectType::Schema,
                names,
                ..
            } => names
                .iter()
                .try_for_each(|name| schema_owned(&epoch, &subject, name)),
            S::Drop {
                object_type:
                    ast::ObjectType::Table | ast::ObjectType::View | ast::ObjectType::MaterializedView,
                names,
                ..
            } => names
                .iter()
                .try_for_each(|name| self.owner_of(&epoch, &subject, name)),
            S::Drop {
                object_type: ast::ObjectType::Index,
                names,
                ..
            } => names.iter().try_for_each(|name| {
                let table = self.index_named(name).ok();
                match table.and_then(|(oid, _)| epoch.relation_by_oid(oid)) {
                    Some(table) => owned(&subject, table),
                    None => Ok(()),
                }
            }),
            S::CreateType { name, .. } => self.may_create_in(&subject, name),
            S::CreateDomain(create) => self.may_create_in(&subject, &create.name),
            S::CreateFunction(create) => {
                self.may_create_in(&subject, &create.name)?;
                let (schema, name) = self.place(&create.name)?;
                match epoch.function(&schema, &name) {
                    Some(old) if !subject.owns(old.owner) => {
                        Err(denied(format!("must be owner of function {name}")))
                    }
                    _ => Ok(()),
                }
            }
            S::DropFunction(drop) => drop
                .func_desc
                .iter()
                .try_for_each(|function| self.owns_function(&subject, &function.name)),
            S::AlterType(alter) => self.owns_type(&subject, &alter.name),
            S::DropDomain(drop) => self.owns_type(&subject, &drop.name),
            S::Drop {
                object_type: ast::ObjectType::Type,
                names,
                ..
            } => names.iter().try_for_each(|name| self.owns_type(&subject, name)),
            S::CreateIndex(create) => self.owner_of(&epoch, &subject, &create.table_name),
            S::CreatePolicy(create) => self.may_police(&subject, &create.table_name),
            S::AlterPolicy(alter) => self.may_police(&subject, &alter.table_name),
            S::DropPolicy(drop) => self.may_police(&subject, &drop.table_name),
            S::Comment {
                object_type,
                object_name,
                ..
            } => match object_type {
                ast::CommentObject::Table
                | ast::CommentObject::Sequence
                | ast::CommentObject::View
                | ast::CommentObject::MaterializedView => self.owner_of(&epoch, &subject, object_name),
                ast::CommentObject::Column => {
                    let mut relation = object_name.clone();
                    relation.0.pop();
                    self.owner_of(&epoch, &subject, &relation)
                }
                ast::CommentObject::Schema => schema_owned(&epoch, &subject, object_name),
                ast::CommentObject::Function => self.owns_function(&subject, object_name),
                ast::CommentObject::Type | ast::CommentObject::Domain => {
                    self.owns_type(&subject, object_name)
                }
                _ => Err(denied("permission denied: only superusers may do this")),
            },
            S::Call(_) => match extend::procedure(statement) {
                Some((extend::REFRESH | extend::CLUSTER, arguments)) if !arguments.is_empty() => {
                    let name = written_name(arguments[0])?;
                    self.owner_of(&epoch, &subject, &name)
                }
                Some((extend::LABEL, arguments)) => self.may_label(&subject, &arguments),
                Some((extend::SEQUENCE, arguments)) => self.may_define_sequence(&epoch, &subject, &arguments),
                // Nothing is done to anything.
                Some((extend::VACUUM, _)) => Ok(()),
                Some((extend::LOCK, arguments)) => arguments.iter().skip(1).try_for_each(|table| {
                    let relation = self.usable(&epoch, &subject, &written_name(table)?)?;
                    self.may_lock(&subject, &relation)
                }),
                // They ask for the rights of each role that they name.
                Some((extend::REASSIGN_OWNED | extend::DROP_OWNED, _)) => Ok(()),
                Some((extend::COMMENT, arguments)) if arguments.len() > 1 => {
                    self.owner_of(&epoch, &subject, &written_name(arguments[1])?)
                }
                _ => Err(denied("permission denied: only superusers may do this")),
            },
            _ => Err(denied("permission denied: only superusers may do this")),
        }
    }

    /// Whether it reads columns of the target, which the others give too.
    pub(crate) fn authorise_insert(&self, insert: &ast::Insert) -> Result<bool> {
        let ast::TableObject::TableName(name) = &insert.table else {
            return Ok(false);
        };
        let Some((epoch, subject)) = self.bound()? else {
            return Ok(false);
        };
        let relation = self.usable(&epoch, &subject, name)?;
        let columns: Vec<String> = insert
            .columns
            .iter()
            .filter_map(|name| name.0.last().and_then(|part| part.as_ident()).map(folded))
            .collect();
        check(
            &subject,
            &relation,
            Privilege::Insert,
            written(insert, &relation, columns).as_deref(),
        )?;
        let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
        let mut read = ColumnsRead::new(&relation, alias);
        if let Some(ast::OnInsert::OnConflict(conflict)) = &insert.on {
            read.with_excluded();
            match (&conflict.conflict_target, &relation) {
                (Some(ast::ConflictTarget::Columns(columns)), _) => {
                    columns.iter().for_each(|column| read.column(column));
                }
                (Some(ast::ConflictTarget::OnConstraint(name)), Relation::Table(table)) => {
                    let key = constraint::key_named(table, name)?.unwrap_or_default();
                    let key = key.into_iter().map(|column| ast::Ident::with_quote('"', column));
                    key.for_each(|column| read.column(&column));
                }
                _ => {}
            }
            if let ast::OnConflictAction::DoUpdate(update) = &conflict.action {
                let columns = assigned(&update.assignments);
                check(&subject, &relation, Privilege::Update, Some(&columns))?;
                read.note(
                    &update
                        .assignments
                        .iter()
                        .map(|set| &set.value)
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                read.note(&update.selection);
            }
        }
        read.items(insert.returning.as_deref());
        read.check(&subject)
    }

    pub(crate) fn authorise_update(&self, update: &ast::Update) -> Result<bool> {
        let ast::TableFactor::Table { name, alias, .. } = &update.table.relation else {
            return Ok(false);
        };
        let Some((epoch, subject)) = self.bound()? else {
            return Ok(false);
        };
        let relation = self.usable(&epoch, &subject, name)?;
        let columns = assigned(&update.assignments);
        check(&subject, &relation, Privilege::Update, Some(&columns))?;
        let mut read = ColumnsRead::new(&relation, alias.as_ref().map(|alias| &alias.name));
        read.note(
            &update
                .assignments
                .iter()
                .map(|set| &set.value)
                .cloned()
                .collect::<Vec<_>>(),
        );
        read.note(&update.selection);
        read.note(&update.from);
        read.items(update.returning.as_deref());
        read.check(&subject)
    }

    pub(crate) fn authorise_delete(&self, delete: &ast::Delete) -> Result<bool> {
        let (ast::FromTable::WithFromKeyword(from) | ast::FromTable::WithoutKeyword(from)) = &delete.from;
        let Some(ast::TableFactor::Table { name, alias, .. }) = from.first().map(|table| &table.relation)
        else {
            return Ok(false);
        };
        let Some((epoch, subject)) = self.bound()? else {
            return Ok(false);
        };
        let relation = self.usable(&epoch, &subject, name)?;
        check(&subject, &relation, Privilege::Delete, None)?;
        let mut read = ColumnsRead::new(&relation, alias.as_ref().map(|alias| &alias.name));
        read.note(&delete.selection);
        read.note(&delete.using);
        read.items(delete.returning.as_deref());
        read.check(&subject)
    }

    pub(crate) fn authorise_merge(&self, merge: &ast::Merge) -> Result<bool> {
        let ast::TableFactor::Table { name, alias, .. } = &merge.table else {
            return Ok(false);
        };
        let Some((epoch, subject)) = self.bound()? else {
            return Ok(false);
        };
        let relation = self.usable(&epoch, &subject, name)?;
        let mut read = ColumnsRead::new(&relation, alias.as_ref().map(|alias| &alias.name));
        read.note(&merge.on);
        for clause in &merge.clauses {
            read.note(&clause.predicate);
            match &clause.action {
                ast::MergeAction::Insert(insert) => {
                    let columns: Vec<String> = insert
                        .columns
                        .iter()
                        .filter_map(|name| name.0.last().and_then(|part| part.as_ident()).map(folded))
                        .collect();
                    let given = match &insert.kind {
                        ast::MergeInsertKind::Values(values) => values.rows.first().map(|row| row.len()),
                        ast::MergeInsertKind::Row => None,
                    };
                    let listed = match columns.is_empty() {
                        true => first_columns(&relation, given),
                        false => Some(columns),
                    };
                    check(&subject, &relation, Privilege::Insert, listed.as_deref())?;
                }
                ast::MergeAction::Update(update) => {
                    let mut columns = assigned(&update.assignments);
                    columns.retain(|column| column != extend::NOTHING);
                    if columns.is_empty() {
                        // DO NOTHING.
                        continue;
                    }
                    check(&subject, &relation, Privilege::Update, Some(&columns))?;
                    read.note(
                        &update
                            .assignments
                            .iter()
                            .map(|set| &set.value)
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                }
                ast::MergeAction::Delete { .. } => check(&subject, &relation, Privilege::Delete, None)?,
            }
        }
        read.check(&subject)
    }

    /// COPY FROM.
    pub(crate) fn authorise_copy(&self, table: &Arc<TableObject>, columns: &[ast::Ident]) -> Result<()> {
        let Some((_, subject)) = self.bound()? else {
            return Ok(());
        };
        let relation = self.governing(&Relation::Table(Arc::clone(table)), &subject)?;
        let columns: Vec<String> = columns.iter().map(folded).collect();
        let listed = (!columns.is_empty()).then_some(columns.as_slice());
        check(&subject, &relation, Privilege::Insert, listed)
    }

    /// Whether the acting role may make a foreign key to columns of a table: without any, to its primary key. What is not there is
    /// left to the statement, which may be about to make it.
    pub(crate) fn may_reference(&self, name: &ast::ObjectName, columns: &[ast::Ident]) -> Result<()> {
        let Some((epoch, subject)) = self.bound()? else {
            return Ok(());
        };
        let Ok(relation) = self.relation(&epoch, name) else {
            return Ok(());
        };
        let governing = self.governing(&relation, &subject)?;
        let Relation::Table(table) = &governing else {
            return owned(&subject, &governing);
        };
        let columns: Vec<String> = match columns {
            [] => {
                let constraints = constraint::of(table)?;
                let key = constraint::primary_key(&constraints).and_then(Constraint::key);
                key.unwrap_or_default().to_vec()
            }
            columns => columns.iter().map(folded).collect(),
        };
        let verdict = decide(&subject, Rights::of_table(table), Privilege::References);
        let known = columns
            .iter()
            .filter(|column| table.arrow_schema.field_with_name(column).is_ok());
        match verdict.covers(known.map(String::as_str)) {
            true => Ok(()),
            false => Err(denied(format!("permission denied for table {}", table.name))),
        }
    }

    /// Whether the acting role may make something of that name.
    pub(crate) fn may_create(&self, name: &ast::ObjectName) -> Result<()> {
        match self.bound()? {
            Some((_, subject)) => self.may_create_in(&subject, name),
            None => Ok(()),
        }
    }

    /// Whether the acting role may make something in that schema.
    pub(crate) fn may_create_within(&self, schema: &str) -> Result<()> {
        match self.bound()? {
            Some((_, subject)) => self.may_create_by(&subject, schema),
            None => Ok(()),
        }
    }

    /// Whether the acting role may lock a relation: who may change it.
    fn may_lock(&self, subject: &Subject, relation: &Relation) -> Result<()> {
        let rights = match relation {
            Relation::Table(table) => Rights::of_table(table),
            Relation::View(view) => Rights::of_view(view),
            Relation::Sequence(sequence) => Rights::of_sequence(sequence),
        };
        let may = |privilege| decide(subject, rights, privilege) != Verdict::Nothing;
        match [Privilege::Update, Privilege::Delete, Privilege::Truncate]
            .into_iter()
            .any(may)
        {
            true => Ok(()),
            false => Err(denied(format!(
                "permission denied for {} {}",
                kind(relation),
                relation.name()
            ))),
        }
    }

    /// The catalog and who acts, unless nothing binds it.
    fn bound(&self) -> Result<Option<(Arc<Epoch>, Subject)>> {
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        Ok((!subject.superuser).then_some((epoch, subject)))
    }

    /// A relation, if its schema may be used.
    fn usable(&self, epoch: &Epoch, subject: &Subject, name: &ast::ObjectName) -> Result<Relation> {
        let relation = self.relation(epoch, name)?;
        self.governing(&relation, subject)
    }

    /// The entry of a relation whose rights hold, if its schema may be used.
    pub(crate) fn governing(&self, relation: &Relation, subject: &Subject) -> Result<Relation> {
        let authority = self.authority()?;
        let schema = relation.schema();
        let usable = authority.schema(schema).is_some_and(|schema| {
            decide(subject, Rights::of_schema(schema), Privilege::Usage) == Verdict::Everything
        });
        // Nobody else's is there.
        if !usable && !is_temporary_schema(schema) {
            return Err(denied(format!("permission denied for schema {schema}")));
        }
        match authority.relation(relation.oid()) {
            Some(governing) => Ok(governing.clone()),
            None => Err(denied(format!(
                "permission denied for {} {}",
                kind(relation),
                relation.name()
            ))),
        }
    }

    /// Whether the acting role may make or change the sequence that a procedure's arguments name.
    fn may_define_sequence(&self, epoch: &Epoch, subject: &Subject, arguments: &[&ast::Expr]) -> Result<()> {
        let [verb, temporary, _, name, ..] = arguments else {
            return Err(denied("permission denied: only superusers may do this"));
        };
        let name = written_name(name)?;
        match verb.to_string().as_str() {
            "'CREATE'" if self.is_own(&name, temporary.to_string() == "true") => Ok(()),
            "'CREATE'" => self.may_create_in(subject, &name),
            _ => self.owner_of(epoch, subject, &name),
        }
    }

    fn owns_function(&self, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        match self.own_function(name)? {
            Some(function) if !subject.owns(function.owner) => {
                Err(denied(format!("must be owner of function {}", function.name)))
            }
            _ => Ok(()),
        }
    }

    /// What is not there is left to the statement.
    fn owns_type(&self, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        match self.own_type(name)? {
            Some(own) if !subject.owns(own.owner) => {
                Err(denied(format!("must be owner of type {}", own.name)))
            }
            _ => Ok(()),
        }
    }

    fn may_create_in(&self, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        let (schema, _) = self.place(name)?;
        self.may_create_by(subject, &schema)
    }

    /// What is not there is left to the statement; what only the transaction still has is closed.
    fn may_create_by(&self, subject: &Subject, name: &str) -> Result<()> {
        let authority = self.authority()?;
        let allowed = match authority.schema(name) {
            _ if is_temporary_schema(name) => true,
            Some(schema) => {
                decide(subject, Rights::of_schema(schema), Privilege::Create) == Verdict::Everything
            }
            None => self.epoch()?.schema(name).is_none(),
        };
        match allowed {
            true => Ok(()),
            false => Err(denied(format!("permission denied for schema {name}"))),
        }
    }

    /// Whether the acting role may take over a relation's columns: LIKE in CREATE TABLE.
    pub(crate) fn authorise_like(&self, model: &Relation) -> Result<()> {
        match self.bound()? {
            Some((_, subject)) => {
                let model = self.governing(model, &subject)?;
                check(&subject, &model, Privilege::Select, None)
            }
            None => Ok(()),
        }
    }

    /// Who gives something away must be able to become its new owner.
    fn may_give_to(&self, subject: &Subject, owner: &ast::Owner) -> Result<()> {
        let oid = self.new_owner(owner)?;
        match subject.has_role(oid) {
            true => Ok(()),
            false => Err(denied(format!("must be member of role \"{owner}\""))),
        }
    }

    /// What is not there is left to the statement, which may say IF EXISTS.
    fn owner_of(&self, epoch: &Epoch, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
        match self.relation(epoch, name) {
            Ok(relation) => owned(subject, &self.governing(&relation, subject)?),
            Err(Error::UndefinedTable { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn schema_owned(epoch: &Epoch, subject: &Subject, name: &ast::ObjectName) -> Result<()> {
    let name = name.0.last().and_then(|part| part.as_ident()).map(folded);
    match epoch.schema(&name.unwrap_or_default()) {
        Some(schema) if !subject.owns(schema.owner) => {
            Err(denied(format!("must be owner of schema {}", schema.name)))
        }
        _ => Ok(()),
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

/// The columns that an INSERT gives values; `None` if nobody can tell from its tree.
fn written(insert: &ast::Insert, relation: &Relation, listed: Vec<String>) -> Option<Vec<String>> {
    if !listed.is_empty() {
        // `DEFAULT VALUES` gives none.
        return Some(
            listed
                .into_iter()
                .filter(|column| column != extend::DEFAULTS)
                .collect(),
        );
    }
    let values = match insert.source.as_deref().map(|query| query.body.as_ref()) {
        Some(ast::SetExpr::Values(values)) => values.rows.iter().map(|row| row.len()).max(),
        _ => None,
    };
    first_columns(relation, values)
}

/// The first columns of a relation, as many as there are values; all without a number.
fn first_columns(relation: &Relation, values: Option<usize>) -> Option<Vec<String>> {
    let Relation::Table(table) = relation else {
        return None;
    };
    let fields = table
        .arrow_schema
        .fields()
        .iter()
        .map(|field| field.name().clone());
    Some(fields.take(values.unwrap_or(usize::MAX)).collect())
}

fn kind(relation: &Relation) -> &'static str {
    match relation {
        Relation::Table(_) => "table",
        Relation::View(_) => "view",
        Relation::Sequence(_) => "sequence",
    }
}

/// `columns`: those that are touched; `None` = all.
pub(super) fn check(
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
        Relation::Sequence(sequence) => sequence.owner,
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
