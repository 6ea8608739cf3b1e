//! `has_*_privilege`, `pg_has_role`, `row_security_active`: superusers may everything, owners everything with what they own,
//! everybody reads the system catalogs.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::model::{Relation, Role};
use crate::pg_catalog::rows::Value;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("has_table_privilege", (2, 3), "bool", table),
    Spec::new("has_any_column_privilege", (2, 3), "bool", table),
    Spec::new("has_column_privilege", (3, 4), "bool", column),
    Spec::new("has_schema_privilege", (2, 3), "bool", schema),
    Spec::new("has_database_privilege", (2, 3), "bool", database),
    Spec::new("has_function_privilege", (2, 3), "bool", everybody),
    Spec::new("has_type_privilege", (2, 3), "bool", everybody),
    Spec::new("has_language_privilege", (2, 3), "bool", everybody),
    Spec::new("has_sequence_privilege", (2, 3), "bool", superuser),
    Spec::new("has_tablespace_privilege", (2, 3), "bool", superuser),
    Spec::new("has_server_privilege", (2, 3), "bool", superuser),
    Spec::new("has_foreign_data_wrapper_privilege", (2, 3), "bool", superuser),
    Spec::new("has_parameter_privilege", (2, 3), "bool", superuser),
    Spec::new("pg_has_role", (2, 3), "bool", has_role),
    Spec::new("row_security_active", (1, 1), "bool", |_, _| {
        Ok(Value::Bool(false))
    }),
];

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

/// The privileges of a list such as "SELECT, INSERT WITH GRANT OPTION", each checked to be one of `known`.
fn privileges(arg: Option<&Arg<'_>>, known: &[&str]) -> Result<Vec<String>, CatalogError> {
    let text = arg.and_then(|a| a.text()).unwrap_or_default();
    text.split(',')
        .map(|privilege| {
            let upper = privilege.trim().to_ascii_uppercase();
            let bare = upper
                .strip_suffix("WITH GRANT OPTION")
                .unwrap_or(&upper)
                .trim()
                .to_owned();
            if known.contains(&bare.as_str()) {
                return Ok(bare);
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

fn on_relation(role: &Role, relation: &Relation, privileges: &[String]) -> bool {
    role.superuser
        || relation.owner == role.oid
        || (relation.is_system() && privileges.iter().any(|p| p == "SELECT"))
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
];

fn table(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), TABLE)?;
    Ok(relation(context, args.first())?
        .map(|r| on_relation(&role, r, &privileges))
        .into())
}

fn column(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 4)?;
    let privileges = privileges(args.get(2), &["SELECT", "INSERT", "UPDATE", "REFERENCES"])?;
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
            true
        }
        Some(Arg::Int(number)) => {
            usize::try_from(*number).is_ok_and(|n| (1..=relation.schema.fields().len()).contains(&n))
        }
        _ => false,
    };
    Ok(if known {
        Value::Bool(on_relation(&role, relation, &privileges))
    } else {
        Value::Null
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
    let usage = privileges.iter().any(|p| p == "USAGE");
    let allowed = namespace.map(|n| {
        let system = matches!(n.oid, PG_CATALOG | INFORMATION_SCHEMA) || n.name == "public";
        role.superuser || n.owner == role.oid || (system && usage)
    });
    Ok(allowed.into())
}

fn database(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (role, args) = asked(context, args, 3)?;
    let privileges = privileges(args.get(1), &["CREATE", "CONNECT", "TEMPORARY", "TEMP"])?;
    Ok(Value::Bool(
        role.superuser || privileges.iter().any(|p| p == "CONNECT"),
    ))
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
    Ok(other.map(|o| role.superuser || o.oid == role.oid).into())
}
