//! GRANT and REVOKE: memberships in roles, and rights to tables, views and schemas.

use std::collections::BTreeSet;

use radlake_catalogs::{Epoch, Grant, Object, Relation};
use radlake_sql::ast;

use super::{denied, roles, single};
use crate::policy::{Privilege, Subject};
use crate::write::target::{folded, resolve};
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

const ON_RELATION: &[Privilege] = &[
    Privilege::Select,
    Privilege::Insert,
    Privilege::Update,
    Privilege::Delete,
    Privilege::Truncate,
];
const ON_SCHEMA: &[Privilege] = &[Privilege::Usage, Privilege::Create];

/// One right of a statement: `None` as the column is the whole object.
type Wanted = (Privilege, Option<String>);

impl Writer<'_> {
    pub(super) fn grant(&mut self, grant: &ast::Grant) -> Result<Outcome> {
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
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let grantees = self.grantees(&epoch, &grant.grantees)?;
        if grant.with_grant_option && grantees.contains(&0) {
            return Err(Error::InvalidGrant(
                "grant options can only be granted to roles".to_owned(),
            ));
        }
        for mut object in self.objects(&epoch, objects)? {
            let wanted = wanted(&grant.privileges, &object)?;
            let owner = owner(&object);
            let name = object.name().to_owned();
            let kind = object.kind();
            let Some(grants) = grants(&mut object) else {
                continue;
            };
            // Whoever acts for the owner gives in the owner's name.
            let grantor = if subject.owns(owner) { owner } else { subject.oid };
            for (privilege, column) in &wanted {
                let column_name = column.as_deref();
                if !may_give(&subject, owner, grants, *privilege, column_name, kind, &name)? {
                    self.session
                        .notice("01007", format!("no privileges were granted for \"{name}\""));
                    continue;
                }
                for grantee in &grantees {
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
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let grantees = self.grantees(&epoch, &revoke.grantees)?;
        let cascade = revoke.cascade == Some(ast::CascadeOption::Cascade);
        for mut object in self.objects(&epoch, objects)? {
            let wanted = wanted(&revoke.privileges, &object)?;
            let owner = owner(&object);
            let name = object.name().to_owned();
            let kind = object.kind();
            let Some(grants) = grants(&mut object) else {
                continue;
            };
            // What others have granted stays.
            let grantor = if subject.owns(owner) { owner } else { subject.oid };
            for (privilege, column) in &wanted {
                let column_name = column.as_deref();
                if !may_give(&subject, owner, grants, *privilege, column_name, kind, &name)? {
                    self.session
                        .notice("01006", format!("no privileges could be revoked for \"{name}\""));
                    continue;
                }
                for grantee in &grantees {
                    // Without a column the rights to single columns go too, as in PostgreSQL.
                    grants.retain(|grant| {
                        grant.grantee != *grantee
                            || grant.grantor != grantor
                            || grant.privilege != privilege.name()
                            || (column.is_some() && grant.column != *column)
                    });
                    drop_given_on(&epoch, grants, *grantee, *privilege, owner, cascade)?;
                }
            }
            self.work.put_object(object)?;
        }
        Ok(outcome())
    }

    fn grant_roles(&mut self, grant: &ast::Grant) -> Result<()> {
        for group in named_roles(&grant.privileges)? {
            for grantee in &grant.grantees {
                let epoch = self.epoch()?;
                let subject = self.subject()?;
                let group = self.role(&epoch, group)?;
                may_give_membership(&epoch, &subject, group)?;
                let membership = roles::membership(&subject, group, grant.with_grant_option)?;
                let member = self.role(&epoch, grantee_name(grantee)?)?;
                if roles::circular(&epoch, group, member) {
                    return Err(Error::InvalidGrant(format!(
                        "role \"{}\" is a member of role \"{}\"",
                        group.name, member.name
                    )));
                }
                let mut member = member.clone();
                match member.memberships.iter_mut().find(|m| m.role == group.oid) {
                    Some(known) => known.admin |= membership.admin,
                    None => member.memberships.push(membership),
                }
                self.work.put_object(member)?;
            }
        }
        Ok(())
    }

    fn revoke_roles(&mut self, revoke: &ast::Revoke) -> Result<()> {
        for group in named_roles(&revoke.privileges)? {
            for grantee in &revoke.grantees {
                let epoch = self.epoch()?;
                let subject = self.subject()?;
                let group = self.role(&epoch, group)?;
                may_give_membership(&epoch, &subject, group)?;
                let mut member = self.role(&epoch, grantee_name(grantee)?)?.clone();
                member
                    .memberships
                    .retain(|membership| membership.role != group.oid);
                self.work.put_object(member)?;
            }
        }
        Ok(())
    }

    /// OIDs of the roles named; 0 is PUBLIC.
    fn grantees(&self, epoch: &Epoch, grantees: &[ast::Grantee]) -> Result<BTreeSet<u32>> {
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
        };
        match objects {
            G::Tables(names) | G::Views(names) => names
                .iter()
                .map(|name| self.relation(epoch, name).map(|relation| object(&relation)))
                .collect(),
            G::Schemas(names) => names
                .iter()
                .map(|name| Ok(Object::Schema(schema(name)?.as_ref().clone())))
                .collect(),
            G::AllTablesInSchema { schemas } => {
                let mut found = Vec::new();
                for name in schemas {
                    let schema = schema(name)?;
                    found.extend(epoch.relations(&schema.name).map(object));
                }
                Ok(found)
            }
            other => Err(Error::unsupported(format!(
                "rights ON {other} are not supported: those on tables, views and schemas are"
            ))),
        }
    }

    /// The table or view that a name means.
    pub(super) fn relation(&self, epoch: &Epoch, name: &ast::ObjectName) -> Result<Relation> {
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

fn grantee_name(grantee: &ast::Grantee) -> Result<&ast::Ident> {
    match &grantee.name {
        Some(ast::GranteeName::ObjectName(name)) => single(name),
        _ => Err(Error::syntax(format!("\"{grantee}\" is no name of a role"))),
    }
}

fn named_roles(privileges: &ast::Privileges) -> Result<Vec<&ast::Ident>> {
    let ast::Privileges::Actions(actions) = privileges else {
        return Err(Error::syntax("GRANT without ON wants roles"));
    };
    actions
        .iter()
        .map(|action| match action {
            ast::Action::Role { role } => single(role),
            other => Err(Error::syntax(format!("{other} wants ON and an object"))),
        })
        .collect()
}

/// The rights that a statement names, those of the kind of object.
fn wanted(privileges: &ast::Privileges, object: &Object) -> Result<Vec<Wanted>> {
    let known = match object {
        Object::Schema(_) => ON_SCHEMA,
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
            // There are neither foreign keys that refuse nor triggers: nobody needs a right to them.
            A::References { .. } | A::Trigger => continue,
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
                    _ => "relation",
                }
            )));
        }
        match (columns, object) {
            (None, _) => wanted.push((privilege, None)),
            (Some(columns), Object::Table(table)) => {
                for column in columns {
                    let column = folded(column);
                    if table.arrow_schema.field_with_name(&column).is_err() {
                        return Err(Error::UndefinedColumn {
                            name: format!("\"{column}\" of relation \"{}\"", table.name),
                            hint: None,
                            position: None,
                        });
                    }
                    wanted.push((privilege, Some(column)));
                }
            }
            (Some(_), _) => {
                return Err(Error::unsupported(
                    "rights to single columns of a view are not supported",
                ));
            }
        }
    }
    Ok(wanted)
}

