//! GRANT and REVOKE of rights to tables, views and schemas.

use std::collections::BTreeSet;

use radlake_catalogs::{Epoch, Grant, Object, Relation};
use radlake_sql::{ast, extend};

use super::{denied, functions, single};
use crate::policy::{Privilege, Subject, lack, settle, take_from_owner};
use crate::write::own_functions::ON_FUNCTION;
use crate::write::target::{folded, resolve};
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

const ON_RELATION: &[Privilege] = &[
    Privilege::Select,
    Privilege::Insert,
    Privilege::Update,
    Privilege::Delete,
    Privilege::Truncate,
    Privilege::History,
    Privilege::References,
    Privilege::Trigger,
];
const ON_SCHEMA: &[Privilege] = &[Privilege::Usage, Privilege::Create];
const ON_SEQUENCE: &[Privilege] = &[Privilege::Usage, Privilege::Select, Privilege::Update];

/// One right of a statement: `None` as the column is the whole object.
pub(super) type Wanted = (Privilege, Option<String>);

impl Writer<'_> {
    /// As in PostgreSQL, rights are given in nobody's name but of who acts.
    fn check_grantor(&self, granted_by: Option<&ast::Ident>) -> Result<()> {
        let Some(name) = granted_by else {
            return Ok(());
        };
        let epoch = self.epoch()?;
        match self.role(&epoch, name)?.oid == self.subject()?.oid {
            true => Ok(()),
            false => Err(Error::unsupported("grantor must be current user")),
        }
    }

    pub(super) fn grant(&mut self, grant: &ast::Grant) -> Result<Outcome> {
        self.check_grantor(grant.granted_by.as_ref())?;
        let outcome = || {
            Outcome::tag(if grant.objects.is_some() {
                "GRANT"
            } else {
                "GRANT ROLE"
            })
        };
        let Some(objects) = &grant.objects else {
            self.grant_roles(grant)?;
            return Ok(outcome());
        };
        if let Some(defaults) = extend::defaults(objects) {
            return self.default_grant(&defaults, grant);
        }
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let grantees = self.grantees(&epoch, &grant.grantees)?;
        if grant.with_grant_option && grantees.contains(&0) {
            return Err(only_to_roles());
        }
        if let Some(functions) = self.engines_functions(&epoch, objects)? {
            let change = functions::Change {
                privileges: &grant.privileges,
                grantees: &grantees,
                grants: true,
                option: grant.with_grant_option,
                cascade: false,
            };
            self.change_functions(functions, &change)?;
            return Ok(outcome());
        }
        for mut object in self.objects(&epoch, objects)? {
            let wanted = given(&grant.privileges, &object)?;
            let owner = owner(&object);
            let name = object.name().to_owned();
            let kind = object.kind();
            let Some(grants) = grants(&mut object) else {
                continue;
            };
            for (privilege, column) in &wanted {
                let Some(grantor) = grantor(&subject, owner, grants, *privilege, column.as_deref()) else {
                    none_to_give(&subject, grants, kind, &name)?;
                    self.session
                        .notice("01007", format!("no privileges were granted for \"{name}\""));
                    continue;
                };
                for grantee in &grantees {
                    if *grantee == owner && owner != 0 && column.is_none() {
                        // Whoever owns something has all rights that he has not revoked from himself.
                        grants
                            .retain(|grant| grant.grantee != owner || lack(grant) != Some(privilege.name()));
                        continue;
                    }
                    give(
                        grants,
                        *grantee,
                        grantor,
                        *privilege,
                        column.clone(),
                        grant.with_grant_option,
                    );
                }
            }
            self.work.put_object(object)?;
        }
        Ok(outcome())
    }

    pub(super) fn revoke(&mut self, revoke: &ast::Revoke) -> Result<Outcome> {
        self.check_grantor(revoke.granted_by.as_ref())?;
        let outcome = || {
            Outcome::tag(if revoke.objects.is_some() {
                "REVOKE"
            } else {
                "REVOKE ROLE"
            })
        };
        let Some(objects) = &revoke.objects else {
            self.revoke_roles(revoke)?;
            return Ok(outcome());
        };
        if let Some(defaults) = extend::defaults(objects) {
            return self.default_revoke(&defaults, revoke);
        }
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let (option_only, grantees) = extend::option_only(revoke);
        let grantees = self.grantees(&epoch, grantees)?;
        let cascade = revoke.cascade == Some(ast::CascadeOption::Cascade);
        if let Some(functions) = self.engines_functions(&epoch, objects)? {
            let change = functions::Change {
                privileges: &revoke.privileges,
                grantees: &grantees,
                grants: false,
                option: option_only,
                cascade,
            };
            self.change_functions(functions, &change)?;
            return Ok(outcome());
        }
        for mut object in self.objects(&epoch, objects)? {
            let wanted = wanted(&revoke.privileges, &object)?;
            let owner = owner(&object);
            let name = object.name().to_owned();
            let kind = object.kind();
            if let Object::Schema(schema) = &mut object {
                settle(schema);
            }
            let Some(grants) = grants(&mut object) else {
                continue;
            };
            for (privilege, column) in &wanted {
                let Some(grantor) = grantor(&subject, owner, grants, *privilege, column.as_deref()) else {
                    none_to_give(&subject, grants, kind, &name)?;
                    self.session
                        .notice("01006", format!("no privileges could be revoked for \"{name}\""));
                    continue;
                };
                let named = |grant: &Grant| {
                    grantees.contains(&grant.grantee)
                        && grant.privilege == privilege.name()
                        // Without a column the rights to single columns go too, as in PostgreSQL.
                        && (column.is_none() || grant.column == *column)
                };
                let withdrawal = Withdrawal {
                    owner,
                    grantor,
                    option_only,
                    cascade,
                };
                withdrawal.carry_out(grants, named)?;
                // What nobody owns is the lake's, whose rights nobody takes.
                if owner != 0 && grantees.contains(&owner) && column.is_none() && !option_only {
                    take_from_owner(grants, owner, *privilege);
                }
            }
            self.work.put_object(object)?;
        }
        Ok(outcome())
    }

    /// OIDs of the roles named; 0 is PUBLIC.
    pub(super) fn grantees(&self, epoch: &Epoch, grantees: &[ast::Grantee]) -> Result<BTreeSet<u32>> {
        grantees
            .iter()
            .map(|grantee| match (&grantee.grantee_type, &grantee.name) {
                (ast::GranteesType::Public, None) => Ok(0),
                _ => {
                    let name = grantee_name(grantee)?;
                    if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("public") {
                        return Ok(0);
                    }
                    self.role(epoch, name).map(|role| role.oid)
                }
            })
            .collect()
    }

    /// What a statement gives rights to.
    fn objects(&self, epoch: &Epoch, objects: &ast::GrantObjects) -> Result<Vec<Object>> {
        use ast::GrantObjects as G;
        let schema = |name: &ast::ObjectName| {
            let name = folded(single(name)?);
            epoch.schema(&name).cloned().ok_or(Error::UndefinedSchema(name))
        };
        let object = |relation: &Relation| match relation {
            Relation::Table(table) => Object::Table(table.as_ref().clone()),
            Relation::View(view) => Object::View(view.as_ref().clone()),
            Relation::Sequence(sequence) => Object::Sequence(sequence.as_ref().clone()),
        };
        let is_sequence = |relation: &&Relation| matches!(relation, Relation::Sequence(_));
        match objects {
            G::Tables(names) | G::Views(names) => names
                .iter()
                .map(|name| {
                    let relation = self.relation(epoch, name)?;
                    self.governing(&relation, &self.subject()?)?;
                    Ok(object(&relation))
                })
                .collect(),
            G::Function { name, arg_types } => match self.own_function(name)? {
                Some(function) if arg_types.is_empty() || arg_types.len() == function.arguments.len() => {
                    Ok(vec![Object::Function(function.as_ref().clone())])
                }
                _ => Err(Error::UndefinedFunction {
                    name: name.to_string(),
                    hint: None,
                    position: None,
                }),
            },
            G::Schemas(names) => names
                .iter()
                .map(|name| Ok(Object::Schema(schema(name)?.as_ref().clone())))
                .collect(),
            G::AllTablesInSchema { schemas } => {
                let mut found = Vec::new();
                for name in schemas {
                    let schema = schema(name)?;
                    let relations = epoch.relations(&schema.name);
                    found.extend(relations.filter(|one| !is_sequence(one)).map(object));
                }
                Ok(found)
            }
            G::Sequences(names) => names
                .iter()
                .map(|name| {
                    let relation = self.relation(epoch, name)?;
                    self.governing(&relation, &self.subject()?)?;
                    match is_sequence(&&relation) {
                        true => Ok(object(&relation)),
                        false => Err(Error::WrongObject(format!(
                            "\"{}\" is not a sequence",
                            relation.name()
                        ))),
                    }
                })
                .collect(),
            G::AllSequencesInSchema { schemas } => {
                let mut found = Vec::new();
                for name in schemas {
                    let schema = schema(name)?;
                    found.extend(epoch.relations(&schema.name).filter(is_sequence).map(object));
                }
                Ok(found)
            }
            other => Err(Error::unsupported(format!(
                "rights ON {other} are not supported: those on tables, views, sequences, schemas and functions are"
            ))),
        }
    }

    /// The table or view that a name means.
    pub(crate) fn relation(&self, epoch: &Epoch, name: &ast::ObjectName) -> Result<Relation> {
        let (path, database) = (self.session.search_path(), self.session.database());
        let (schema, last) = resolve(epoch, &path, &database, name)?;
        let found = schema
            .as_deref()
            .and_then(|schema| epoch.get_relation(schema, &last));
        found.cloned().ok_or_else(|| Error::UndefinedTable {
            name: name.to_string(),
            hint: None,
            position: None,
        })
    }
}

