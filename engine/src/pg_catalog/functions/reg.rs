//! Names to OIDs and back: what casts to and from `regclass`, `regtype`, `regproc`, `regnamespace`, `regrole` become
//! (`rewrite.rs`), and the `to_reg*` functions.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::rows::Value;
use crate::pg_catalog::{names, statics};

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("regclassin", (1, 1), "regclass", |c, a| {
        input(
            a,
            |n| relation(c, n),
            |n| CatalogError::UndefinedTable(n.to_owned()),
        )
    }),
    Spec::new("regtypein", (1, 1), "regtype", |c, a| {
        input(
            a,
            |n| c.type_oid(n),
            |n| CatalogError::UndefinedObject("type", n.to_owned()),
        )
    }),
    Spec::new("regprocin", (1, 1), "regproc", |c, a| {
        input(
            a,
            |n| c.function_oid(n),
            |n| CatalogError::UndefinedFunction(n.to_owned()),
        )
    }),
    Spec::new("regnamespacein", (1, 1), "regnamespace", |c, a| {
        input(
            a,
            |n| namespace(c, n),
            |n| CatalogError::UndefinedSchema(n.to_owned()),
        )
    }),
    Spec::new("regrolein", (1, 1), "regrole", |c, a| {
        input(
            a,
            |n| role(c, n),
            |n| CatalogError::UndefinedObject("role", n.to_owned()),
        )
    }),
    Spec::new("to_regclass", (1, 1), "regclass", |c, a| {
        lookup(a, |n| relation(c, n))
    }),
    Spec::new("to_regtype", (1, 1), "regtype", |c, a| {
        lookup(a, |n| c.type_oid(n))
    }),
    Spec::new("to_regproc", (1, 1), "regproc", |c, a| {
        lookup(a, |n| c.function_oid(n))
    }),
    Spec::new("to_regprocedure", (1, 1), "regprocedure", |c, a| {
        lookup(a, |n| c.function_oid(n))
    }),
    Spec::new("to_regnamespace", (1, 1), "regnamespace", |c, a| {
        lookup(a, |n| namespace(c, n))
    }),
    Spec::new("to_regrole", (1, 1), "regrole", |c, a| lookup(a, |n| role(c, n))),
    Spec::new("regclassout", (1, 1), "text", |c, a| {
        output(a, |o| c.model().relation(o).map(|r| c.relation_name(r)))
    }),
    Spec::new("regtypeout", (1, 1), "text", |c, a| {
        output(a, |o| c.type_name(o, -1))
    }),
    Spec::new("regprocout", (1, 1), "text", |c, a| output(a, |o| function(c, o))),
    Spec::new("regnamespaceout", (1, 1), "text", |c, a| {
        output(a, |o| c.model().namespace(o).map(|n| names::quote(&n.name)))
    }),
    Spec::new("regroleout", (1, 1), "text", |c, a| {
        output(a, |o| c.model().role(o).map(|r| names::quote(&r.name)))
    }),
    Spec::new("regclassin_array", (1, 1), "_oid", |c, a| {
        numbers(c, a, "regclassin")
    }),
    Spec::new("regclassout_array", (1, 1), "_text", |c, a| {
        shown(c, a, "regclassout")
    }),
    Spec::new("regtypein_array", (1, 1), "_oid", |c, a| {
        numbers(c, a, "regtypein")
    }),
    Spec::new("regtypeout_array", (1, 1), "_text", |c, a| {
        shown(c, a, "regtypeout")
    }),
    Spec::new("regprocin_array", (1, 1), "_oid", |c, a| {
        numbers(c, a, "regprocin")
    }),
    Spec::new("regprocout_array", (1, 1), "_text", |c, a| {
        shown(c, a, "regprocout")
    }),
    Spec::new("regnamespacein_array", (1, 1), "_oid", |c, a| {
        numbers(c, a, "regnamespacein")
    }),
    Spec::new("regnamespaceout_array", (1, 1), "_text", |c, a| {
        shown(c, a, "regnamespaceout")
    }),
    Spec::new("regrolein_array", (1, 1), "_oid", |c, a| {
        numbers(c, a, "regrolein")
    }),
    Spec::new("regroleout_array", (1, 1), "_text", |c, a| {
        shown(c, a, "regroleout")
    }),
];

