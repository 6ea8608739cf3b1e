//! Which policies bind whom: pure, so that every case can be tested without a table.
//!
//! The semantics are PostgreSQL's (documentation of CREATE POLICY, "Policies Applied by Command Type"): a row is seen if one
//! permissive policy and every restrictive one let it through; without a permissive policy, none is.

use radlake_catalogs::{Policy, RowSecurity, TableObject};

use super::Subject;

/// What a statement does with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Select,
    Insert,
    Update,
    Delete,
}

impl Command {
    /// As a policy names it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// What a new row must satisfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowCheck {
    /// The restrictive policy that asks for it; `None` for the permissive ones together.
    pub(crate) policy: Option<String>,
    /// SQL over the table's columns; anything but true refuses the row.
    pub(crate) expression: String,
}

/// Whether policies bind a subject on a table: its owner only where they are forced, superusers and BYPASSRLS never.
pub(crate) fn binds(subject: &Subject, table: &TableObject) -> bool {
    binds_on(subject, table.owner, &table.row_security)
}

/// [`binds`] of what belongs to `owner`.
pub(crate) fn binds_on(subject: &Subject, owner: u32, security: &RowSecurity) -> bool {
    security.enabled && !subject.superuser && !subject.bypassrls && (security.forced || !subject.owns(owner))
}

/// The policies for a command and a subject: permissive ones, then restrictive ones by name.
pub(super) fn binding<'t>(
    subject: &Subject,
    table: &'t TableObject,
    command: Command,
) -> (Vec<&'t Policy>, Vec<&'t Policy>) {
    let bound = table.row_security.policies.iter().filter(|policy| {
        (policy.command == "ALL" || policy.command == command.name())
            && policy.roles.iter().any(|role| subject.has_role(*role))
    });
    let (permissive, mut restrictive): (Vec<_>, Vec<_>) = bound.partition(|policy| policy.permissive);
    restrictive.sort_by(|a, b| a.name.cmp(&b.name));
    (permissive, restrictive)
}

/// One of several conditions; without any, none can be met.
fn any<'p>(conditions: impl Iterator<Item = &'p str>) -> String {
    let all: Vec<String> = conditions.map(|condition| format!("({condition})")).collect();
    match all.is_empty() {
        true => "FALSE".to_owned(),
        false => all.join(" OR "),
    }
}

/// The condition on rows that a command reads; asked where policies bind.
pub(crate) fn using(subject: &Subject, table: &TableObject, command: Command) -> String {
    let (permissive, restrictive) = binding(subject, table, command);
    let mut all = vec![any(permissive
        .iter()
        .filter_map(|policy| policy.using.as_deref()))];
    all.extend(restrictive.iter().filter_map(|policy| policy.using.clone()));
    let all: Vec<String> = all.iter().map(|condition| format!("({condition})")).collect();
    all.join(" AND ")
}

/// What rows that a command writes must satisfy: WITH CHECK, or USING where a policy has none.
pub(crate) fn checks(subject: &Subject, table: &TableObject, command: Command) -> Vec<RowCheck> {
    let check = |policy: &&Policy| policy.check.clone().or_else(|| policy.using.clone());
    checked(subject, table, command, check)
}

/// USING of a command's policies, for rows that must be seen once they are written: by RETURNING, or by an UPDATE that reads.
pub(crate) fn seen(subject: &Subject, table: &TableObject, command: Command) -> Vec<RowCheck> {
    checked(subject, table, command, |policy| policy.using.clone())
}

fn checked(
    subject: &Subject,
    table: &TableObject,
    command: Command,
    condition: impl Fn(&&Policy) -> Option<String>,
) -> Vec<RowCheck> {
    let (permissive, restrictive) = binding(subject, table, command);
    let permissive: Vec<String> = permissive.iter().filter_map(&condition).collect();
    let mut checks = vec![RowCheck {
        policy: None,
        expression: any(permissive.iter().map(String::as_str)),
    }];
    checks.extend(restrictive.iter().filter_map(|policy| {
        Some(RowCheck {
            policy: Some(policy.name.clone()),
            expression: condition(policy)?,
        })
    }));
    checks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::datatypes::Schema;

    fn policy(name: &str, permissive: bool, command: &str, role: u32, using: &str) -> Policy {
        Policy {
            name: name.to_owned(),
            permissive,
            command: command.to_owned(),
            roles: vec![role],
            using: (!using.is_empty()).then(|| using.to_owned()),
            check: None,
            comment: None,
        }
    }

    fn table(policies: Vec<Policy>) -> TableObject {
        let mut table = TableObject::new("ward", "cases", Arc::new(Schema::empty())).with_owner(7);
        table.row_security = RowSecurity {
            enabled: true,
            policies,
            ..RowSecurity::default()
        };
        table
    }

    fn subject(roles: &[u32]) -> Subject {
        Subject::with_roles("r", 1, false, roles.iter().copied().collect())
    }

    #[test]
    fn owners_are_bound_where_policies_are_forced_and_superusers_never() {
        let mut table = table(Vec::new());
        assert!(binds(&subject(&[5]), &table));
        assert!(!binds(&subject(&[7]), &table));
        assert!(!binds(&Subject::lake(), &table));
        let mut bypass = subject(&[5]);
        bypass.bypassrls = true;
        assert!(!binds(&bypass, &table));
        table.row_security.forced = true;
        assert!(binds(&subject(&[7]), &table));
        assert!(!binds(&bypass, &table));
        table.row_security.enabled = false;
        assert!(!binds(&subject(&[5]), &table));
    }

    #[test]
    fn permissive_or_restrictive_and() {
        let table = table(vec![
            policy("a", true, "ALL", 0, "x"),
            policy("b", true, "SELECT", 5, "y"),
            policy("z", false, "SELECT", 5, "r1"),
            policy("c", false, "ALL", 0, "r0"),
            policy("d", true, "SELECT", 6, "other"),
        ]);
        assert_eq!(
            using(&subject(&[5]), &table, Command::Select),
            "((x) OR (y)) AND (r0) AND (r1)"
        );
        assert_eq!(using(&subject(&[9]), &table, Command::Delete), "((x)) AND (r0)");
        let checks = checks(&subject(&[5]), &table, Command::Insert);
        assert_eq!(checks.len(), 2);
        assert_eq!(
            (checks[0].policy.as_deref(), &*checks[0].expression),
            (None, "(x)")
        );
        assert_eq!(
            (checks[1].policy.as_deref(), &*checks[1].expression),
            (Some("c"), "r0")
        );
    }

    #[test]
    fn without_a_permissive_policy_there_are_no_rows() {
        let table = table(vec![
            policy("c", false, "ALL", 0, "r0"),
            policy("e", true, "ALL", 0, ""),
        ]);
        assert_eq!(using(&subject(&[5]), &table, Command::Select), "(FALSE) AND (r0)");
        let checks = checks(&subject(&[5]), &table, Command::Update);
        assert_eq!(checks[0].expression, "FALSE");
    }
}
