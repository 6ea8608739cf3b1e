//! The decision: pure, so that every case can be tested without a table.

use std::collections::BTreeSet;

use radlake_catalogs::{Grant, Relation, SchemaObject, SequenceObject, TableObject, ViewObject};

use super::Subject;

/// Rights to a relation or a schema, in PostgreSQL's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
    Truncate,
    /// To make foreign keys to it.
    References,
    /// Nobody needs it: there are no triggers.
    Trigger,
    Usage,
    Create,
    Execute,
    /// To read, in earlier epochs, rows that are gone since: `radlake.history`.
    History,
}

impl Privilege {
    /// The right of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [
            Self::Select,
            Self::Insert,
            Self::Update,
            Self::Delete,
            Self::Truncate,
            Self::References,
            Self::Trigger,
            Self::Usage,
            Self::Create,
            Self::Execute,
            Self::History,
        ]
        .into_iter()
        .find(|privilege| privilege.name().eq_ignore_ascii_case(name))
    }

    /// The letter that it has in PostgreSQL's `aclitem`.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Select => 'r',
            Self::Insert => 'a',
            Self::Update => 'w',
            Self::Delete => 'd',
            Self::Truncate => 'D',
            Self::References => 'x',
            Self::Trigger => 't',
            Self::Usage => 'U',
            Self::Create => 'C',
            Self::Execute => 'X',
            // PostgreSQL has none like it.
            Self::History => 'H',
        }
    }

    /// As it is kept and shown.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::References => "REFERENCES",
            Self::Trigger => "TRIGGER",
            Self::Usage => "USAGE",
            Self::Create => "CREATE",
            Self::Execute => "EXECUTE",
            Self::History => "radlake.history",
        }
    }
}

/// For what of an object a subject has a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every column.
    Everything,
    /// These columns.
    Columns(BTreeSet<String>),
    /// Nothing, not even to learn that a row exists.
    Nothing,
}

impl Verdict {
    /// True if it covers the columns. Without any, one that it covers is enough, as for `count(*)` in PostgreSQL.
    pub(crate) fn covers<'c>(&self, columns: impl IntoIterator<Item = &'c str>) -> bool {
        match self {
            Self::Everything => true,
            Self::Columns(covered) => columns.into_iter().all(|column| covered.contains(column)),
            Self::Nothing => false,
        }
    }
}

/// What stands with an object about who may do what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights<'o> {
    owner: u32,
    grants: &'o [Grant],
    /// What everybody has without a grant.
    everybody: Option<Privilege>,
}

/// The schema of what the lake tells about itself.
const SYSTEM: &str = "system";
/// The schema that everybody may use.
const PUBLIC: &str = "public";
/// Relations of it that everybody may read: they tell nothing of anybody.
const OPEN: &[&str] = &["functions"];

impl<'o> Rights<'o> {
    /// Of an object with this owner and these grants.
    pub(crate) fn new(owner: u32, grants: &'o [Grant], everybody: Option<Privilege>) -> Self {
        Self {
            owner,
            grants,
            everybody,
        }
    }

    pub(crate) fn of_table(table: &'o TableObject) -> Self {
        Self {
            owner: table.owner,
            grants: &table.grants,
            everybody: None,
        }
    }

    pub(crate) fn of_view(view: &'o ViewObject) -> Self {
        let open = view.schema == SYSTEM && OPEN.contains(&view.name.as_str());
        Self {
            owner: view.owner,
            grants: &view.grants,
            everybody: open.then_some(Privilege::Select),
        }
    }

    pub(crate) fn of_sequence(sequence: &'o SequenceObject) -> Self {
        Self::new(sequence.owner, &sequence.grants, None)
    }

    pub(crate) fn of_relation(relation: &'o Relation) -> Self {
        match relation {
            Relation::Table(table) => Self::of_table(table),
            Relation::View(view) => Self::of_view(view),
            Relation::Sequence(sequence) => Self::of_sequence(sequence),
        }
    }

    /// As in PostgreSQL everybody may use `public`, until that is revoked; `system` too, of whose relations most stay closed.
    pub(crate) fn of_schema(schema: &'o SchemaObject) -> Self {
        let open =
            [SYSTEM, "pg_catalog", "information_schema"].contains(&schema.name.as_str()) || is_public(schema);
        Self {
            owner: schema.owner,
            grants: &schema.grants,
            everybody: open.then_some(Privilege::Usage),
        }
    }
}

impl Rights<'_> {
    /// Whether the owner has revoked a right from himself.
    pub(crate) fn owner_lacks(&self, privilege: Privilege) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.grantee == self.owner && lack(grant) == Some(privilege.name()))
    }
}

/// What a grant that stands for a right which the owner has revoked from himself takes.
pub(crate) fn lack(grant: &Grant) -> Option<&str> {
    grant.privilege.strip_prefix(LACK)
}

/// Before the name of a right that the owner has revoked from himself.
const LACK: &str = "-";

/// Has an owner lack a right that he has revoked from himself: he may go on to give it, and give it to himself again.
pub(crate) fn take_from_owner(grants: &mut Vec<Grant>, owner: u32, privilege: Privilege) {
    let lacked = Grant {
        grantee: owner,
        grantor: owner,
        privilege: format!("{LACK}{}", privilege.name()),
        column: None,
        grantable: false,
    };
    if !grants.contains(&lacked) {
        grants.push(lacked);
    }
}

/// Whether it is `public` as it is made: everybody may use it without a grant.
fn is_public(schema: &SchemaObject) -> bool {
    schema.name == PUBLIC && !schema.settled
}

/// Has what everybody may do with a schema be a grant, so that it can be revoked.
pub(crate) fn settle(schema: &mut SchemaObject) {
    if is_public(schema) {
        schema.settled = true;
        schema.grants.push(Grant {
            grantee: 0,
            grantor: schema.owner,
            privilege: Privilege::Usage.name().to_owned(),
            column: None,
            grantable: false,
        });
    }
}

/// Decides. Whoever is not granted something has nothing.
pub(crate) fn decide(subject: &Subject, rights: Rights<'_>, privilege: Privilege) -> Verdict {
    let owns = subject.owns(rights.owner) && (subject.superuser || !rights.owner_lacks(privilege));
    if owns || rights.everybody == Some(privilege) {
        return Verdict::Everything;
    }
    let mut columns = BTreeSet::new();
    let granted = rights
        .grants
        .iter()
        .filter(|grant| grant.privilege == privilege.name() && subject.has_role(grant.grantee));
    for grant in granted {
        match &grant.column {
            None => return Verdict::Everything,
            Some(column) => {
                columns.insert(column.clone());
            }
        }
    }
    match columns.is_empty() {
        true => Verdict::Nothing,
        false => Verdict::Columns(columns),
    }
}