pub(super) fn only_to_roles() -> Error {
    Error::InvalidGrant("grant options can only be granted to roles".to_owned())
}

pub(super) fn grantee_name(grantee: &ast::Grantee) -> Result<&ast::Ident> {
    match &grantee.name {
        Some(ast::GranteeName::ObjectName(name)) => single(name),
        _ => Err(Error::syntax(format!("\"{grantee}\" is no name of a role"))),
    }
}

/// The rights that a GRANT names: rows that are gone are nothing that anybody gives in passing, by ALL.
pub(super) fn given(privileges: &ast::Privileges, object: &Object) -> Result<Vec<Wanted>> {
    let mut wanted = wanted(privileges, object)?;
    if matches!(privileges, ast::Privileges::All { .. }) {
        wanted.retain(|(privilege, _)| *privilege != Privilege::History);
    }
    Ok(wanted)
}

/// The rights that a statement names, those of the kind of object.
pub(super) fn wanted(privileges: &ast::Privileges, object: &Object) -> Result<Vec<Wanted>> {
    let known = match object {
        Object::Schema(_) => ON_SCHEMA,
        Object::Sequence(_) => ON_SEQUENCE,
        Object::Function(_) => ON_FUNCTION,
        _ => ON_RELATION,
    };
    let ast::Privileges::Actions(actions) = privileges else {
        return Ok(known.iter().map(|privilege| (*privilege, None)).collect());
    };
    let mut wanted = Vec::new();
    for action in actions {
        use ast::Action as A;
        let (privilege, columns) = match action {
            A::Select { columns } => (Privilege::Select, columns.as_ref()),
            A::Insert { columns } => (Privilege::Insert, columns.as_ref()),
            A::Update { columns } => (Privilege::Update, columns.as_ref()),
            A::Delete => (Privilege::Delete, None),
            A::Truncate => (Privilege::Truncate, None),
            A::Usage => (Privilege::Usage, None),
            A::Create { obj_type: None } => (Privilege::Create, None),
            // `radlake.history`, as the parser has it.
            A::Audit => (Privilege::History, None),
            A::References { columns } => (Privilege::References, columns.as_ref()),
            A::Trigger => (Privilege::Trigger, None),
            A::Execute { obj_type: None } => (Privilege::Execute, None),
            other => {
                return Err(Error::unsupported(format!("the right {other} is not supported")));
            }
        };
        if !known.contains(&privilege) {
            return Err(Error::InvalidGrant(format!(
                "invalid privilege type {} for {}",
                privilege.name(),
                match object {
                    Object::Schema(_) => "schema",
                    Object::Sequence(_) => "sequence",
                    Object::Function(_) => "function",
                    _ => "relation",
                }
            )));
        }
        let Some(columns) = columns else {
            wanted.push((privilege, None));
            continue;
        };
        for column in columns {
            let column = folded(column);
            if !has_column(object, &column) {
                return Err(Error::UndefinedColumn {
                    name: format!("\"{column}\" of relation \"{}\"", object.name()),
                    hint: None,
                    position: None,
                });
            }
            wanted.push((privilege, Some(column)));
        }
    }
    Ok(wanted)
}

