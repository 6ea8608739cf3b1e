//! REASSIGN OWNED and DROP OWNED: what roles own, and what they were given, before they are dropped.

use std::collections::BTreeSet;

use radlake_catalogs::{Epoch, Grant, Object, Relation, RoleObject};
use radlake_sql::{ast, extend};

use super::denied;
use super::grants::{Withdrawal, grantor, grants, owner};
use crate::policy::{Privilege, Subject};
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

impl Writer<'_> {
    pub(crate) fn reassign_owned(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let [new, old @ ..] = arguments else {
            return Err(Error::internal("REASSIGN OWNED to nobody"));
        };
        let refused = || denied("permission denied to reassign objects");
        let epoch = self.epoch()?;
        let old = self.owners(&epoch, old, refused)?;
        let new = self.owners(&epoch, &[new], refused)?;
        let Some(new) = new.first() else {
            return Err(Error::internal("REASSIGN OWNED to nobody"));
        };
        not_needed(&epoch, &old, "reassign ownership of objects owned by")?;
        // Whoever gives a schema to somebody else must be able to make one.
        let given = |oid: u32| old.iter().any(|role| role.oid == oid);
        if !self.subject()?.superuser && epoch.schemas().any(|schema| given(schema.owner)) {
            let message = format!("permission denied for database {}", self.session.database());
            return Err(denied(message));
        }
        for object in epoch.objects() {
            let mut object = Object::clone(object);
            let had = owner(&object);
            if had == 0 || !given(had) {
                continue;
            }
            if let Some(grants) = grants(&mut object) {
                super::change_owner(grants, had, new.oid);
            }
            match &mut object {
                Object::Schema(schema) => schema.owner = new.oid,
                Object::Table(table) => table.owner = new.oid,
                Object::View(view) => view.owner = new.oid,
                Object::Sequence(sequence) => sequence.owner = new.oid,
                Object::Type(own) => own.owner = new.oid,
                Object::Function(function) => function.owner = new.oid,
                _ => continue,
            }
            self.work.put_object(object)?;
        }
        Ok(Outcome::tag("REASSIGN OWNED"))
    }

    pub(crate) fn drop_owned(&mut self, arguments: &[&ast::Expr]) -> Result<Outcome> {
        let [cascade, roles @ ..] = arguments else {
            return Err(Error::internal("DROP OWNED by nobody"));
        };
        let cascade = matches!(cascade, ast::Expr::Value(value) if value.value == ast::Value::Boolean(true));
        let epoch = self.epoch()?;
        let roles = self.owners(&epoch, roles, || denied("permission denied to drop objects"))?;
        not_needed(&epoch, &roles, "drop objects owned by")?;
        let subject = self.subject()?;
        for role in &roles {
            self.take_rights(&subject, role.oid)?;
            self.take_functions(&subject, role.oid)?;
            self.take_from_policies(role.oid)?;
            self.forget_defaults_of(role.oid)?;
        }
        let epoch = self.epoch()?;
        let owned = |oid: u32| oid != 0 && roles.iter().any(|role| role.oid == oid);
        let mut dropped: BTreeSet<u32> = epoch
            .objects()
            .filter(|object| {
                matches!(
                    object.as_ref(),
                    Object::Table(_) | Object::View(_) | Object::Sequence(_)
                )
            })
            .filter(|object| owned(owner(object)))
            .map(|object| object.oid())
            .collect();
        let schemas: Vec<_> = epoch.schemas().filter(|schema| owned(schema.owner)).collect();
        for schema in &schemas {
            let others = |relation: &&Relation| !dropped.contains(&relation.oid());
            let others: Vec<&Relation> = epoch.relations(&schema.name).filter(others).collect();
            if let (Some(first), false) = (others.first(), cascade) {
                return Err(Error::Dependents {
                    message: "cannot drop desired object(s) because other objects depend on them".to_owned(),
                    detail: format!("{} depends on schema {}", first.name(), schema.name),
                });
            }
            dropped.extend(others.into_iter().map(Relation::oid));
        }
        let others: Vec<Object> = epoch
            .objects()
            .map(|object| Object::clone(object))
            .filter(|object| matches!(object, Object::Type(_) | Object::Function(_)))
            .filter(|object| {
                let mut within = schemas.iter();
                owned(owner(object)) || within.any(|schema| object.schema() == Some(schema.name.as_str()))
            })
            .collect();
        self.drop_relations(dropped, cascade)?;
        self.drop_others(others)?;
        for schema in schemas {
            self.forget_defaults_in(schema.oid)?;
            self.work.drop_object(schema.oid)?;
        }
        Ok(Outcome::tag("DROP OWNED"))
    }

    /// The roles that a statement names, if who acts has the rights of each.
    fn owners(
        &self,
        epoch: &Epoch,
        names: &[&ast::Expr],
        refused: impl Fn() -> Error,
    ) -> Result<Vec<RoleObject>> {
        let subject = self.subject()?;
        let mut roles = Vec::with_capacity(names.len());
        for name in names {
            let name = extend::role(name)
                .ok_or_else(|| Error::syntax(format!("\"{name}\" is no name of a role")))?;
            roles.push(self.role(epoch, &name)?.clone());
        }
        match roles.iter().all(|role| subject.has_role(role.oid)) {
            true => Ok(roles),
            false => Err(refused()),
        }
    }

    /// Revokes what a role was given on what others own, as far as who acts could revoke it.
    fn take_rights(&mut self, subject: &Subject, role: u32) -> Result<()> {
        let epoch = self.epoch()?;
        for object in epoch.objects() {
            let mut object = Object::clone(object);
            let (owner, name) = (owner(&object), object.name().to_owned());
            let Some(grants) = grants(&mut object).filter(|_| owner != role) else {
                continue;
            };
            let before = grants.clone();
            let given: Vec<&Grant> = before.iter().filter(|grant| grant.grantee == role).collect();
            for right in given {
                let Some(privilege) = Privilege::named(&right.privilege) else {
                    continue;
                };
                let Some(grantor) = grantor(subject, owner, grants, privilege, right.column.as_deref())
                else {
                    self.session
                        .notice("01006", format!("no privileges could be revoked for \"{name}\""));
                    continue;
                };
                let withdrawal = Withdrawal {
                    owner,
                    grantor,
                    option_only: false,
                    cascade: true,
                };
                withdrawal.carry_out(grants, |grant| {
                    grant.grantee == role
                        && grant.privilege == right.privilege
                        && grant.column == right.column
                })?;
            }
            if *grants != before {
                self.work.put_object(object)?;
            }
        }
        Ok(())
    }

    /// Has policies be for others only. One that was for nobody else goes: it would be for everybody.
    fn take_from_policies(&mut self, role: u32) -> Result<()> {
        for table in self.epoch()?.tables() {
            let policies = &table.row_security.policies;
            if !policies.iter().any(|policy| policy.roles.contains(&role)) {
                continue;
            }
            let mut table = table.as_ref().clone();
            let policies = &mut table.row_security.policies;
            policies.retain(|policy| policy.roles.as_slice() != [role]);
            for policy in policies {
                policy.roles.retain(|bound| *bound != role);
            }
            self.work.put_object(table)?;
        }
        Ok(())
    }
}

/// Whoever owns what the lake itself needs keeps it.
fn not_needed(epoch: &Epoch, roles: &[RoleObject], what: &str) -> Result<()> {
    let needs = |role: &&RoleObject| {
        epoch.objects().any(|object| {
            let of_lake = |schema: &str| ["imaging", "system"].contains(&schema);
            owner(object) == role.oid && (object.schema().is_some_and(of_lake) || of_lake(object.name()))
        })
    };
    match roles.iter().find(needs) {
        None => Ok(()),
        Some(role) => Err(Error::Dependents {
            message: format!(
                "cannot {what} role {} because they are required by the database system",
                role.name
            ),
            detail: "It owns what every lake has.".to_owned(),
        }),
    }
}
