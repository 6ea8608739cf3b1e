//! Rights to functions: everybody may call one until somebody has revoked that.

use radlake_catalogs::{Grant, SchemaObject};

use super::{Privilege, Rights, Subject, Verdict, decide};

/// The schema that our functions are shown in, and that keeps who may call which.
pub(crate) const FUNCTIONS: &str = "public";
/// Functions are nobody's: what a superuser gives is given in the lake's name.
pub(crate) const OWNER: u32 = 0;

/// The rights to a function, if somebody has changed them.
pub(crate) fn function_grants<'s>(schema: &'s SchemaObject, function: &str) -> Option<&'s [Grant]> {
    schema.functions.get(function).map(Vec::as_slice)
}

/// The rights to a function whose rights nobody has changed.
pub(crate) fn everybodys() -> Vec<Grant> {
    vec![Grant {
        grantee: 0,
        grantor: OWNER,
        privilege: Privilege::Execute.name().to_owned(),
        column: None,
        grantable: false,
    }]
}

/// Whether a subject may call a function of these rights.
pub(crate) fn may_execute(subject: &Subject, grants: Option<&[Grant]>) -> bool {
    grants.is_none_or(|grants| {
        decide(subject, Rights::new(OWNER, grants, None), Privilege::Execute) == Verdict::Everything
    })
}