fn has_column(object: &Object, column: &str) -> bool {
    match object {
        Object::Table(table) => table.arrow_schema.field_with_name(column).is_ok(),
        Object::View(view) => {
            let columns = view.columns.as_ref();
            columns.is_some_and(|columns| columns.field_with_name(column).is_ok())
        }
        _ => false,
    }
}

pub(super) fn owner(object: &Object) -> u32 {
    match object {
        Object::Schema(schema) => schema.owner,
        Object::Table(table) => table.owner,
        Object::View(view) => view.owner,
        Object::Sequence(sequence) => sequence.owner,
        Object::Type(own) => own.owner,
        Object::Function(function) => function.owner,
        _ => 0,
    }
}

pub(super) fn grants(object: &mut Object) -> Option<&mut Vec<Grant>> {
    match object {
        Object::Schema(schema) => Some(&mut schema.grants),
        Object::Table(table) => Some(&mut table.grants),
        Object::View(view) => Some(&mut view.grants),
        Object::Sequence(sequence) => Some(&mut sequence.grants),
        Object::Function(function) => Some(&mut function.grants),
        _ => None,
    }
}

/// In whose name a subject gives or revokes a right, as in PostgreSQL: the owner's if it acts for the owner, else that of the
/// role, of those that it is, which has the right WITH GRANT OPTION. `None` if there is none.
pub(super) fn grantor(
    subject: &Subject,
    owner: u32,
    grants: &[Grant],
    privilege: Privilege,
    column: Option<&str>,
) -> Option<u32> {
    if subject.owns(owner) {
        return Some(owner);
    }
    grants
        .iter()
        .filter(|grant| {
            founds(grant, privilege.name(), column) && grant.grantee != 0 && subject.has_role(grant.grantee)
        })
        .map(|grant| grant.grantee)
        .min_by_key(|role| (*role != subject.oid, *role))
}

