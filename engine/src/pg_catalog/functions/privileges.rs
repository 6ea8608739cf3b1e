//! `has_*_privilege`, `pg_has_role`, `row_security_active`: what [`crate::policy::decide`] says, and everybody reads the
//! system catalogs.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::model::{Relation, Role};
use crate::pg_catalog::rows::Value;
use crate::policy::{FUNCTIONS_OWNER, Privilege, Rights, Subject, Verdict, Via, decide, everybodys};
use radlake_catalogs::Grant;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("has_table_privilege", (2, 3), "bool", table),
    Spec::new("has_any_column_privilege", (2, 3), "bool", any_column),
    Spec::new("has_column_privilege", (3, 4), "bool", column),
    Spec::new("has_schema_privilege", (2, 3), "bool", schema),
    Spec::new("has_database_privilege", (2, 3), "bool", database),
    Spec::new("has_function_privilege", (2, 3), "bool", function),
    Spec::new("has_type_privilege", (2, 3), "bool", everybody),
    Spec::new("has_language_privilege", (2, 3), "bool", everybody),
    Spec::new("has_sequence_privilege", (2, 3), "bool", sequence),
    Spec::new("has_tablespace_privilege", (2, 3), "bool", superuser),
    Spec::new("has_server_privilege", (2, 3), "bool", superuser),
    Spec::new("has_foreign_data_wrapper_privilege", (2, 3), "bool", superuser),
    Spec::new("has_parameter_privilege", (2, 3), "bool", superuser),
    Spec::new("acldefault", (2, 2), "_aclitem", acldefault),
    Spec::new("pg_has_role", (2, 3), "bool", has_role),
    Spec::new("row_security_active", (1, 1), "bool", active),
];

/// Whether policies bind who asks.
fn active(context: &Context, args: &[Arg<'_>]) -> Outcome {
    Ok(super::relation(context, args)?
        .map(|relation| context.row_security_active(relation))
        .into())
}

/// What PostgreSQL gives with a new object of a kind: to everybody, and to its owner.
fn acldefault(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let kind = args.first().and_then(|arg| arg.text()).unwrap_or_default();
    let owner = args.get(1).and_then(|arg| arg.oid()).unwrap_or_default();
    let (everybodys, owners) = match kind {
        "c" => return Ok(Value::Texts(Vec::new())),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "p" => ("", "sA"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        other => {
            return Err(CatalogError::InvalidParameter(format!(
                "unrecognized object type abbreviation: {other}"
            )));
        }
    };
    let role = context.model().item_role(owner);
    let mut items = vec![format!("{role}={owners}/{role}")];
    if !everybodys.is_empty() {
        items.insert(0, format!("={everybodys}/{role}"));
    }
    Ok(Value::Texts(items.into_iter().map(Into::into).collect()))
}

/// The role that is asked about (the first of `full` arguments, else the current one) and the other arguments.
fn asked<'a, 'b>(
    context: &Context,
    args: &'b [Arg<'a>],
    full: usize,
) -> Result<(Role, &'b [Arg<'a>]), CatalogError> {
    let model = context.model();
    let role = |arg: &Arg<'_>| match (arg.oid(), arg.text()) {
        (Some(oid), _) => model
            .role(oid)
            .cloned()
            .ok_or_else(|| CatalogError::UndefinedObject("role", oid.to_string())),
        (None, Some(name)) => model
            .role_named(name)
            .cloned()
            .ok_or_else(|| CatalogError::UndefinedObject("role", name.to_owned())),
        _ => Err(CatalogError::UndefinedObject("role", String::new())),
    };
    match args.split_first() {
        Some((first, rest)) if args.len() == full => Ok((role(first)?, rest)),
        _ => Ok((role(&Arg::Text(&context.session.current_role()))?, args)),
    }
}

const OPTIONS: &[&str] = &["WITH GRANT OPTION", "WITH ADMIN OPTION"];

