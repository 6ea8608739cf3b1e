//! `has_*_privilege`, `pg_has_role`, `row_security_active`: what [`crate::policy::decide`] says, and everybody reads the
//! system catalogs.

use std::borrow::Cow;

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::model::{DATABASE, Relation, Role};
use crate::pg_catalog::rows::Value;
use crate::pg_catalog::{names, statics};
use crate::policy::{FUNCTIONS_OWNER, Privilege, Rights, Subject, Verdict, Via, decide, everybodys};
use radlake_catalogs::Grant;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("has_table_privilege", (2, 3), "bool", table),
    Spec::new("has_any_column_privilege", (2, 3), "bool", any_column),
    Spec::new("has_column_privilege", (3, 4), "bool", column),
    Spec::new("has_schema_privilege", (2, 3), "bool", schema),
    Spec::new("has_database_privilege", (2, 3), "bool", database),
    Spec::new("has_function_privilege", (2, 3), "bool", function),
    Spec::new("has_type_privilege", (2, 3), "bool", data_type),
    Spec::new("has_language_privilege", (2, 3), "bool", language),
    Spec::new("has_sequence_privilege", (2, 3), "bool", sequence),
    Spec::new("has_tablespace_privilege", (2, 3), "bool", tablespace),
    Spec::new("has_server_privilege", (2, 3), "bool", |c, a| {
        none_there(c, a, "server")
    }),
    Spec::new("has_foreign_data_wrapper_privilege", (2, 3), "bool", |c, a| {
        none_there(c, a, "foreign-data wrapper")
    }),
    Spec::new("has_parameter_privilege", (2, 3), "bool", parameter),
    Spec::new("acldefault", (2, 2), "_aclitem", acldefault),
    // The columns of `aclexplode`, of the entries line by line.
    Spec::new("acl_grantors", (1, 1), "_oid", |c, a| {
        exploded(c, a).map(|rights| Value::Ints(rights.iter().map(|right| right.grantor.into()).collect()))
    }),
    Spec::new("acl_grantees", (1, 1), "_oid", |c, a| {
        exploded(c, a).map(|rights| Value::Ints(rights.iter().map(|right| right.grantee.into()).collect()))
    }),
    Spec::new("acl_privileges", (1, 1), "_text", |c, a| {
        exploded(c, a).map(|rights| Value::Texts(rights.iter().map(|right| right.privilege.into()).collect()))
    }),
    Spec::new("acl_options", (1, 1), "_text", |c, a| {
        let text = |option| if option { "t" } else { "f" };
        exploded(c, a)
            .map(|rights| Value::Texts(rights.iter().map(|right| text(right.option).into()).collect()))
    }),
    Spec::new("acl_option", (1, 1), "bool", |_, a| {
        Ok(a.first().and_then(|option| option.bool()).into())
    }),
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

/// One right of an `aclitem`.
pub(super) struct Exploded {
    pub(super) grantor: u32,
    pub(super) grantee: u32,
    pub(super) privilege: &'static str,
    pub(super) option: bool,
}