/// Whether a grant lets its grantee pass the right on.
fn founds(grant: &Grant, privilege: &str, column: Option<&str>) -> bool {
    grant.grantable
        && grant.privilege == privilege
        && (grant.column.is_none() || grant.column.as_deref() == column)
}

/// Who has only rights that it may not pass on is warned, as in PostgreSQL; who has none is refused.
pub(super) fn none_to_give(subject: &Subject, grants: &[Grant], kind: &str, name: &str) -> Result<()> {
    match grants.iter().any(|grant| subject.has_role(grant.grantee)) {
        true => Ok(()),
        false => Err(denied(format!("permission denied for {kind} {name}"))),
    }
}

pub(super) fn give(
    grants: &mut Vec<Grant>,
    grantee: u32,
    grantor: u32,
    privilege: Privilege,
    column: Option<String>,
    grantable: bool,
) {
    let known = grants.iter_mut().find(|grant| {
        grant.grantee == grantee
            && grant.grantor == grantor
            && grant.privilege == privilege.name()
            && grant.column == column
    });
    match known {
        Some(grant) => grant.grantable |= grantable,
        None => grants.push(Grant {
            grantee,
            grantor,
            privilege: privilege.name().to_owned(),
            column,
            grantable,
        }),
    }
}

/// Grants that do not come from the owner, directly or by those who had them WITH GRANT OPTION.
fn unfounded(grants: &[Grant], owner: u32) -> Vec<Grant> {
    let (mut founded, mut open): (Vec<&Grant>, Vec<&Grant>) =
        grants.iter().partition(|grant| grant.grantor == owner);
    loop {
        let (new, rest): (Vec<&Grant>, Vec<&Grant>) = open.into_iter().partition(|grant| {
            founded.iter().any(|known| {
                known.grantee == grant.grantor && founds(known, &grant.privilege, grant.column.as_deref())
            })
        });
        open = rest;
        if new.is_empty() {
            return open.into_iter().cloned().collect();
        }
        founded.extend(new);
    }
}

