//! `pg_table_is_visible` and its relatives: is the object what its bare name means on this session's search path?

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::base_types;
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::PUBLIC;
use crate::pg_catalog::rows::Value;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("pg_table_is_visible", (1, 1), "bool", table),
    Spec::new("pg_type_is_visible", (1, 1), "bool", type_),
    Spec::new("pg_function_is_visible", (1, 1), "bool", function),
    // The lake has none of these itself: they are all in pg_catalog, which is always searched.
    Spec::new("pg_collation_is_visible", (1, 1), "bool", always),
    Spec::new("pg_conversion_is_visible", (1, 1), "bool", always),
    Spec::new("pg_opclass_is_visible", (1, 1), "bool", always),
    Spec::new("pg_operator_is_visible", (1, 1), "bool", always),
    Spec::new("pg_opfamily_is_visible", (1, 1), "bool", always),
    Spec::new("pg_statistics_obj_is_visible", (1, 1), "bool", always),
    Spec::new("pg_ts_config_is_visible", (1, 1), "bool", always),
    Spec::new("pg_ts_dict_is_visible", (1, 1), "bool", always),
    Spec::new("pg_ts_parser_is_visible", (1, 1), "bool", always),
    Spec::new("pg_ts_template_is_visible", (1, 1), "bool", always),
];

fn oid(args: &[Arg<'_>]) -> Option<u32> {
    args.first().and_then(|a| a.oid())
}

fn table(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let relation = oid(args).and_then(|oid| context.model().relation(oid));
    Ok(relation.map(|r| context.is_visible(r, &context.path())).into())
}

fn type_(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let Some(oid) = oid(args) else {
        return Ok(Value::Null);
    };
    let model = context.model();
    let namespace = match base_types::get(oid) {
        Some(base) => Some(base.namespace),
        None if model.own_type(oid).is_some() => model.own_type(oid).map(|(own, _)| own.namespace),
        None => model
            .relations
            .iter()
            .find(|r| r.row_type != 0 && (r.row_type == oid || r.row_type + 1 == oid))
            .map(|r| r.namespace),
    };
    Ok(namespace.map(|n| context.path().contains(&n)).into())
}

fn function(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let Some(oid) = oid(args) else {
        return Ok(Value::Null);
    };
    // Ours are called without a schema whatever the search path says, so they show whatever it says.
    let ours = context.model().functions.iter().find(|f| f.oid == oid);
    if let Some(made) = ours.and_then(|f| f.made.as_ref()) {
        return Ok(Value::Bool(context.path().contains(&made.namespace)));
    }
    let ours = ours.is_some();
    Ok(Value::Bool(ours || oid < PUBLIC.max(16_384)))
}

fn always(_: &Context, _: &[Arg<'_>]) -> Outcome {
    Ok(Value::Bool(true))
}
