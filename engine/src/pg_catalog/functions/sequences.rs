//! `nextval`, `currval`, `lastval`, `setval`, and which sequence a column counts by.

use std::sync::Arc;

use radlake_catalogs::{Position, SequenceObject, is_temporary_schema};

use super::kernel::Many;
use super::{Arg, Outcome, Spec};
use crate::pg_catalog::context::Context;
use crate::pg_catalog::error::CatalogError;
use crate::pg_catalog::model::Model;
use crate::pg_catalog::rows::Value;
use crate::policy::{Privilege, Rights, Subject, Verdict, decide};
use crate::sequences::Sequences;

/// The default of an identity column, with the OID of its sequence: who may write to the table may use it.
pub(crate) const IDENTITY_NEXTVAL: &str = "radlake_identity_nextval";

pub(super) const FUNCTIONS: &[Spec] = &[
    Spec::new("nextval", (1, 1), "int8", |c, a| first(nextval, c, a))
        .volatile()
        .many(nextval),
    Spec::new(IDENTITY_NEXTVAL, (1, 1), "int8", |c, a| {
        first(identity_nextval, c, a)
    })
    .volatile()
    .many(identity_nextval),
    Spec::new("currval", (1, 1), "int8", currval).volatile(),
    Spec::new("lastval", (0, 0), "int8", lastval).volatile(),
    Spec::new("setval", (2, 3), "int8", setval).volatile(),
    Spec::new("pg_get_serial_sequence", (2, 2), "text", serial_sequence),
    Spec::new("pg_sequence_last_value", (1, 1), "int8", pg_sequence_last_value).volatile(),
];

fn sequences(context: &Context) -> Result<&Arc<Sequences>, CatalogError> {
    let sequences = context.session.sequences();
    sequences.ok_or_else(|| CatalogError::Unsupported("sequences without a session".to_owned()))
}

