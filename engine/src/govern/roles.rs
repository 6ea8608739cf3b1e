//! CREATE, ALTER and DROP ROLE; USER and GROUP are other words for it.

use radlake_catalogs::{Epoch, Membership, Object, RoleObject};
use radlake_sql::ast;

use super::memberships::may_give_membership;
use super::{denied, single};
use crate::policy::{Subject, Via, closure};
use crate::write::target::folded;
use crate::write::{Outcome, Writer};
use crate::{Error, Result, ScramVerifier};

/// Names that mean something else where a role is named.
const RESERVED: &[&str] = &["public", "none", "current_user", "current_role", "session_user"];

impl Writer<'_> {
    pub(super) fn create_roles(&mut self, create: &ast::CreateRole) -> Result<Outcome> {
        for name in &create.names {
            self.create_role(create, single(name)?)?;
        }
        Ok(Outcome::tag("CREATE ROLE"))
    }

    fn create_role(&mut self, create: &ast::CreateRole, name: &ast::Ident) -> Result<()> {
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let name = new_name(name)?;
        if !may_administer(&epoch, &subject) {
            return Err(denied("permission denied to create role"));
        }
        if epoch.role(&name).is_some() {
            return match create.if_not_exists {
                true => Ok(()),
                false => Err(Error::DuplicateObject(format!("role \"{name}\" already exists"))),
            };
        }
        if create.authorization_owner.is_some() {
            return Err(Error::unsupported("CREATE ROLE … AUTHORIZATION is not supported"));
        }
        let mut role = RoleObject {
            name,
            superuser: create.superuser == Some(true),
            login: create.login == Some(true),
            noinherit: create.inherit == Some(false),
            createrole: create.create_role == Some(true),
            bypassrls: create.bypassrls == Some(true),
            ..RoleObject::default()
        };
        check_powers(&subject, &role)?;
        if let Some(password) = &create.password {
            role.verifier = verifier(password)?;
        }
        if let Some(limit) = &create.connection_limit {
            role.connection_limit = connection_limit(limit)?;
        }
        if let Some(until) = &create.valid_until {
            role.valid_until = valid_until(until)?;
        }
        for group in create.in_role.iter().chain(&create.in_group) {
            let group = self.role(&epoch, group)?;
            may_give_membership(self.authority()?.roles(), &subject, group)?;
            role.memberships.push(membership(&subject, group, false));
        }
        let new = RoleObject {
            oid: self.work.put_object(role.clone())?,
            ..role
        };
        let members = create.role.iter().chain(&create.user);
        let members = members.map(|member| (member, false));
        for (member, admin) in members.chain(create.admin.iter().map(|member| (member, true))) {
            let epoch = self.epoch()?;
            let member = self.role(&epoch, member)?;
            if circular(&epoch, &new, member) {
                return Err(Error::InvalidGrant(format!(
                    "role \"{}\" is a member of role \"{}\"",
                    new.name, member.name
                )));
            }
            let mut member = member.clone();
            match member.memberships.iter_mut().find(|known| known.role == new.oid) {
                Some(known) => known.admin |= admin,
                None => member.memberships.push(membership(&subject, &new, admin)),
            }
            self.work.put_object(member)?;
        }
        if !subject.superuser {
            self.administer(&new, &subject)?;
        }
        Ok(())
    }

    /// Whoever makes a role may give it and change it, as in PostgreSQL 16.
    fn administer(&mut self, new: &RoleObject, subject: &Subject) -> Result<()> {
        let epoch = self.epoch()?;
        let maker = epoch.roles().find(|role| role.oid == subject.oid);
        let Some(maker) = maker else {
            return Err(Error::internal("who makes a role is none"));
        };
        let mut maker = RoleObject::clone(maker);
        match maker.memberships.iter_mut().find(|known| known.role == new.oid) {
            Some(known) => known.admin = true,
            None => maker.memberships.push(Membership {
                admin_only: true,
                ..membership(subject, new, true)
            }),
        }
        self.work.put_object(maker)?;
        Ok(())
    }

    pub(super) fn alter_role(
        &mut self,
        name: &ast::Ident,
        operation: &ast::AlterRoleOperation,
    ) -> Result<Outcome> {
        let epoch = self.epoch()?;
        let subject = self.subject()?;
        let old = self.role(&epoch, name)?;
        let mut role = old.clone();
        let own_password = old.oid == subject.oid
            && matches!(operation, ast::AlterRoleOperation::WithOptions { options }
                if options.iter().all(|option| matches!(option, ast::RoleOption::Password(_))));
        let allowed = subject.superuser || own_password || self.may_change(&epoch, &subject, old)?;
        if !allowed {
            return Err(denied("permission denied to alter role"));
        }
        match operation {
            ast::AlterRoleOperation::RenameRole { role_name } => {
                role.name = new_name(role_name)?;
                if epoch.role(&role.name).is_some() {
                    return Err(Error::DuplicateObject(format!(
                        "role \"{}\" already exists",
                        role.name
                    )));
                }
                if old.name == self.session.session_role() {
                    return Err(Error::unsupported("session user cannot be renamed"));
                }
                if old.oid == subject.oid {
                    return Err(Error::unsupported("current user cannot be renamed"));
                }
            }
            ast::AlterRoleOperation::WithOptions { options } => {
                for option in options {
                    apply(&mut role, option)?;
                }
            }
            _ => {
                return Err(Error::unsupported("settings of a role are not supported"));
            }
        }
        if !own_password {
            check_powers(&subject, &role)?;
        }
        if old.superuser && !(role.superuser && role.login) {
            keep_a_superuser(&epoch, old)?;
        }
        self.work.put_object(role)?;
        Ok(Outcome::tag("ALTER ROLE"))
    }

    /// True if a role that is no superuser's may change or drop another: with CREATEROLE, and ADMIN OPTION on it.
    fn may_change(&self, epoch: &Epoch, subject: &Subject, role: &RoleObject) -> Result<bool> {
        let authority = self.authority()?;
        let rights = authority.roles();
        Ok(may_administer(epoch, subject)
            && administers(rights, subject, role)
            && !powerful(epoch, role)
            && !powerful(rights, role))
    }

    pub(super) fn drop_roles(&mut self, names: &[ast::ObjectName], if_exists: bool) -> Result<Outcome> {
        for name in names {
            let epoch = self.epoch()?;
            let subject = self.subject()?;
            let role = match self.role(&epoch, single(name)?) {
                Ok(role) => role.clone(),
                Err(_) if if_exists => continue,
                Err(error) => return Err(error),
            };
            if !subject.superuser && !self.may_change(&epoch, &subject, &role)? {
                return Err(denied("permission denied to drop role"));
            }
            if role.oid == subject.oid || role.name == self.session.session_role() {
                return Err(Error::ObjectInUse("current user cannot be dropped".to_owned()));
            }
            keep_a_superuser(&epoch, &role)?;
            let dependents = dependents(&epoch, role.oid);
            if !dependents.is_empty() {
                return Err(Error::Dependents {
                    message: format!(
                        "role \"{}\" cannot be dropped because some objects depend on it",
                        role.name
                    ),
                    detail: dependents.join("\n"),
                });
            }
            let members: Vec<RoleObject> = epoch
                .roles()
                .filter(|member| member.memberships.iter().any(|m| m.role == role.oid))
                .map(|member| RoleObject::clone(member))
                .collect();
            for mut member in members {
                member
                    .memberships
                    .retain(|membership| membership.role != role.oid);
                self.work.put_object(member)?;
            }
            self.work.drop_object(role.oid)?;
        }
        Ok(Outcome::tag("DROP ROLE"))
    }
}

