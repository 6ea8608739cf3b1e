//! Who sees what: the decision, and the wrapper that enforces it.

mod authority;
mod decide;
mod secured;
mod subject;
#[cfg(test)]
mod tests;

pub(crate) use authority::Authority;
pub(crate) use decide::{Privilege, Rights, Verdict, decide, settle};
pub(crate) use secured::SecuredTable;
pub(crate) use subject::{Subject, Via, closure, closure_by};