/// The sequence that the first argument means, as its rights are today.
fn sequence(context: &Context, args: &[Arg<'_>]) -> Result<Arc<SequenceObject>, CatalogError> {
    let model = context.model();
    let found = match args.first().copied().unwrap_or(Arg::Null) {
        Arg::Int(number) => u32::try_from(number).ok(),
        _ => super::relation(context, args)?.map(|relation| relation.oid),
    };
    let Some(sequence) = found.and_then(|oid| model.sequences.get(&oid)) else {
        return Err(match found.and_then(|oid| model.relation(oid)) {
            Some(other) => CatalogError::WrongObject(format!("\"{}\" is not a sequence", other.name)),
            None => CatalogError::UndefinedTable(match args.first().and_then(|arg| arg.text()) {
                Some(name) => name.to_owned(),
                None => found.map_or_else(String::new, |oid| format!("with OID {oid}")),
            }),
        });
    };
    let published = sequences(context)?.published(sequence);
    Ok(published.unwrap_or_else(|| Arc::clone(sequence)))
}

fn subject(context: &Context) -> Result<Subject, CatalogError> {
    let (model, role) = (context.model(), context.session.current_role());
    let found = model.role_named(&role);
    let found = found.ok_or_else(|| CatalogError::UndefinedObject("role", role.clone()))?;
    Ok(model.subject(found))
}

/// Refuses who has none of the rights to a sequence.
fn check(context: &Context, sequence: &SequenceObject, privileges: &[Privilege]) -> Result<(), CatalogError> {
    let subject = subject(context)?;
    let may = |privilege: &Privilege| {
        decide(&subject, Rights::of_sequence(sequence), *privilege) != Verdict::Nothing
    };
    match privileges.iter().any(may) {
        true => Ok(()),
        false => Err(CatalogError::Denied("sequence", sequence.name.clone())),
    }
}

/// Refuses what moves a sequence where nothing may be written; a temporary one is the session's own.
fn check_writable(
    context: &Context,
    sequence: &SequenceObject,
    function: &'static str,
) -> Result<(), CatalogError> {
    let on = |name: &str| context.session.setting(name).is_some_and(|value| value == "on");
    let earlier = context
        .session
        .setting("radlake.epoch")
        .is_some_and(|epoch| epoch.parse::<u64>().is_ok());
    match (on("transaction_read_only") || earlier) && !is_temporary_schema(&sequence.schema) {
        true => Err(CatalogError::ReadOnly(function)),
        false => Ok(()),
    }
}

/// A number for one row.
fn first(many: Many, context: &Context, args: &[Arg<'_>]) -> Outcome {
    let argument = args.first().copied().unwrap_or(Arg::Null);
    Ok(many(context, argument, 1)?.first().copied().into())
}

fn nextval(context: &Context, argument: Arg<'_>, rows: usize) -> Result<Vec<i64>, CatalogError> {
    let sequence = sequence(context, &[argument])?;
    check(context, &sequence, &[Privilege::Usage, Privilege::Update])?;
    check_writable(context, &sequence, "nextval()")?;
    sequences(context)?.next(&sequence, rows)
}

fn identity_nextval(context: &Context, argument: Arg<'_>, rows: usize) -> Result<Vec<i64>, CatalogError> {
    let sequence = sequence(context, &[argument])?;
    let owned = sequence.owned_by.as_ref().filter(|owned| owned.identity);
    let table = owned.and_then(|owned| context.model().relation(owned.table));
    let subject = subject(context)?;
    let may = |privilege| {
        table.is_some_and(|table| {
            let rights = Rights::new(table.owner, &table.grants, None);
            decide(&subject, rights, privilege) != Verdict::Nothing
        })
    };
    if !may(Privilege::Insert) && !may(Privilege::Update) {
        check(context, &sequence, &[Privilege::Usage, Privilege::Update])?;
    }
    check_writable(context, &sequence, "nextval()")?;
    sequences(context)?.next(&sequence, rows)
}

fn currval(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let sequence = sequence(context, args)?;
    check(context, &sequence, &[Privilege::Usage, Privilege::Select])?;
    match sequences(context)?.current(sequence.oid) {
        Some(number) => Ok(number.into()),
        None => Err(CatalogError::PrerequisiteState(format!(
            "currval of sequence \"{}\" is not yet defined in this session",
            sequence.name
        ))),
    }
}

fn lastval(context: &Context, _: &[Arg<'_>]) -> Outcome {
    let latest = sequences(context)?.latest();
    // What was dropped since is none any more, as in PostgreSQL.
    let known = latest.and_then(|(oid, number)| Some((context.model().sequences.get(&oid)?, number)));
    let Some((sequence, number)) = known else {
        return Err(CatalogError::PrerequisiteState(
            "lastval is not yet defined in this session".to_owned(),
        ));
    };
    check(context, sequence, &[Privilege::Usage, Privilege::Select])?;
    Ok(number.into())
}

fn setval(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let sequence = sequence(context, args)?;
    check(context, &sequence, &[Privilege::Update])?;
    check_writable(context, &sequence, "setval()")?;
    let Some(last) = args.get(1).and_then(|arg| arg.int()) else {
        return Err(CatalogError::InvalidParameter("setval takes a bigint".to_owned()));
    };
    let called = args.get(2).and_then(|arg| arg.bool()).unwrap_or(true);
    sequences(context)?.set(&sequence, Position { last, called })?;
    Ok(last.into())
}

fn pg_sequence_last_value(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let sequence = sequence(context, args)?;
    check(context, &sequence, &[Privilege::Usage, Privilege::Select])?;
    Ok(sequences(context)?.last(&sequence)?.into())
}

/// The last number given; nothing without a right to it, or where the storage does not tell.
pub(crate) fn last_value(context: &Context, sequence: &Arc<SequenceObject>) -> Option<i64> {
    let sequences = sequences(context).ok()?;
    let today = sequences.published(sequence);
    check(
        context,
        today.as_deref().unwrap_or(sequence),
        &[Privilege::Usage, Privilege::Select],
    )
    .ok()?;
    sequences.last(sequence).ok()?
}

/// The sequence that goes with a column, by its qualified name.
fn serial_sequence(context: &Context, args: &[Arg<'_>]) -> Outcome {
    let Some(table) = super::relation(context, args)? else {
        return Ok(Value::Null);
    };
    let column = args.get(1).and_then(|arg| arg.text()).unwrap_or_default();
    if table.schema.field_with_name(column).is_err() {
        return Err(CatalogError::UndefinedColumn {
            column: column.to_owned(),
            relation: table.name.clone(),
        });
    }
    Ok(owned_by(context.model(), table.oid, column)
        .map(|sequence| crate::pg_catalog::names::qualified(&sequence.schema, &sequence.name))
        .into())
}

/// The sequence that goes with a column.
pub(crate) fn owned_by<'m>(model: &'m Model, table: u32, column: &str) -> Option<&'m Arc<SequenceObject>> {
    model.sequences.values().find(|sequence| {
        let owned = sequence.owned_by.as_ref();
        owned.is_some_and(|owned| owned.table == table && owned.column == column)
    })
}