fn new_name(name: &ast::Ident) -> Result<String> {
    let name = folded(name);
    if RESERVED.contains(&name.as_str()) || name.starts_with("pg_") || name.is_empty() {
        return Err(Error::ReservedName(name));
    }
    Ok(name)
}

/// True if a subject may make and change roles.
pub(super) fn may_administer(epoch: &Epoch, subject: &Subject) -> bool {
    subject.superuser
        || epoch
            .role(&subject.role)
            .is_some_and(|role| role.oid == subject.oid && role.createrole)
}

/// Nobody gives away more than it has.
fn check_powers(subject: &Subject, role: &RoleObject) -> Result<()> {
    if subject.superuser {
        return Ok(());
    }
    if role.superuser {
        return Err(denied("must be superuser to create superusers"));
    }
    if role.bypassrls {
        return Err(denied("must be superuser to create bypassrls users"));
    }
    Ok(())
}

/// A lake without a superuser who can log in could not be governed any more.
fn keep_a_superuser(epoch: &Epoch, leaving: &RoleObject) -> Result<()> {
    let another = epoch
        .roles()
        .any(|role| role.oid != leaving.oid && role.superuser && role.login && role.verifier.is_some());
    if !leaving.superuser || another {
        return Ok(());
    }
    Err(Error::ObjectInUse(
        "the last superuser who can log in has to stay one".to_owned(),
    ))
}

fn apply(role: &mut RoleObject, option: &ast::RoleOption) -> Result<()> {
    use ast::RoleOption as O;
    match option {
        O::BypassRLS(on) => role.bypassrls = *on,
        O::ConnectionLimit(limit) => role.connection_limit = connection_limit(limit)?,
        O::CreateRole(on) => role.createrole = *on,
        O::Inherit(on) => role.noinherit = !on,
        O::Login(on) => role.login = *on,
        O::Password(password) => role.verifier = verifier(password)?,
        O::SuperUser(on) => role.superuser = *on,
        O::ValidUntil(until) => role.valid_until = valid_until(until)?,
        // There is one database, and nothing is replicated.
        O::CreateDB(_) | O::Replication(_) => {}
    }
    Ok(())
}

