//! Who sees what: the decision, and the wrapper that enforces it.

mod decide;
mod secured;

pub(crate) use decide::{Subject, Verdict, decide};
pub(crate) use secured::SecuredTable;