/// The rights of `aclitem`s, `grantee=letters/grantor`, one in a line.
fn exploded(context: &Context, args: &[Arg<'_>]) -> Result<Vec<Exploded>, CatalogError> {
    Ok(rights_of(
        context,
        args.first().and_then(|arg| arg.text()).unwrap_or_default(),
    ))
}

/// The rights of the entries in a text's lines.
pub(super) fn rights_of(context: &Context, text: &str) -> Vec<Exploded> {
    let model = context.model();
    let role = |name: &str| {
        let parts = names::parse(name).unwrap_or_default();
        let known = parts.first().and_then(|name| model.role_named(name));
        // Who is gone is shown by number; nobody is PUBLIC.
        known.map_or_else(|| name.parse().unwrap_or_default(), |role| role.oid)
    };
    let mut rights = Vec::new();
    for item in text.lines() {
        let (Some((grantee, rest)), Some((_, grantor))) = (item.split_once('='), item.rsplit_once('/'))
        else {
            continue;
        };
        let letters = rest.split('/').next().unwrap_or_default();
        for (at, letter) in letters.char_indices() {
            if let Some((_, privilege)) = LETTERS.iter().find(|(known, _)| *known == letter) {
                rights.push(Exploded {
                    grantor: role(grantor),
                    grantee: role(grantee),
                    privilege,
                    option: letters[at + 1..].starts_with('*'),
                });
            }
        }
    }
    rights
}

const LETTERS: &[(char, &str)] = &[
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('T', "TEMPORARY"),
    ('c', "CONNECT"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// The role that is asked about (the first of `full` arguments, else the current one) and the other arguments. PUBLIC is a role that
/// is a member of none, and so is an OID that no role has.
fn asked<'a, 'b>(
    context: &Context,
    args: &'b [Arg<'a>],
    full: usize,
) -> Result<(Role, &'b [Arg<'a>]), CatalogError> {
    match args.split_first() {
        Some((first, rest)) if args.len() == full => {
            let role = match first {
                Arg::Text("public") => nobody(0),
                first => known_role(context, *first)?,
            };
            Ok((role, rest))
        }
        _ => Ok((
            known_role(context, Arg::Text(&context.session.current_role()))?,
            args,
        )),
    }
}

/// A role by OID, which need not be there, or by name, which must.
fn known_role(context: &Context, arg: Arg<'_>) -> Result<Role, CatalogError> {
    let model = context.model();
    match (arg.oid(), arg.text()) {
        (Some(oid), _) => Ok(model.role(oid).cloned().unwrap_or_else(|| nobody(oid))),
        (None, Some(name)) => model
            .role_named(name)
            .cloned()
            .ok_or_else(|| CatalogError::UndefinedObject("role", name.to_owned())),
        _ => Err(CatalogError::UndefinedObject("role", String::new())),
    }
}

/// A role without any right of its own.
fn nobody(oid: u32) -> Role {
    Role {
        oid,
        name: String::new(),
        superuser: false,
        login: false,
        comment: None,
        noinherit: false,
        createrole: false,
        bypassrls: false,
        connection_limit: None,
        valid_until: None,
        memberships: Vec::new(),
        default_rights: Vec::new(),
    }
}

const GRANT_OPTION: &str = " WITH GRANT OPTION";
const ADMIN_OPTION: &str = " WITH ADMIN OPTION";

/// A privilege that is asked about.
struct Asked {
    name: String,
    /// To pass it on too.
    option: bool,
}

/// The privileges of a list such as "SELECT, INSERT WITH GRANT OPTION", each checked to be one of `known`.
fn privileges(arg: Option<&Arg<'_>>, known: &[&str]) -> Result<Vec<Asked>, CatalogError> {
    listed(arg, known, &[GRANT_OPTION])
}

fn listed(arg: Option<&Arg<'_>>, known: &[&str], options: &[&str]) -> Result<Vec<Asked>, CatalogError> {
    let text = arg.and_then(|a| a.text()).unwrap_or_default();
    text.split(',')
        .map(|privilege| {
            let upper = privilege.trim().to_ascii_uppercase();
            let bare = options.iter().find_map(|option| upper.strip_suffix(option));
            let name = bare.unwrap_or(&upper).to_owned();
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
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => match context.relation(name) {
            Some(found) => Ok(Some(found)),
            None => Err(missing_relation(context, name)),
        },
        Some(arg) => Ok(arg.oid().and_then(|oid| context.model().relation(oid))),
        None => Ok(None),
    }
}

/// What of a name is not there: the database, the schema, or the relation.
fn missing_relation(context: &Context, name: &str) -> CatalogError {
    let parts = names::parse(name).unwrap_or_default();
    let model = context.model();
    match parts.as_slice() {
        [database, ..] if parts.len() == 3 && *database != model.database => CatalogError::Unsupported(
            format!("cross-database references are not implemented: \"{name}\""),
        ),
        [.., schema, _] if model.namespace_named(schema).is_none() => {
            CatalogError::UndefinedSchema(schema.clone())
        }
        _ => CatalogError::UndefinedTable(name.to_owned()),
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
            // RULE, which nobody has any more.
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
    let found = relation(context, args.first())?;
    let privileges = privileges(args.get(1), TABLE)?;
    Ok(found
        .map(|r| on_relation(context, &role, r, &privileges).contains(&Verdict::Everything))
        .into())
}

fn sequence(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let found = relation(context, args.first())?;
    let privileges = privileges(args.get(1), &["USAGE", "SELECT", "UPDATE"])?;
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
    let found = relation(context, args.first())?;
    let privileges = privileges(args.get(1), COLUMN)?;
    Ok(found
        .map(|r| {
            on_relation(context, &role, r, &privileges)
                .iter()
                .any(|verdict| *verdict != Verdict::Nothing)
        })
        .into())
}

const COLUMN: &[&str] = &["SELECT", "INSERT", "UPDATE", "REFERENCES"];

const SYSTEM: &[&str] = &["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

fn column(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 4)?;
    let found = relation(context, args.first())?;
    if let (Some(relation), Some(Arg::Text(name))) = (found, args.get(1))
        && relation.schema.field_with_name(name).is_err()
        && !SYSTEM.contains(name)
    {
        return Err(CatalogError::UndefinedColumn {
            column: (*name).to_owned(),
            relation: relation.name.clone(),
        });
    }
    let privileges = privileges(args.get(2), COLUMN)?;
    let Some(relation) = found else {
        return Ok(Value::Null);
    };
    let whole = || on_relation(context, &role, relation, &privileges).contains(&Verdict::Everything);
    let known = match args.get(1) {
        // Columns that every table has are the table's.
        Some(Arg::Text(name)) if SYSTEM.contains(name) => return Ok(Value::Bool(whole())),
        Some(Arg::Int(-6..=-1)) => return Ok(Value::Bool(whole())),
        Some(Arg::Text(name)) => Some((*name).to_owned()),
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
    let privileges = privileges(args.get(1), &["CREATE", "USAGE"])?;
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
    let there = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => {
            if *name != context.model().database {
                return Err(CatalogError::UndefinedDatabase((*name).to_owned()));
            }
            true
        }
        Some(arg) => arg.oid() == Some(DATABASE),
        None => false,
    };
    let privileges = privileges(args.get(1), &["CREATE", "CONNECT", "TEMPORARY", "TEMP"])?;
    Ok(there
        .then(|| role.superuser || privileges.iter().any(|p| p.name == "CONNECT" && !p.option))
        .into())
}

fn function(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let model = context.model();
    let oid = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => {
            if !name.contains('(') {
                return Err(CatalogError::InvalidText("regprocedure"));
            }
            let oid = context.function_oid(name);
            Some(oid.ok_or_else(|| CatalogError::UndefinedFunction((*name).to_owned()))?)
        }
        Some(arg) => arg.oid(),
        None => None,
    };
    let privileges = privileges(args.get(1), &["EXECUTE"])?;
    let Some(oid) = oid else {
        return Ok(Value::Null);
    };
    let subject = model.subject(&role);
    let own = model.functions.iter().find(|function| function.oid == oid);
    if own.is_none() && statics::proc_name(oid).is_none() {
        return Ok(Value::Null);
    }
    let grants = own.and_then(|function| function.grants.clone());
    let grants = grants.unwrap_or_else(everybodys);
    Ok(Value::Bool(privileges.iter().any(|asked| {
        asked.of(&subject, FUNCTIONS_OWNER, &grants, None, Privilege::Execute) == Verdict::Everything
    })))
}

/// What everybody has of something, and superusers may pass on.
fn everybodys_own(role: &Role, privileges: &[Asked]) -> bool {
    role.superuser || privileges.iter().any(|asked| !asked.option)
}

fn data_type(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let there = match args.first() {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => {
            let oid = context.type_oid(name);
            oid.ok_or_else(|| CatalogError::UndefinedObject("type", (*name).to_owned()))?;
            true
        }
        Some(arg) => arg.oid().is_some_and(|oid| context.type_name(oid, -1).is_some()),
        None => false,
    };
    let privileges = privileges(args.get(1), &["USAGE"])?;
    Ok(there.then(|| everybodys_own(&role, &privileges)).into())
}

/// Whether what a first argument names is one of a kind's that every PostgreSQL has.
fn is_there(
    kind: &'static str,
    mut all: impl Iterator<Item = (u32, Cow<'static, str>)>,
    arg: Option<&Arg<'_>>,
) -> Result<bool, CatalogError> {
    match arg {
        Some(Arg::Text(name)) if name.parse::<u32>().is_err() => match all.any(|(_, known)| known == *name) {
            true => Ok(true),
            false => Err(CatalogError::UndefinedObject(kind, (*name).to_owned())),
        },
        Some(arg) => Ok(arg.oid().is_some_and(|wanted| all.any(|(oid, _)| oid == wanted))),
        None => Ok(false),
    }
}

fn language(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let there = is_there("language", statics::named("pg_language", "lanname"), args.first())?;
    let privileges = privileges(args.get(1), &["USAGE"])?;
    Ok(there.then(|| everybodys_own(&role, &privileges)).into())
}

fn tablespace(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let all = statics::named("pg_tablespace", "spcname");
    let there = is_there("tablespace", all, args.first())?;
    let _ = privileges(args.get(1), &["CREATE"])?;
    Ok(there.then_some(role.superuser).into())
}

/// Of what a lake has none.
fn none_there(context: &Context, args: &[Arg<'_>], kind: &'static str) -> Outcome {
    let (_, args) = asked(context, args, 3)?;
    is_there(kind, std::iter::empty(), args.first())?;
    let _ = privileges(args.get(1), &["USAGE"])?;
    Ok(Value::Null)
}

/// A setting that is not there is one that nobody was given a right to.
fn parameter(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let _ = privileges(args.get(1), &["SET", "ALTER SYSTEM"])?;
    Ok(Value::Bool(role.superuser))
}

fn has_role(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = match args {
        // PUBLIC is nobody's name here.
        [first, rest @ ..] if args.len() == 3 => (known_role(context, *first)?, rest),
        _ => asked(context, args, 3)?,
    };
    let model = context.model();
    let Some(other) = args.first() else {
        return Ok(Value::Null);
    };
    let other = known_role(context, *other)?;
    let wanted = listed(args.get(1), &["MEMBER", "USAGE"], &[GRANT_OPTION, ADMIN_OPTION])?;
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
    Ok(Value::Bool(
        role.superuser || wanted.iter().any(|asked| has(asked, &other)),
    ))
}
