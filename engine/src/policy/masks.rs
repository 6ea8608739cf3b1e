//! Which columns a subject is shown otherwise than they are, and what it is shown.

use std::collections::BTreeMap;

use radlake_catalogs::TableObject;

use super::{Privilege, Subject};

/// Columns that a right to the whole table does not open: they hold all that masks on other columns hide, or say where the files
/// are, which are named after people more often than not. Without a right of their own they are shown as NULL. By schema and table.
const RESTRICTED: &[(&str, &str, &[&str])] = &[
    ("imaging", "instances", &["dataset", "source_uri"]),
    ("imaging", "files", &["uri", "counterpart"]),
    ("imaging", "sources", &["uri"]),
];

/// The label of a role to which masks apply.
pub(crate) const MASKED: &str = "MASKED";
/// Property of a role that holds its label.
pub(crate) const LABEL: &str = "label.anon";

/// The expression of a column's label: `MASKED WITH FUNCTION f(…)` or `MASKED WITH VALUE …`; `None` for anything else.
pub(crate) fn expression(label: &str) -> Option<&str> {
    let mut rest = label.trim();
    for word in ["MASKED", "WITH"] {
        let (first, after) = rest.split_once(char::is_whitespace)?;
        first.eq_ignore_ascii_case(word).then_some(())?;
        rest = after.trim_start();
    }
    let (kind, expression) = rest.split_once(char::is_whitespace)?;
    let known = ["FUNCTION", "VALUE"]
        .iter()
        .any(|known| kind.eq_ignore_ascii_case(known));
    let expression = expression.trim();
    (known && !expression.is_empty()).then_some(expression)
}

/// What a subject is shown in place of a table's columns, by their names.
pub(crate) fn masks(subject: &Subject, table: &TableObject) -> BTreeMap<String, String> {
    let mut masks = BTreeMap::new();
    if subject.superuser {
        return masks;
    }
    if subject.masked {
        for (column, label) in &table.row_security.masks {
            // What cannot be read hides all.
            let mask = expression(label).unwrap_or("NULL");
            masks.insert(column.clone(), mask.to_owned());
        }
    }
    if subject.owns(table.owner) {
        return masks;
    }
    let mut restricted = RESTRICTED.iter();
    let restricted = restricted.find(|(schema, name, _)| *schema == table.schema && *name == table.name);
    for column in restricted.map_or(&[][..], |(_, _, columns)| columns) {
        let granted = table.grants.iter().any(|grant| {
            grant.column.as_deref() == Some(column)
                && grant.privilege == Privilege::Select.name()
                && subject.has_role(grant.grantee)
        });
        if !granted && table.arrow_schema.field_with_name(column).is_ok() {
            masks.insert((*column).to_owned(), "NULL".to_owned());
        }
    }
    masks
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use radlake_catalogs::Grant;

    use super::*;

    fn table() -> TableObject {
        let fields = ["a", "dataset"].map(|name| Field::new(name, DataType::Utf8, true));
        let mut table =
            TableObject::new("imaging", "instances", Arc::new(Schema::new(fields.to_vec()))).with_owner(7);
        let label = "MASKED WITH FUNCTION partial(a, 1, 'x', 0)".to_owned();
        table.row_security.masks.insert("a".to_owned(), label);
        table
    }

    #[test]
    fn labels_are_read_in_any_case() {
        assert_eq!(expression("masked  with value 'x'"), Some("'x'"));
        assert_eq!(expression("MASKED WITH FUNCTION f(a, b)"), Some("f(a, b)"));
        for wrong in [
            "MASKED",
            "MASKED WITH",
            "MASKED WITH VALUE",
            "MASKED BY VALUE 1",
            "",
        ] {
            assert_eq!(expression(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn masks_are_for_masked_roles_and_restricted_columns_for_whom_they_are_granted() {
        let mut subject = Subject::with_roles("r", 5, false, [5].into());
        let shown =
            |subject: &Subject, table: &TableObject| masks(subject, table).into_keys().collect::<Vec<_>>();
        assert_eq!(shown(&subject, &table()), ["dataset"]);
        subject.masked = true;
        assert_eq!(shown(&subject, &table()), ["a", "dataset"]);
        let mut granted = table();
        granted.grants.push(Grant {
            grantee: 5,
            grantor: 7,
            privilege: "SELECT".to_owned(),
            column: Some("dataset".to_owned()),
            grantable: false,
        });
        assert_eq!(shown(&subject, &granted), ["a"]);
        assert!(shown(&Subject::lake(), &table()).is_empty());
        let owner = Subject::with_roles("o", 7, false, [7].into());
        assert!(shown(&owner, &table()).is_empty());
    }
}
