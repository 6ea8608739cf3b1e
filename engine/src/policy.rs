//! Who sees what: the decision, and the wrapper that enforces it.

mod authority;
mod barrier;
mod decide;
mod executes;
mod infallible;
mod leakproof;
mod masks;
mod returned;
mod row_security;
mod secured;
mod shaping;
mod subject;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use authority::Authority;
pub(crate) use decide::{Privilege, Rights, Verdict, decide, lack, settle, take_from_owner};
pub(crate) use executes::{FUNCTIONS, OWNER as FUNCTIONS_OWNER, everybodys, function_grants, may_execute};
pub(crate) use infallible::{fallible, fallible_mask};
pub(crate) use masks::{LABEL, MASKED, expression as mask_expression, masks};
pub(crate) use returned::ReturnedRows;
pub(crate) use row_security::{Command, RowCheck, binds, binds_on, checks, seen, using};
pub(crate) use secured::{Below, SecuredTable};
pub(crate) use shaping::{Reading, Shaping};
pub(crate) use subject::{Subject, Via, closure, closure_by};
pub(crate) use view::SecuredView;