/// A privilege that is asked about.
struct Asked {
    name: String,
    /// To pass it on too.
    option: bool,
}

/// The privileges of a list such as "SELECT, INSERT WITH GRANT OPTION", each checked to be one of `known`.
fn privileges(arg: Option<&Arg<'_>>, known: &[&str]) -> Result<Vec<Asked>, CatalogError> {
    let text = arg.and_then(|a| a.text()).unwrap_or_default();
    text.split(',')
        .map(|privilege| {
            let upper = privilege.trim().to_ascii_uppercase();
            let bare = OPTIONS.iter().find_map(|option| upper.strip_suffix(option));
            let name = bare.unwrap_or(&upper).trim().to_owned();
            if known.contains(&name.as_str()) {
                let option = bare.is_some();
                return Ok(Asked { name, option });
            }
            Err(CatalogError::InvalidParameter(format!(
                "unrecognized privilege type: \"{}\"",
                privilege.trim()
            )))
        })
        .collect()
}

fn relation<'c>(context: &'c Context, arg: Option<&Arg<'_>>) -> Result<Option<&'c Relation>, CatalogError> {
    match arg {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => context
            .relation(name)
            .map(Some)
            .ok_or_else(|| CatalogError::UndefinedTable((*name).to_owned())),
        Some(arg) => Ok(arg.oid().and_then(|oid| context.model().relation(oid))),
        None => Ok(None),
    }
}

impl Asked {
    /// What a subject may do, or pass on, with something of this owner and these grants.
    fn of(
        &self,
        subject: &Subject,
        owner: u32,
        grants: &[Grant],
        everybody: Option<Privilege>,
        privilege: Privilege,
    ) -> Verdict {
        if !self.option {
            return decide(subject, Rights::new(owner, grants, everybody), privilege);
        }
        let passed: Vec<Grant> = grants.iter().filter(|grant| grant.grantable).cloned().collect();
        decide(subject, Rights::new(owner, &passed, None), privilege)
    }
}

/// Which columns of a relation one of the privileges covers, by the name of each.
fn on_relation(context: &Context, role: &Role, relation: &Relation, privileges: &[Asked]) -> Vec<Verdict> {
    let subject = context.model().subject(role);
    privileges
        .iter()
        .map(|asked| match Privilege::named(&asked.name) {
            Some(privilege) => asked.of(&subject, relation.owner, &relation.grants, None, privilege),
            // RULE, which nobody but the owner has.
            None if subject.owns(relation.owner) => Verdict::Everything,
            None => Verdict::Nothing,
        })
        .collect()
}

const TABLE: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "RULE",
    "RADLAKE.HISTORY",
];

fn table(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), TABLE)?;
    Ok(relation(context, args.first())?
        .map(|r| on_relation(context, &role, r, &privileges).contains(&Verdict::Everything))
        .into())
}

fn sequence(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), &["USAGE", "SELECT", "UPDATE"])?;
    let found = relation(context, args.first())?;
    if let Some(other) = found.filter(|found| found.kind != "S") {
        return Err(CatalogError::WrongObject(format!(
            "\"{}\" is not a sequence",
            other.name
        )));
    }
    Ok(found
        .map(|r| on_relation(context, &role, r, &privileges).contains(&Verdict::Everything))
        .into())
}

fn any_column(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), COLUMN)?;
    Ok(relation(context, args.first())?
        .map(|r| {
            on_relation(context, &role, r, &privileges)
                .iter()
                .any(|verdict| *verdict != Verdict::Nothing)
        })
        .into())
}

const COLUMN: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];

