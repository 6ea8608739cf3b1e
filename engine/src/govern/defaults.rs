//! ALTER DEFAULT PRIVILEGES: rights that what a role makes is born with.

use radlake_catalogs::{DefaultRight, Grant, Object, RoleObject, SchemaObject, SequenceObject, ViewObject};
use radlake_sql::{ast, extend};

use super::grants::{give, given, wanted};
use super::{denied, grants};
use crate::policy::{Privilege, Via, closure};
use crate::write::target::folded;
use crate::write::{Outcome, Writer};
use crate::{Error, Result};

/// Kinds of objects that rights can be given to beforehand.
const TABLES: &str = "TABLES";
const SCHEMAS: &str = "SCHEMAS";
const SEQUENCES: &str = "SEQUENCES";

/// What a statement does to default rights.
struct Change<'s> {
    privileges: &'s ast::Privileges,
    grantees: &'s [ast::Grantee],
    /// GRANT, and whether WITH GRANT OPTION; else REVOKE, and whether of that option alone.
    grants: bool,
    option: bool,
}

impl Writer<'_> {
    /// A GRANT that stands for ALTER DEFAULT PRIVILEGES.
    pub(super) fn default_grant(
        &mut self,
        defaults: &extend::Defaults,
        grant: &ast::Grant,
    ) -> Result<Outcome> {
        self.change_defaults(
            defaults,
            &Change {
                privileges: &grant.privileges,
                grantees: &grant.grantees,
                grants: true,
                option: grant.with_grant_option,
            },
        )
    }

    /// A REVOKE that stands for ALTER DEFAULT PRIVILEGES.
    pub(super) fn default_revoke(
        &mut self,
        defaults: &extend::Defaults,
        revoke: &ast::Revoke,
    ) -> Result<Outcome> {
        let (option, grantees) = extend::option_only(revoke);
        self.change_defaults(
            defaults,
            &Change {
                privileges: &revoke.privileges,
                grantees,
                grants: false,
                option,
            },
        )
    }

    fn change_defaults(&mut self, defaults: &extend::Defaults, change: &Change<'_>) -> Result<Outcome> {
        let done = || Outcome::tag("ALTER DEFAULT PRIVILEGES");
        if of_columns(change.privileges) {
            return Err(Error::InvalidGrant(
                "default privileges cannot be set for columns".to_owned(),
            ));
        }
        // An object of that kind: rights are read as if they were to it.
        let example = match defaults.on.as_str() {
            TABLES => Object::View(ViewObject::default()),
            SCHEMAS => Object::Schema(SchemaObject::default()),
            SEQUENCES => Object::Sequence(SequenceObject::default()),
            other @ ("FUNCTIONS" | "ROUTINES" | "TYPES") => {
                return Err(Error::Unsupported {
                    what: format!("ALTER DEFAULT PRIVILEGES ON {other} is not supported"),
                    hint: Some(
                        "A lake has none that somebody makes: functions and types are Radlake's own."
                            .to_owned(),
                    ),
                });
            }
            other => {
                return Err(Error::syntax(format!(
                    "syntax error at or near \"{}\"",
                    other.to_lowercase()
                )));
            }
        };
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let grantees = self.grantees(&epoch, change.grantees)?;
        let privileges = match change.grants {
            true => given(change.privileges, &example)?,
            false => wanted(change.privileges, &example)?,
        };
        if change.grants && change.option && grantees.contains(&0) {
            return Err(grants::only_to_roles());
        }
        let acting = [ast::Ident::new("current_role")];
        let roles = match defaults.roles.as_slice() {
            [] => acting.as_slice(),
            roles => roles,
        };
        let mut of = Vec::with_capacity(roles.len());
        for name in roles {
            let role = self.role(&epoch, name)?;
            let rights = self.authority()?;
            let may_become = rights
                .roles()
                .roles()
                .find(|own| own.oid == subject.oid)
                .is_some_and(|own| closure(rights.roles(), own, Via::Any).contains(&role.oid));
            if !subject.superuser && !may_become {
                return Err(denied(format!("must be member of role \"{}\"", role.name)));
            }
            of.push(role.oid);
        }
        if defaults.on == SCHEMAS && !defaults.schemas.is_empty() {
            return Err(Error::InvalidGrant(
                "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS".to_owned(),
            ));
        }
        let mut schemas = Vec::new();
        for name in &defaults.schemas {
            let name = folded(name);
            let schema = epoch.schema(&name);
            schemas.push(schema.ok_or(Error::UndefinedSchema(name))?.oid);
        }
        if schemas.is_empty() {
            schemas.push(0);
        }
        for oid in of {
            let mut role = self.role_object(oid)?;
            for schema in &schemas {
                for (privilege, _) in &privileges {
                    for grantee in &grantees {
                        if *grantee != oid {
                            change.apply(
                                &mut role.default_rights,
                                *schema,
                                &defaults.on,
                                *privilege,
                                *grantee,
                            );
                        } else if !change.grants && !change.option {
                            return Err(Error::Unsupported {
                                what: format!(
                                    "default privileges without those of the owner \"{}\" are not supported",
                                    role.name
                                ),
                                hint: Some("Whoever owns something may do everything with it.".to_owned()),
                            });
                        }
                    }
                }
            }
            self.work.put_object(role)?;
        }
        Ok(done())
    }

    fn role_object(&self, oid: u32) -> Result<RoleObject> {
        match self.work.object(oid) {
            Some(Object::Role(role)) => Ok(role.clone()),
            _ => Err(Error::internal("a role is gone within its statement")),
        }
    }

    /// The rights that a new table or view of an owner is born with.
    pub(crate) fn born_with(&mut self, owner: u32, schema: &str) -> Result<Vec<Grant>> {
        let schema = self.epoch()?.schema(schema).map(|schema| schema.oid);
        self.default_rights(owner, TABLES, schema)
    }

    /// Those of a new sequence.
    pub(crate) fn sequence_born_with(&mut self, owner: u32, schema: &str) -> Result<Vec<Grant>> {
        let schema = self.epoch()?.schema(schema).map(|schema| schema.oid);
        self.default_rights(owner, SEQUENCES, schema)
    }

    /// Those of a new schema.
    pub(crate) fn schema_born_with(&mut self, owner: u32) -> Result<Vec<Grant>> {
        self.default_rights(owner, SCHEMAS, None)
    }

    fn default_rights(&mut self, owner: u32, on: &str, schema: Option<u32>) -> Result<Vec<Grant>> {
        let mut grants = Vec::new();
        let rights = self.role_object(owner)?.default_rights;
        if rights.is_empty() {
            return Ok(grants);
        }
        // What is taken back meanwhile is not given.
        self.work.reads(owner);
        for right in rights {
            let holds = right.on == on && (right.schema == 0 || Some(right.schema) == schema);
            if let Some(privilege) = Privilege::named(&right.privilege).filter(|_| holds) {
                give(
                    &mut grants,
                    right.grantee,
                    owner,
                    privilege,
                    None,
                    right.grantable,
                );
            }
        }
        Ok(grants)
    }

    /// Takes out the default rights that `goes` says.
    fn forget_defaults(&mut self, goes: impl Fn(&RoleObject, &DefaultRight) -> bool) -> Result<()> {
        for role in self.epoch()?.roles() {
            if role.default_rights.iter().any(|right| goes(role, right)) {
                let mut changed = role.as_ref().clone();
                changed.default_rights.retain(|right| !goes(role, right));
                self.work.put_object(changed)?;
            }
        }
        Ok(())
    }

    /// A schema goes, and with it what was to be in it.
    pub(crate) fn forget_defaults_in(&mut self, schema: u32) -> Result<()> {
        self.forget_defaults(|_, right| right.schema == schema)
    }

    /// DROP OWNED: a role's own default rights, and those that others' objects would give it.
    pub(super) fn forget_defaults_of(&mut self, oid: u32) -> Result<()> {
        self.forget_defaults(|role, right| role.oid == oid || right.grantee == oid)
    }
}

