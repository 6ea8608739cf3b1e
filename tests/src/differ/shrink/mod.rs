//! From a statement that differs to the smallest that still does.

mod case;
mod expr;
mod query;
mod statement;

pub use case::{Case, shrink};
