//! `obj_description`, `col_description`, `shobj_description`: comments of objects.

use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::declared::{self, PG_CATALOG};
use crate::pg_catalog::rows::Value;
use crate::pg_catalog::statics;

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("obj_description", (1, 2), "text", obj_description),
    Spec::new("col_description", (2, 2), "text", col_description),
    Spec::new("shobj_description", (2, 2), "text", shobj_description),
];

fn obj_description(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let model = context.model();
    let Some(oid) = args.first().and_then(|a| a.oid()) else {
        return Ok(Value::Null);
    };
    let relation = || model.relation(oid).and_then(|r| r.comment.clone());
    let namespace = || model.namespace(oid).and_then(|n| n.comment.clone());
    let function = || {
        model
            .functions
            .iter()
            .find(|f| f.oid == oid)
            .and_then(|f| f.comment.clone())
    };
    let own_type = || model.own_types.get(&oid)?.object.comment.clone();
    let constraint = || {
        let found = model.constraints.iter().find(|c| c.oid == oid);
        found.and_then(|c| c.comment.clone())
    };
    let comment = match args.get(1).and_then(|a| a.text()) {
        Some("pg_constraint") => constraint(),
        Some("pg_class") => relation(),
        Some("pg_namespace") => namespace(),
        Some("pg_proc") => function(),
        Some("pg_type") => own_type().or_else(|| {
            let composite = model.composite(oid)?;
            model.relation(composite.relation)?.comment.clone()
        }),
        Some(_) => None,
        None => relation()
            .or_else(namespace)
            .or_else(function)
            .or_else(constraint)
            .or_else(own_type),
    };
    // PostgreSQL's own objects, by the OID of the catalog that the name means.
    let own = || {
        let class = declared::relation(PG_CATALOG, args.get(1).and_then(|a| a.text())?)?;
        statics::comment(oid, class.oid).map(str::to_owned)
    };
    Ok(comment.or_else(own).into())
}

fn col_description(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (Some(relation), Some(number)) = (
        args.first().and_then(|a| a.oid()),
        args.get(1).and_then(|a| a.int()),
    ) else {
        return Ok(Value::Null);
    };
    let index = usize::try_from(number - 1).ok();
    let field = index.and_then(|i| {
        context
            .model()
            .relation(relation)?
            .schema
            .fields()
            .get(i)
            .cloned()
    });
    Ok(field.and_then(|f| f.metadata().get("comment").cloned()).into())
}

fn shobj_description(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let (Some(oid), Some("pg_authid")) = (
        args.first().and_then(|a| a.oid()),
        args.get(1).and_then(|a| a.text()),
    ) else {
        return Ok(Value::Null);
    };
    Ok(context.model().role(oid).and_then(|r| r.comment.clone()).into())
}