impl Change<'_> {
    fn apply(
        &self,
        rights: &mut Vec<DefaultRight>,
        schema: u32,
        on: &str,
        privilege: Privilege,
        grantee: u32,
    ) {
        let same = |right: &DefaultRight| {
            right.schema == schema
                && right.on == on
                && right.grantee == grantee
                && right.privilege == privilege.name()
        };
        let known = rights.iter_mut().find(|right| same(right));
        match (self.grants, known) {
            (true, Some(known)) => known.grantable |= self.option,
            (true, None) => rights.push(DefaultRight {
                schema,
                on: on.to_owned(),
                grantee,
                privilege: privilege.name().to_owned(),
                grantable: self.option,
            }),
            (false, Some(known)) if self.option => known.grantable = false,
            (false, _) => rights.retain(|right| self.option || !same(right)),
        }
    }
}

fn of_columns(privileges: &ast::Privileges) -> bool {
    use ast::Action as A;
    let ast::Privileges::Actions(actions) = privileges else {
        return false;
    };
    actions.iter().any(|action| {
        matches!(
            action,
            A::Select { columns: Some(_) }
                | A::Insert { columns: Some(_) }
                | A::Update { columns: Some(_) }
                | A::References { columns: Some(_) }
        )
    })
}

/// What keeps a role from being dropped, as PostgreSQL's DETAIL tells it.
pub(super) fn dependents(epoch: &radlake_catalogs::Epoch, oid: u32) -> Vec<String> {
    let mut found = Vec::new();
    for role in epoch.roles() {
        for right in &role.default_rights {
            let what = match (role.oid == oid, right.grantee == oid) {
                (true, _) => "owner of",
                (_, true) => "privileges for",
                _ => continue,
            };
            let kind = match right.on.as_str() {
                SCHEMAS => "schemas",
                _ => "relations",
            };
            let schema = match epoch.object(right.schema).map(AsRef::as_ref) {
                Some(Object::Schema(schema)) => format!(" in schema {}", schema.name),
                _ => String::new(),
            };
            let name = &role.name;
            let line = format!("{what} default privileges on new {kind} belonging to role {name}{schema}");
            if !found.contains(&line) {
                found.push(line);
            }
        }
    }
    found
}
