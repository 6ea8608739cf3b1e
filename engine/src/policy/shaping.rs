//! What shapes a query for who asks it, in a data steward's words: `EXPLAIN (POLICIES)`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use radlake_catalogs::{Epoch, TableObject, ViewObject};

use super::row_security::binding;
use super::{Command, Privilege, Rights, Subject, Verdict, binds, decide, mask_expression};

/// What was found while a query's names were resolved, in that order; each relation once for each role that reads it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shaping(Arc<Mutex<Vec<String>>>);

/// A table as a query reads it.
pub(crate) struct Reading<'r> {
    /// With whose rights.
    pub(crate) subject: &'r Subject,
    /// Whom its policies and masks bind.
    pub(crate) bound: &'r Subject,
    /// Its entry whose rights and policies hold.
    pub(crate) table: &'r TableObject,
    /// What is shown in place of columns, by their names.
    pub(crate) masks: Vec<(&'r str, &'r str)>,
    /// The epoch that is read, if it is an earlier one.
    pub(crate) epoch: Option<u64>,
    /// A policy's sub-query reads it.
    pub(crate) within_policy: bool,
}

impl Shaping {
    /// The text.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }

    fn add(&self, said: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains(&said) {
            all.push(said);
        }
    }

    /// Who asks.
    pub(crate) fn role(&self, subject: &Subject, roles: &Epoch) {
        let of = roles
            .roles()
            .filter(|role| role.oid != subject.oid && !subject.superuser && subject.has_role(role.oid));
        let of: Vec<&str> = of.map(|role| role.name.as_str()).collect();
        let mut said = format!("Role {}", subject.role);
        if !of.is_empty() {
            _ = write!(said, ", with the rights of {}", of.join(", "));
        }
        said += match (subject.superuser, subject.bypassrls, subject.masked) {
            (true, ..) => ": a superuser, whom nothing binds\n",
            (_, true, true) => ": BYPASSRLS, no policy binds it; sees masked columns by their masks\n",
            (_, true, false) => ": BYPASSRLS, no policy binds it\n",
            (_, _, true) => ": sees masked columns by their masks\n",
            _ => "\n",
        };
        self.add(said);
    }

    /// A view that a query reads.
    pub(crate) fn view(&self, view: &ViewObject, whose: &str) {
        self.add(format!("View {}: reads with {whose}\n", view.qualified_name()));
    }

    /// A table that a query reads.
    pub(crate) fn table(&self, reading: &Reading<'_>, roles: &Epoch) {
        let table = reading.table;
        let who = name(reading.subject);
        let mut said = format!("Table {}", table.qualified_name());
        if let Some(epoch) = reading.epoch {
            _ = write!(said, " as of epoch {epoch}, under today's rights");
        }
        if reading.within_policy {
            said += ", read by a policy";
        }
        said.push('\n');
        match decide(reading.subject, Rights::of_table(table), Privilege::Select) {
            Verdict::Everything => _ = writeln!(said, "  Columns: all, by the rights of {who}"),
            Verdict::Columns(columns) => {
                let columns: Vec<String> = columns.into_iter().collect();
                _ = writeln!(said, "  Columns: {}, by the rights of {who}", columns.join(", "));
            }
            Verdict::Nothing => _ = writeln!(said, "  Columns: none"),
        }
        rows(&mut said, reading.bound, table, roles);
        for (column, mask) in &reading.masks {
            let label = table.row_security.masks.get(*column);
            let why = match label.is_some_and(|label| mask_expression(label) == Some(*mask)) {
                true => "masked",
                false => "no right of its own",
            };
            _ = writeln!(said, "  Column {column}: shown as {mask} ({why})");
        }
        self.add(said);
    }
}

fn name(subject: &Subject) -> &str {
    match subject.role.as_str() {
        "" => "the lake",
        role => role,
    }
}

/// Which rows are seen, and why.
fn rows(said: &mut String, bound: &Subject, table: &TableObject, roles: &Epoch) {
    let security = &table.row_security;
    if !binds(bound, table) {
        let why = match (security.enabled, bound.superuser, bound.bypassrls) {
            (false, ..) if security.policies.is_empty() => "no policy is in force".to_owned(),
            (false, ..) => "policies are not enabled".to_owned(),
            (_, true, _) => format!("{} is a superuser", name(bound)),
            (_, _, true) => format!("{} has BYPASSRLS", name(bound)),
            _ => format!("{} owns the table, and policies are not forced", name(bound)),
        };
        _ = writeln!(said, "  Rows: all: {why}");
        return;
    }
    let (permissive, restrictive) = binding(bound, table, Command::Select);
    if permissive.is_empty() {
        _ = writeln!(said, "  Rows: none: no policy lets {} see any", name(bound));
        return;
    }
    let to = |oids: &[u32]| {
        let names = oids.iter().map(|oid| match oid {
            0 => "PUBLIC".to_owned(),
            oid => roles
                .roles()
                .find(|role| role.oid == *oid)
                .map_or_else(|| oid.to_string(), |role| role.name.clone()),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    for (kind, policies) in [
        ("that one of these lets through", permissive),
        ("and that each of these lets through", restrictive),
    ] {
        if policies.is_empty() {
            continue;
        }
        _ = writeln!(said, "  Rows: those {kind}");
        for policy in policies {
            let condition = policy.using.as_deref().unwrap_or("TRUE");
            _ = writeln!(
                said,
                "    policy {} (FOR {} TO {}): {condition}",
                policy.name,
                policy.command,
                to(&policy.roles)
            );
        }
    }
}
