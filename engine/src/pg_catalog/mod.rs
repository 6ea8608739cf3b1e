//! `pg_catalog` and `information_schema` of PostgreSQL 15, answered from the epoch alone: no table and no log is opened.

mod acl;
mod base_types;
mod context;
mod declared;
mod epoch_catalog;
mod error;
mod facts;
mod figures;
mod from_epoch;
mod function;
mod functions;
mod information_schema;
mod install;
mod keys;
mod keywords;
mod model;
mod names;
mod presets;
mod relations;
mod rewrite;
mod rows;
mod schema;
pub mod session;
mod statics;
#[cfg(test)]
mod tests;
mod type_planner;
pub mod types;

pub use epoch_catalog::EpochCatalog;
pub use error::CatalogError;
pub(crate) use function::{Function, own_functions};
pub use functions::POSTGRESQL_VERSION;
pub(crate) use functions::quote_literal;
pub(crate) use functions::sequences::IDENTITY_NEXTVAL;
pub use install::SystemCatalogs;
pub(crate) use names::{parse as parse_name, quote as quote_ident};
pub(crate) use presets::preset;
pub(crate) use relations::{Keys, shows_keys};
pub(crate) use rewrite::rewrite;
pub(crate) use rewrite::select_one;
pub use rewrite::{output_name, output_type, rewrite_view};
pub use session::{Activity, CursorShown, SessionView, Setting};
pub(crate) use statics::is_postgresqls;
pub use type_planner::PgTypePlanner;
pub(crate) use type_planner::type_name;
pub use types::{PgKind, PgType, arrow_type_of, pg_type_of};
