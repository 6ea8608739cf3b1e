//! The functions of `pg_catalog` that look at the catalog or the session, one family per file.
//!
//! Each is a line of a table: name, how many arguments, result type and a body that maps one row's arguments to a value. They
//! run over catalog rows, thousands at most, so a value at a time is fast enough and keeps every body to what it means.

mod acl_rows;
pub(crate) mod array_bounds;
pub(crate) mod array_or_empty;
mod comments;
mod definitions;
mod exchange;
pub(crate) mod expand_array;
pub(crate) mod in_array;
mod kernel;
pub(crate) mod only_value;
pub(crate) mod pg_typeof;
mod privileges;
mod quoting;
mod reg;
pub(crate) mod sequences;
mod session;
mod sizes;
mod type_names;
pub(crate) mod values_of;
mod visibility;

use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

pub(crate) use kernel::{Arg, Outcome, Spec};
pub(crate) use quoting::literal as quote_literal;
pub use session::POSTGRESQL_VERSION;

use super::context::Context;
use super::error::CatalogError;

/// The families of functions.
const FAMILIES: [&[Spec]; 11] = [
    comments::FUNCTIONS,
    definitions::FUNCTIONS,
    exchange::FUNCTIONS,
    privileges::FUNCTIONS,
    quoting::FUNCTIONS,
    reg::FUNCTIONS,
    sequences::FUNCTIONS,
    session::FUNCTIONS,
    sizes::FUNCTIONS,
    type_names::FUNCTIONS,
    visibility::FUNCTIONS,
];

/// All catalog functions for one session at one epoch.
pub(crate) fn all(context: &Arc<Context>) -> Vec<ScalarUDF> {
    FAMILIES
        .into_iter()
        .flatten()
        .map(|spec| kernel::function(spec, context))
        .chain(exchange::waiting(context))
        .chain(std::iter::once(acl_rows::acl_rows(context)))
        .collect()
}

/// The relation that the first argument means, by OID or name; `None` for NULL and for an OID of none.
fn relation<'c>(
    context: &'c Context,
    args: &[Arg<'_>],
) -> Result<Option<&'c super::model::Relation>, CatalogError> {
    let arg = args.first().copied().unwrap_or(Arg::Null);
    match (arg.oid(), arg.text()) {
        (Some(oid), _) => Ok(context.model().relation(oid)),
        (None, Some(name)) => match context.relation(name) {
            Some(relation) => Ok(Some(relation)),
            None => Err(CatalogError::UndefinedTable(name.to_owned())),
        },
        _ => Ok(None),
    }
}

/// Result type of a catalog function, by its name in `pg_type`.
pub(crate) fn returns(name: &str) -> Option<&'static str> {
    FAMILIES
        .into_iter()
        .flatten()
        .find(|spec| spec.name == name)
        .map(|spec| spec.returns)
}
