//! Rights as PostgreSQL keeps them: one entry for whom something was given by whom, and its text, an `aclitem`.

use radlake_catalogs::Grant;

use super::model::Model;
use crate::policy::{Privilege, lack};

/// The letters of rights in the order in which an `aclitem` has them; behind them those that PostgreSQL has not.
const ORDER: &str = "arwdDxtXUCTc";

/// What an owner may do with a relation.
pub(crate) const ON_RELATION: &[Privilege] = &[
    Privilege::Insert,
    Privilege::Select,
    Privilege::Update,
    Privilege::Delete,
    Privilege::Truncate,
    Privilege::References,
    Privilege::Trigger,
];
/// What an owner may do with a sequence.
pub(crate) const ON_SEQUENCE: &[Privilege] = &[Privilege::Select, Privilege::Update, Privilege::Usage];
/// What an owner may do with a schema.
pub(crate) const ON_SCHEMA: &[Privilege] = &[Privilege::Usage, Privilege::Create];

/// What one role gave another.
#[derive(Debug)]
pub(crate) struct Entry {
    /// 0 is PUBLIC.
    pub(crate) grantee: u32,
    pub(crate) grantor: u32,
    /// Each right, and whether it may be passed on.
    pub(crate) rights: Vec<(Privilege, bool)>,
}

/// The entries of an object, the owner's first, which holds `owners` but for what he has revoked from himself. What he gave himself adds to it.
pub(crate) fn of_object(owner: u32, grants: &[Grant], owners: &[Privilege]) -> Vec<Entry> {
    let lacks = |privilege: Privilege| {
        grants.iter().any(|grant| {
            let lacked = lack(grant).and_then(Privilege::named);
            grant.grantee == owner && lacked == Some(privilege)
        })
    };
    let own = owners
        .iter()
        .filter(|privilege| !lacks(**privilege))
        .map(|privilege| (*privilege, false));
    let first = Entry {
        grantee: owner,
        grantor: owner,
        rights: own.collect(),
    };
    let mut entries = collect(vec![first], grants, None);
    entries.retain(|entry| !entry.rights.is_empty());
    entries
}

/// The entries of one column, or those of an object without the owner's.
pub(crate) fn given(grants: &[Grant], column: Option<&str>) -> Vec<Entry> {
    collect(Vec::new(), grants, column)
}

/// Adds grants to entries, each entry where its first grant is.
fn collect(mut entries: Vec<Entry>, grants: &[Grant], column: Option<&str>) -> Vec<Entry> {
    for grant in grants.iter().filter(|grant| grant.column.as_deref() == column) {
        let Some(privilege) = Privilege::named(&grant.privilege) else {
            continue;
        };
        let known = entries
            .iter_mut()
            .find(|entry| (entry.grantee, entry.grantor) == (grant.grantee, grant.grantor));
        let right = (privilege, grant.grantable);
        match known {
            None => entries.push(Entry {
                grantee: grant.grantee,
                grantor: grant.grantor,
                rights: vec![right],
            }),
            Some(entry) => match entry
                .rights
                .iter_mut()
                .find(|(privilege, _)| *privilege == right.0)
            {
                Some((_, grantable)) => *grantable |= right.1,
                None => entry.rights.push(right),
            },
        }
    }
    for entry in &mut entries {
        entry
            .rights
            .sort_by_key(|(privilege, _)| ORDER.find(privilege.letter()).unwrap_or(ORDER.len()));
    }
    entries
}

impl Model {
    /// Rights to an object as `aclitem[]`; `None` where only the owner has any, and all of them.
    pub(crate) fn acl(&self, owner: u32, grants: &[Grant], owners: &[Privilege]) -> Option<Vec<String>> {
        let whole = grants.iter().any(|grant| grant.column.is_none());
        whole.then(|| self.items(&of_object(owner, grants, owners)))
    }

    /// Rights to one column in the same form; `None` where nobody has any.
    pub(crate) fn column_acl(&self, grants: &[Grant], column: &str) -> Option<Vec<String>> {
        let given = given(grants, Some(column));
        (!given.is_empty()).then(|| self.items(&given))
    }

    /// Entries as `aclitem`s.
    pub(crate) fn items(&self, entries: &[Entry]) -> Vec<String> {
        entries.iter().map(|entry| self.item(entry)).collect()
    }

    fn item(&self, entry: &Entry) -> String {
        let letter = |(privilege, grantable): &(Privilege, bool)| match grantable {
            true => format!("{}*", privilege.letter()),
            false => privilege.letter().to_string(),
        };
        let letters: String = entry.rights.iter().map(letter).collect();
        let (grantee, grantor) = (self.item_role(entry.grantee), self.item_role(entry.grantor));
        format!("{grantee}={letters}/{grantor}")
    }

    /// A role within an `aclitem`: in quotes unless of ASCII letters, digits and underscores, by its number if it is gone.
    pub(crate) fn item_role(&self, oid: u32) -> String {
        if oid == 0 {
            return String::new();
        }
        let Some(role) = self.role(oid) else {
            return oid.to_string();
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match role.name.chars().all(plain) {
            true => role.name.clone(),
            false => format!("\"{}\"", role.name.replace('"', "\"\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(grantee: u32, grantor: u32, privilege: &str, grantable: bool) -> Grant {
        Grant {
            grantee,
            grantor,
            privilege: privilege.to_owned(),
            column: None,
            grantable,
        }
    }

    fn text(owner: u32, grants: &[Grant]) -> Option<Vec<String>> {
        Model::default().acl(owner, grants, ON_RELATION)
    }

    #[test]
    fn an_owner_has_one_entry() {
        assert_eq!(text(7, &[]), None);
        let own = [grant(8, 7, "SELECT", false), grant(7, 7, "SELECT", true)];
        assert_eq!(
            text(7, &own),
            Some(vec!["7=ar*wdDxt/7".to_owned(), "8=r/7".to_owned()])
        );
        let lacks: Vec<Grant> = [
            "-SELECT",
            "-INSERT",
            "-UPDATE",
            "-DELETE",
            "-TRUNCATE",
            "-REFERENCES",
        ]
        .into_iter()
        .map(|right| grant(7, 7, right, false))
        .collect();
        assert_eq!(text(7, &lacks), Some(vec!["7=t/7".to_owned()]));
        let all: Vec<Grant> = lacks
            .into_iter()
            .chain([grant(7, 7, "-TRIGGER", false), grant(0, 7, "SELECT", false)])
            .collect();
        assert_eq!(text(7, &all), Some(vec!["=r/7".to_owned()]));
        assert_eq!(text(7, &all[..7]), Some(Vec::new()));
    }
}