fn column(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 4)?;
    let privileges = privileges(args.get(2), COLUMN)?;
    let Some(relation) = relation(context, args.first())? else {
        return Ok(Value::Null);
    };
    let known = match args.get(1) {
        Some(Arg::Text(name)) => {
            relation
                .schema
                .field_with_name(name)
                .map_err(|_| CatalogError::UndefinedColumn {
                    column: (*name).to_owned(),
                    relation: relation.name.clone(),
                })?;
            Some((*name).to_owned())
        }
        Some(Arg::Int(number)) => {
            let index = usize::try_from(*number).ok().and_then(|n| n.checked_sub(1));
            index
                .and_then(|index| relation.schema.fields().get(index))
                .map(|field| field.name().clone())
        }
        _ => None,
    };
    Ok(match known {
        Some(column) => Value::Bool(
            on_relation(context, &role, relation, &privileges)
                .iter()
                .any(|verdict| verdict.covers([column.as_str()])),
        ),
        None => Value::Null,
    })
}

fn schema(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), &["CREATE", "USAGE"])?;
    let model = context.model();
    let namespace = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => Some(
            model
                .namespace_named(name)
                .ok_or_else(|| CatalogError::UndefinedSchema((*name).to_owned()))?,
        ),
        Some(arg) => arg.oid().and_then(|oid| model.namespace(oid)),
        None => None,
    };
    let subject = model.subject(&role);
    let allowed = namespace.map(|n| {
        let open = matches!(n.oid, PG_CATALOG | INFORMATION_SCHEMA) || n.name == "system";
        let everybody = open.then_some(Privilege::Usage);
        privileges.iter().any(|asked| {
            Privilege::named(&asked.name).is_some_and(|privilege| {
                asked.of(&subject, n.owner, &n.grants, everybody, privilege) == Verdict::Everything
            })
        })
    });
    Ok(allowed.into())
}

fn database(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), &["CREATE", "CONNECT", "TEMPORARY", "TEMP"])?;
    Ok(Value::Bool(
        role.superuser || privileges.iter().any(|p| p.name == "CONNECT" && !p.option),
    ))
}

fn function(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), &["EXECUTE"])?;
    let model = context.model();
    let oid = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => Some(
            context
                .function_oid(name)
                .ok_or_else(|| CatalogError::UndefinedFunction((*name).to_owned()))?,
        ),
        Some(arg) => arg.oid(),
        None => None,
    };
    let Some(oid) = oid else {
        return Ok(Value::Null);
    };
    let subject = model.subject(&role);
    let own = model.functions.iter().find(|function| function.oid == oid);
    let grants = own.and_then(|function| function.grants.clone());
    let grants = grants.unwrap_or_else(everybodys);
    Ok(Value::Bool(privileges.iter().any(|asked| {
        asked.of(&subject, FUNCTIONS_OWNER, &grants, None, Privilege::Execute) == Verdict::Everything
    })))
}

fn everybody(context: &Context, args: &[Arg<'_>]) -> Outcome {
    asked(context, args, 3).map(|_| Value::Bool(true))
}

fn superuser(context: &Context, args: &[Arg<'_>]) -> Outcome {
    asked(context, args, 3).map(|(role, _)| Value::Bool(role.superuser))
}

fn has_role(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let model = context.model();
    let other = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => model.role_named(name),
        Some(arg) => arg.oid().and_then(|oid| model.role(oid)),
        None => None,
    };
    let wanted = privileges(args.get(1), &["MEMBER", "USAGE"])?;
    // MEMBER: may become it by SET ROLE; USAGE: has its rights without that; either WITH ADMIN OPTION: may make others members.
    let has = |asked: &Asked, other: &Role| match (asked.option, asked.name.as_str()) {
        (true, _) => model.closure(role.oid, Via::Any).into_iter().any(|holder| {
            let memberships = model.role(holder).map(|holder| holder.memberships.as_slice());
            let mut memberships = memberships.unwrap_or_default().iter();
            memberships.any(|membership| membership.role == other.oid && membership.admin)
        }),
        (false, "MEMBER") => model.closure(role.oid, Via::Any).contains(&other.oid),
        (false, _) => model.closure(role.oid, Via::Inherited).contains(&other.oid),
    };
    Ok(other
        .map(|other| role.superuser || wanted.iter().any(|asked| has(asked, other)))
        .into())
}