fn owner(object: &Object) -> u32 {
    match object {
        Object::Schema(schema) => schema.owner,
        Object::Table(table) => table.owner,
        Object::View(view) => view.owner,
        _ => 0,
    }
}

fn grants(object: &mut Object) -> Option<&mut Vec<Grant>> {
    match object {
        Object::Schema(schema) => Some(&mut schema.grants),
        Object::Table(table) => Some(&mut table.grants),
        Object::View(view) => Some(&mut view.grants),
        _ => None,
    }
}

/// Owners give what is theirs, others what they have WITH GRANT OPTION. False if the subject has only rights that it may not
/// pass on: PostgreSQL warns of that.
fn may_give(
    subject: &Subject,
    owner: u32,
    grants: &[Grant],
    privilege: Privilege,
    column: Option<&str>,
    kind: &str,
    name: &str,
) -> Result<bool> {
    let grantable = |grant: &Grant| {
        grant.grantable
            && grant.privilege == privilege.name()
            && subject.has_role(grant.grantee)
            && (grant.column.is_none() || grant.column.as_deref() == column)
    };
    if subject.owns(owner) || grants.iter().any(grantable) {
        return Ok(true);
    }
    match grants.iter().any(|grant| subject.has_role(grant.grantee)) {
        true => Ok(false),
        false => Err(denied(format!("permission denied for {kind} {name}"))),
    }
}

fn give(
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

/// What a role that lost a right has given on goes with it, if the statement says CASCADE.
fn drop_given_on(
    epoch: &Epoch,
    grants: &mut Vec<Grant>,
    lost_by: u32,
    privilege: Privilege,
    owner: u32,
    cascade: bool,
) -> Result<()> {
    let mut lost = vec![lost_by];
    while let Some(role) = lost.pop() {
        // The owner and superusers give by their own right.
        let own = role == 0 || role == owner || epoch.roles().any(|r| r.oid == role && r.superuser);
        let still = grants
            .iter()
            .any(|grant| grant.grantee == role && grant.grantable && grant.privilege == privilege.name());
        if own || still {
            continue;
        }
        let given: Vec<u32> = grants
            .iter()
            .filter(|grant| grant.grantor == role && grant.privilege == privilege.name())
            .map(|grant| grant.grantee)
            .collect();
        if given.is_empty() {
            continue;
        }
        if !cascade {
            return Err(Error::Dependents {
                message: "dependent privileges exist".to_owned(),
                detail: "Use CASCADE to revoke them too.".to_owned(),
            });
        }
        grants.retain(|grant| !(grant.grantor == role && grant.privilege == privilege.name()));
        lost.extend(given);
    }
    Ok(())
}

/// Who may make others members of a role: those who may make roles, and members WITH ADMIN OPTION.
fn may_give_membership(epoch: &Epoch, subject: &Subject, group: &radlake_catalogs::RoleObject) -> Result<()> {
    let admin = epoch.roles().any(|role| {
        subject.has_role(role.oid)
            && role
                .memberships
                .iter()
                .any(|membership| membership.role == group.oid && membership.admin)
    });
    if admin || (roles::may_administer(epoch, subject) && (subject.superuser || !group.superuser)) {
        return Ok(());
    }
    Err(denied(format!(
        "must have admin option on role \"{}\"",
        group.name
    )))
}