/// What a function of this table gives for each line of a text.
fn each(context: &Context, args: &[Arg<'_>], name: &str) -> Result<Vec<Value<'static>>, CatalogError> {
    let text = args.first().and_then(|arg| arg.text()).unwrap_or_default();
    let Some(spec) = FUNCTIONS.iter().find(|spec| spec.name == name) else {
        return Ok(Vec::new());
    };
    text.lines()
        .map(|line| match line.parse::<i64>() {
            Ok(oid) => (spec.body)(context, &[Arg::Int(oid)]),
            Err(_) => (spec.body)(context, &[Arg::Text(line)]),
        })
        .collect()
}

/// The OIDs of an array of names, line by line.
fn numbers(context: &Context, args: &[Arg<'_>], name: &str) -> Outcome {
    let values = each(context, args, name)?;
    let number = |value| match value {
        Value::Int(oid) => oid,
        _ => 0,
    };
    Ok(Value::Ints(values.into_iter().map(number).collect()))
}

/// The names of an array of OIDs, line by line.
fn shown(context: &Context, args: &[Arg<'_>], name: &str) -> Outcome {
    let values = each(context, args, name)?;
    let text = |value| match value {
        Value::Text(text) => text,
        _ => "-".into(),
    };
    Ok(Value::Texts(values.into_iter().map(text).collect()))
}

/// An OID stays; digits are an OID; "-" is 0; a name is looked up and must be there.
fn input(
    args: &[Arg<'_>],
    find: impl Fn(&str) -> Option<u32>,
    missing: impl Fn(&str) -> CatalogError,
) -> Outcome {
    match args.first() {
        Some(Arg::Int(oid)) => Ok(Value::Int(*oid)),
        Some(Arg::Text("-")) => Ok(Value::Int(0)),
        Some(Arg::Text(name)) => match name.parse::<u32>() {
            Ok(oid) => Ok(oid.into()),
            Err(_) => find(name).map(Value::from).ok_or_else(|| missing(name)),
        },
        _ => Ok(Value::Null),
    }
}

/// `to_reg*`: NULL for what is not there.
fn lookup(args: &[Arg<'_>], find: impl Fn(&str) -> Option<u32>) -> Outcome {
    input(args, &find, |name| CatalogError::UndefinedTable(name.to_owned())).or(Ok(Value::Null))
}

/// The name of an OID; the number itself if nothing has it; "-" for 0. A text has been a name all along.
fn output(args: &[Arg<'_>], name: impl Fn(u32) -> Option<String>) -> Outcome {
    match args.first() {
        Some(Arg::Text(t)) => Ok((*t).to_owned().into()),
        Some(Arg::Int(0)) => Ok("-".into()),
        Some(Arg::Int(oid)) => {
            let found = u32::try_from(*oid).ok().and_then(name);
            Ok(found.unwrap_or_else(|| oid.to_string()).into())
        }
        _ => Ok(Value::Null),
    }
}

fn relation(context: &Context, name: &str) -> Option<u32> {
    context.relation(name).map(|r| r.oid)
}

fn namespace(context: &Context, name: &str) -> Option<u32> {
    let parts = names::parse(name)?;
    let [name] = parts.as_slice() else { return None };
    context.model().namespace_named(name).map(|n| n.oid)
}

fn role(context: &Context, name: &str) -> Option<u32> {
    let parts = names::parse(name)?;
    let [name] = parts.as_slice() else { return None };
    context.model().role_named(name).map(|r| r.oid)
}

fn function(context: &Context, oid: u32) -> Option<String> {
    let ours = context
        .model()
        .functions
        .iter()
        .find(|f| f.oid == oid)
        .map(|f| names::quote(&f.name));
    // PostgreSQL puts the schema where the name alone would not lead back to the function.
    let postgresqls = || {
        statics::proc_name(oid).map(|name| {
            if statics::is_overloaded(name) {
                names::qualified("pg_catalog", name)
            } else {
                names::quote(name)
            }
        })
    };
    ours.or_else(postgresqls)
}
