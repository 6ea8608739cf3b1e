//! SQL text and statements. Executes nothing.
//!
//! [`parse`] turns a client's text into [`Statement`]s, each parsed once and put into one family: queries, writes,
//! governance, the session's own commands, and what is refused. Each family has a file that knows its details.
//! The views and cohort queries that ship with Radlake are embedded here: [`views`], [`cohorts`].

pub mod cohorts;
mod copy;
mod dialect;
mod error;
pub mod extend;
mod govern;
mod growth;
mod limits;
mod precedence;
pub mod query;
mod refused;
pub mod session;
mod split;
mod statement;
pub mod text;
mod versions;
pub mod views;
mod write;

pub use copy::{Copy, OptionValue};
pub use error::SyntaxError;
pub use sqlparser::ast;
pub use statement::{Kind, Statement, parse};
pub use versions::Version;
