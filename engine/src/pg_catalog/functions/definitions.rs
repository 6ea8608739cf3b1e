//! `pg_get_*`: definitions of objects as SQL.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::function::Function;
use crate::pg_catalog::names;
use crate::pg_catalog::rows::Value;
use radlake_catalogs::FunctionObject;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("pg_get_userbyid", (1, 1), "name", userbyid),
    Spec::new("pg_get_viewdef", (1, 2), "text", viewdef),
    Spec::new("pg_get_expr", (2, 3), "text", expr),
    Spec::new("pg_get_function_arguments", (1, 1), "text", |context, args| {
        function_arguments(context, args, true)
    }),
    Spec::new(
        "pg_get_function_identity_arguments",
        (1, 1),
        "text",
        |context, args| function_arguments(context, args, false),
    ),
    Spec::new("pg_get_function_result", (1, 1), "text", function_result),
    Spec::new("pg_get_functiondef", (1, 1), "text", functiondef),
    Spec::new("pg_get_constraintdef", (1, 2), "text", constraintdef),
    Spec::new("pg_get_indexdef", (1, 3), "text", indexdef),
    // The lake has no objects of these kinds, so PostgreSQL's answer for an OID that is none.
    Spec::new("pg_get_function_arg_default", (2, 2), "text", none),
    Spec::new("pg_get_function_sqlbody", (1, 1), "text", none),
    Spec::new("pg_get_partition_constraintdef", (1, 1), "text", none),
    Spec::new("pg_get_partkeydef", (1, 1), "text", none),
    Spec::new("pg_get_replica_identity_index", (1, 1), "oid", none),
    Spec::new("pg_get_ruledef", (1, 2), "text", none),
    Spec::new("pg_get_statisticsobjdef", (1, 1), "text", none),
    Spec::new("pg_get_statisticsobjdef_columns", (1, 1), "text", none),
    Spec::new("pg_get_triggerdef", (1, 2), "text", none),
    Spec::new("pg_relation_is_publishable", (1, 1), "bool", publishable),
    Spec::new("pg_relation_is_updatable", (2, 2), "int4", updatable),
    Spec::new("pg_column_is_updatable", (3, 3), "bool", column_updatable),
    Spec::new("pg_stat_get_numscans", (1, 1), "int8", zero),
    Spec::new("pg_index_column_has_property", (3, 3), "bool", none),
    Spec::new("pg_index_has_property", (2, 2), "bool", none),
];