fn text(value: &ast::Expr) -> Option<String> {
    match value {
        ast::Expr::Value(value) => value.value.clone().into_string(),
        _ => None,
    }
}

fn verifier(password: &ast::Password) -> Result<Option<String>> {
    let ast::Password::Password(value) = password else {
        return Ok(None);
    };
    let Some(text) = text(value) else {
        return Err(Error::syntax("a password is a text in quotes"));
    };
    if text.starts_with("md5") && text.len() == 35 {
        return Err(Error::unsupported(
            "md5 passwords are not supported: only SCRAM-SHA-256",
        ));
    }
    // As pg_dumpall writes it, and as psql's \password sends it: the verifier instead of the password.
    if let Ok(kept) = text.parse::<ScramVerifier>() {
        return Ok(Some(kept.to_string()));
    }
    Ok(Some(ScramVerifier::new(&text)?.to_string()))
}

fn connection_limit(limit: &ast::Expr) -> Result<Option<u32>> {
    let invalid = || Error::InvalidParameter(format!("invalid connection limit: {limit}"));
    match limit.to_string().parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(limit) => u32::try_from(limit).map(Some).map_err(|_| invalid()),
        Err(_) => Err(invalid()),
    }
}

fn valid_until(until: &ast::Expr) -> Result<Option<String>> {
    let text = text(until).ok_or_else(|| Error::syntax("VALID UNTIL wants a time in quotes"))?;
    if text.eq_ignore_ascii_case("infinity") {
        return Ok(None);
    }
    let utc = arrow::temporal_conversions::timestamp_us_to_datetime(
        arrow::compute::kernels::cast_utils::string_to_datetime(&chrono::Utc, &text)
            .map_err(|_| Error::InvalidDatetime {
                type_name: "timestamp with time zone".to_owned(),
            })?
            .timestamp_micros(),
    );
    let utc = utc.ok_or(Error::DatetimeOverflow)?;
    Ok(Some(utc.and_utc().to_rfc3339()))
}

/// A new membership.
pub(super) fn membership(subject: &Subject, group: &RoleObject, admin: bool) -> Membership {
    Membership {
        role: group.oid,
        grantor: subject.oid,
        admin,
        admin_only: false,
    }
}

/// True if whoever is a member of a role can become one that nothing binds, or no row policy.
pub(super) fn powerful(epoch: &Epoch, role: &RoleObject) -> bool {
    let powers = |role: &RoleObject| role.superuser || role.bypassrls;
    let reached = closure(epoch, role, Via::Any);
    powers(role)
        || epoch
            .roles()
            .any(|other| reached.contains(&other.oid) && powers(other))
}

/// True if a subject has ADMIN OPTION on a role, itself or by a role that it is.
pub(super) fn administers(epoch: &Epoch, subject: &Subject, role: &RoleObject) -> bool {
    epoch.roles().any(|holder| {
        subject.has_role(holder.oid)
            && holder
                .memberships
                .iter()
                .any(|membership| membership.role == role.oid && membership.admin)
    })
}

/// True if making `member` a member of `group` would close a circle.
pub(super) fn circular(epoch: &Epoch, group: &RoleObject, member: &RoleObject) -> bool {
    closure(epoch, group, Via::Any).contains(&member.oid)
}

/// What keeps a role from being dropped, as PostgreSQL's DETAIL tells it.
fn dependents(epoch: &Epoch, oid: u32) -> Vec<String> {
    let (mut found, mut targets) = (Vec::new(), Vec::new());
    let mut note = |what: String, owner: u32, grants: &[radlake_catalogs::Grant]| {
        if owner == oid {
            found.push(format!("owner of {what}"));
        } else if grants
            .iter()
            .any(|grant| grant.grantee == oid || grant.grantor == oid)
        {
            found.push(format!("privileges for {what}"));
        }
    };
    for object in epoch.objects() {
        match object.as_ref() {
            Object::Schema(schema) => note(format!("schema {}", schema.name), schema.owner, &schema.grants),
            Object::Table(table) => {
                let name = table.qualified_name();
                note(format!("table {name}"), table.owner, &table.grants);
                let policies = table.row_security.policies.iter();
                targets.extend(
                    policies
                        .filter(|policy| policy.roles.contains(&oid))
                        .map(|policy| format!("target of policy {} on table {name}", policy.name)),
                );
            }
            Object::Sequence(sequence) => note(
                format!("sequence {}", sequence.qualified_name()),
                sequence.owner,
                &sequence.grants,
            ),
            Object::Type(own) => note(format!("type {}", own.qualified_name()), own.owner, &[]),
            Object::Function(function) => {
                note(
                    format!("function {}", function.qualified_name()),
                    function.owner,
                    &[],
                );
            }
            Object::View(view) => note(
                format!("view {}", view.qualified_name()),
                view.owner,
                &view.grants,
            ),
            _ => {}
        }
    }
    found.extend(targets);
    found.extend(super::defaults::dependents(epoch, oid));
    found.extend(super::functions::dependents(epoch, oid));
    found
}