/// A REVOKE of rights to one object.
pub(super) struct Withdrawal {
    /// Who owns the object.
    pub(super) owner: u32,
    /// In whose name.
    pub(super) grantor: u32,
    /// Only the option to pass on.
    pub(super) option_only: bool,
    /// What has been passed on goes too, instead of holding it.
    pub(super) cascade: bool,
}

impl Withdrawal {
    /// Takes the rights that are `named`.
    pub(super) fn carry_out(&self, grants: &mut Vec<Grant>, named: impl Fn(&Grant) -> bool) -> Result<()> {
        let before = unfounded(grants, self.owner);
        let goes = |grant: &Grant| {
            // What others have granted stays, if they could: what earlier owners left is the owner's to revoke.
            let gave = grant.grantor == self.grantor;
            named(grant) && (gave || (self.grantor == self.owner && before.contains(grant)))
        };
        match self.option_only {
            true => grants
                .iter_mut()
                .filter(|grant| goes(grant))
                .for_each(|grant| grant.grantable = false),
            false => grants.retain(|grant| !goes(grant)),
        }
        // What a role that lost a right has given on. It may have had no ground before.
        let lost: Vec<Grant> = unfounded(grants, self.owner)
            .into_iter()
            .filter(|grant| !before.contains(grant))
            .collect();
        if !lost.is_empty() && !self.cascade {
            return Err(Error::Dependents {
                message: "dependent privileges exist".to_owned(),
                detail: "Use CASCADE to revoke them too.".to_owned(),
            });
        }
        grants.retain(|grant| !lost.contains(grant));
        Ok(())
    }
}

/// Has grants go with a new owner, as in PostgreSQL: what the old one gave or was given, the new one has. Whoever owns something
/// needs no grant from itself.
pub(crate) fn change_owner(grants: &mut Vec<Grant>, old: u32, new: u32) {
    let mut kept: Vec<Grant> = Vec::with_capacity(grants.len());
    for mut grant in std::mem::take(grants) {
        if grant.grantor == old {
            grant.grantor = new;
        }
        // 0 is PUBLIC where it is given something.
        if grant.grantee == old && old != 0 {
            grant.grantee = new;
        }
        if grant.grantee == grant.grantor && lack(&grant).is_none() {
            continue;
        }
        let same = kept.iter_mut().find(|known| {
            (known.grantee, known.grantor) == (grant.grantee, grant.grantor)
                && known.privilege == grant.privilege
                && known.column == grant.column
        });
        match same {
            Some(known) => known.grantable |= grant.grantable,
            None => kept.push(grant),
        }
    }
    *grants = kept;
}