fn oid(args: &[Arg<'_>]) -> Option<u32> {
    args.first().and_then(|a| a.oid())
}

fn none(_: &Context, _: &[Arg<'_>]) -> Outcome {
    Ok(Value::Null)
}

fn constraintdef(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let found = oid(args).and_then(|oid| context.model().constraints.iter().find(|c| c.oid == oid));
    Ok(found.map(|constraint| constraint.definition.clone()).into())
}

/// The whole index, or one of its columns.
fn indexdef(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let found = oid(args).and_then(|oid| context.model().indexes.iter().find(|i| i.oid == oid));
    let column = args.get(1).and_then(|a| a.int()).unwrap_or(0);
    let Some(index) = found else {
        return Ok(Value::Null);
    };
    match usize::try_from(column) {
        Ok(0) | Err(_) => Ok(index.definition.clone().into()),
        Ok(column) => Ok(index.texts.get(column - 1).cloned().into()),
    }
}

fn zero(_: &Context, _: &[Arg<'_>]) -> Outcome {
    Ok(Value::Int(0))
}

fn userbyid(context: &Context, args: &[Arg<'_>]) -> Outcome {
    Ok(oid(args).map(|oid| context.model().role_name(oid)).into())
}

/// By OID, or by name as the deprecated form takes it; NULL for what is no view.
fn viewdef(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = super::relation(context, args)?.filter(|relation| context.reads_whole(relation));
    let sql = relation.and_then(|r| r.sql.as_deref()).map(|sql| {
        let trimmed = sql.trim().trim_end_matches(';');
        format!(" {trimmed};")
    });
    Ok(sql.into())
}

/// Expressions are stored as text, so the text is the answer.
/// Expressions are kept as text; only the name of a sequence is as long as the session needs it.
fn expr(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let text = args.first().and_then(|a| a.text());
    let sequence = text
        .and_then(|text| text.strip_prefix("nextval('")?.strip_suffix("'::regclass)"))
        .and_then(|name| context.relation(&name.replace("''", "'")))
        .filter(|relation| relation.kind == "S");
    if let Some(relation) = sequence {
        let name = context.relation_name(relation).replace('\'', "''");
        return Ok(format!("nextval('{name}'::regclass)").into());
    }
    Ok(text.map(str::to_owned).into())
}

fn ours<'c>(context: &'c Context, args: &[Arg<'_>]) -> Option<&'c Function> {
    let oid = oid(args)?;
    context.model().functions.iter().find(|f| f.oid == oid)
}

/// What stands between the brackets behind a function's name.
fn arguments(context: &Context, function: &Function, defaults: bool) -> String {
    let default = |i: usize| {
        let default = function
            .made
            .as_ref()?
            .object
            .arguments
            .get(i)?
            .default
            .as_deref();
        default
            .filter(|_| defaults)
            .map(|default| format!(" DEFAULT {default}"))
    };
    let one = |(i, argument): (usize, &crate::pg_catalog::types::PgType)| {
        let type_name = context
            .type_name(argument.oid, argument.typmod)
            .unwrap_or_default();
        let default = default(i).unwrap_or_default();
        match function.argument_names.get(i) {
            Some(name) => format!("{} {type_name}{default}", names::quote(name)),
            None => format!("{type_name}{default}"),
        }
    };
    function
        .arguments
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

fn function_arguments(context: &Context, args: &[Arg<'_>], defaults: bool) -> Outcome {
    if let Some(function) = ours(context, args) {
        return Ok(arguments(context, function, defaults).into());
    }
    let types = oid(args).and_then(crate::pg_catalog::statics::proc_signature);
    let listed = types.map(|(_, arguments)| {
        let names = arguments
            .iter()
            .map(|t| context.type_name(*t, -1).unwrap_or_else(|| "???".to_owned()));
        names.collect::<Vec<_>>().join(", ")
    });
    Ok(listed.into())
}

fn function_result(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let result = match ours(context, args) {
        Some(function) => Some(function.result.oid),
        None => oid(args)
            .and_then(crate::pg_catalog::statics::proc_signature)
            .map(|(result, _)| result),
    };
    let made = ours(context, args).and_then(|function| function.made.as_ref());
    if let Some(made) = made {
        return Ok(returns(context, &made.object).into());
    }
    Ok(result.and_then(|r| context.type_name(r, -1)).into())
}

/// What stands behind RETURNS.
fn returns(context: &Context, function: &FunctionObject) -> String {
    let spelled = |text: &str| {
        let known = context.type_oid(text).and_then(|oid| context.type_name(oid, -1));
        known.unwrap_or_else(|| text.to_lowercase())
    };
    let columns = function.returns.columns.iter();
    let columns = columns.map(|(name, data_type)| format!("{} {}", names::quote(name), spelled(data_type)));
    match (function.returns.columns.is_empty(), function.returns.set) {
        (false, _) => format!("TABLE({})", columns.collect::<Vec<_>>().join(", ")),
        (true, true) => format!("SETOF {}", spelled(&function.returns.data_type)),
        (true, false) => spelled(&function.returns.data_type),
    }
}

fn functiondef(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let Some(function) = ours(context, args) else {
        return Ok(Value::Null);
    };
    if let Some(made) = &function.made {
        let volatility = match function.volatility {
            "i" => "\n IMMUTABLE",
            "s" => "\n STABLE",
            _ => "",
        };
        let strict = if made.object.strict { " STRICT" } else { "" };
        return Ok(format!(
            "CREATE OR REPLACE FUNCTION {}({})\n RETURNS {}\n LANGUAGE sql{volatility}{strict}\nAS $function${}$function$\n",
            names::qualified(&made.object.schema, &function.name),
            arguments(context, function, true),
            returns(context, &made.object),
            made.object.body,
        )
        .into());
    }
    let volatility = match function.volatility {
        "i" => " IMMUTABLE\n",
        "s" => " STABLE\n",
        _ => "",
    };
    let result = context.type_name(function.result.oid, -1).unwrap_or_default();
    Ok(format!(
        "CREATE OR REPLACE FUNCTION {}({})\n RETURNS {result}\n LANGUAGE internal\n{volatility}AS $function${}$function$\n",
        names::qualified("public", &function.name),
        arguments(context, function, true),
        function.name
    )
    .into())
}

fn publishable(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = oid(args).and_then(|oid| context.model().relation(oid));
    Ok(relation.map(|r| r.kind == "r" && !r.is_system()).into())
}

/// Bits of the commands a relation takes: INSERT 8, UPDATE 4, DELETE 16.
fn updatable(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = oid(args).and_then(|oid| context.model().relation(oid));
    Ok(Value::Int(
        if relation.is_some_and(|r| r.kind == "r" && !r.is_system()) {
            28
        } else {
            0
        },
    ))
}

fn column_updatable(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = oid(args).and_then(|oid| context.model().relation(oid));
    Ok(Value::Bool(
        relation.is_some_and(|r| r.kind == "r" && !r.is_system()),
    ))
}
