//! The relations of `pg_catalog` that show the lake's objects, one file each. Relations without a file are either PostgreSQL's
//! own static rows (`statics.rs`) or empty, because the lake has no such objects.

pub(crate) mod pg_attrdef;
mod pg_attribute;
mod pg_class;
mod pg_constraint;
pub(crate) mod pg_cursors;
mod pg_database;
mod pg_default_acl;
mod pg_depend;
mod pg_description;
mod pg_enum;
mod pg_index;
pub(crate) mod pg_locks;
mod pg_namespace;
mod pg_policy;
mod pg_proc;
mod pg_rewrite;
mod pg_roles;
mod pg_seclabels;
pub(crate) mod pg_sequence;
pub(crate) mod pg_settings;
pub(crate) mod pg_stat_activity;
mod pg_stat_user_tables;
mod pg_tables;
mod pg_timezone_names;
mod pg_type;
mod pg_views;

use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use datafusion::sql::sqlparser::ast;

use super::declared::Declared;
use super::model::Model;
use super::{rows::Rows, statics};

type Builder = fn(&'static Declared, &Model) -> Result<RecordBatch, ArrowError>;

/// Relations made from the epoch's objects.
const BUILDERS: &[(&str, Builder)] = &[
    ("pg_attrdef", pg_attrdef::rows),
    ("pg_attribute", pg_attribute::rows),
    ("pg_auth_members", pg_roles::memberships),
    ("pg_authid", pg_roles::rows),
    ("pg_class", pg_class::rows),
    ("pg_constraint", pg_constraint::rows),
    ("pg_database", pg_database::rows),
    ("pg_default_acl", pg_default_acl::rows),
    ("pg_depend", pg_depend::rows),
    ("pg_description", pg_description::rows),
    ("pg_enum", pg_enum::rows),
    ("pg_group", pg_roles::rows),
    ("pg_index", pg_index::rows),
    ("pg_indexes", pg_index::by_name),
    ("pg_matviews", pg_views::materialized),
    ("pg_namespace", pg_namespace::rows),
    ("pg_policies", pg_policy::by_name),
    ("pg_policy", pg_policy::rows),
    ("pg_proc", pg_proc::rows),
    ("pg_rewrite", pg_rewrite::rows),
    ("pg_roles", pg_roles::rows),
    ("pg_seclabel", pg_seclabels::rows),
    ("pg_seclabels", pg_seclabels::by_name),
    ("pg_sequence", pg_sequence::rows),
    ("pg_shadow", pg_roles::rows),
    ("pg_shdescription", pg_description::rows),
    ("pg_stat_all_tables", pg_stat_user_tables::rows),
    ("pg_stat_sys_tables", pg_stat_user_tables::rows),
    ("pg_stat_user_tables", pg_stat_user_tables::rows),
    ("pg_tables", pg_tables::rows),
    ("pg_timezone_names", pg_timezone_names::rows),
    ("pg_type", pg_type::rows),
    ("pg_user", pg_roles::rows),
    ("pg_views", pg_views::rows),
];

/// Relations made from the session (`schema.rs`).
const OF_SESSION: [&str; 6] = [
    "pg_cursors",
    "pg_locks",
    "pg_sequences",
    "pg_settings",
    "pg_stat_activity",
    "pg_stat_gssapi",
];

fn builder(name: &str) -> Option<Builder> {
    BUILDERS.iter().find(|(n, _)| *n == name).map(|(_, build)| *build)
}

/// Whether a query that holds a construct which cannot be planned sees the keys and indexes of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// As they are.
    Shown,
    /// As if there were none: what is left to a query that cannot be planned otherwise.
    Hidden,
}

/// Relations with rows that pgcli also asks about in a way that cannot be planned ([`takes_keys_apart`]): such a query, and no other,
/// gets the answer of a lake without keys.
const SHOWN_PLAINLY: [&str; 3] = ["pg_constraint", "pg_index", "pg_indexes"];

/// Whether a query names one of them, and takes arrays of an outer query apart in a select that has no FROM:
/// `(SELECT unnest(conkey) AS attnum, generate_subscripts(conkey, 1) AS i)`.
pub(crate) fn takes_keys_apart(query: &ast::Statement) -> bool {
    struct Apart;
    impl ast::Visitor for Apart {
        type Break = ();

        fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
            let unnests = |item: &ast::SelectItem| match item {
                ast::SelectItem::UnnamedExpr(expr) | ast::SelectItem::ExprWithAlias { expr, .. } => {
                    unnests_column(expr)
                }
                _ => false,
            };
            match select.from.is_empty() && select.projection.iter().any(unnests) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }
    names_keys(query) && ast::Visit::visit(query, &mut Apart).is_break()
}

fn unnests_column(expr: &ast::Expr) -> bool {
    let ast::Expr::Function(function) = expr else {
        return false;
    };
    let name = function.name.0.last().and_then(|part| part.as_ident());
    let ast::FunctionArguments::List(list) = &function.args else {
        return false;
    };
    name.is_some_and(|name| name.value.eq_ignore_ascii_case("unnest"))
        && matches!(
            list.args.as_slice(),
            [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(
                ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)
            ))]
        )
}

fn names_keys(query: &ast::Statement) -> bool {
    ast::visit_relations(query, |name| {
        let last = name.0.last().and_then(|part| part.as_ident());
        match last.is_some_and(|last| SHOWN_PLAINLY.contains(&last.value.to_lowercase().as_str())) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .is_break()
}

/// Whether a relation of `pg_catalog` has no rows in any lake, or is taken for that in queries that cannot be planned.
pub(crate) fn never_has_rows(declared: &Declared, keys: Keys) -> bool {
    if SHOWN_PLAINLY.contains(&declared.name) {
        return keys == Keys::Hidden;
    }
    builder(declared.name).is_none() && !OF_SESSION.contains(&declared.name) && !statics::has(declared.name)
}

/// The rows of a relation of `pg_catalog` that depends on the epoch alone.
///
/// # Errors
/// An Arrow error if rows do not fit the declaration, which would be a defect.
pub(crate) fn rows(declared: &'static Declared, model: &Model) -> Result<RecordBatch, ArrowError> {
    match builder(declared.name) {
        Some(build) => build(declared, model),
        None => {
            statics::rows(declared, model.owner).unwrap_or_else(|| Rows::<()>::new(declared, &[]).finish())
        }
    }
}
