//! Which column is which, whatever it is called: names are given anew, numbers never.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema};
use serde::{Deserialize, Serialize};

use crate::object::{Grant, TableObject};
use crate::row_security::mentions;
use crate::{Error, Result};

/// The numbers of a table's columns. A table that was written before there were any has none until its columns change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnNumbers {
    /// The highest that was ever given.
    last: u32,
    /// By the name that the column has now.
    by_name: BTreeMap<String, u32>,
}

impl ColumnNumbers {
    /// True for a table without numbers.
    pub(crate) fn is_none(&self) -> bool {
        self.last == 0
    }

    /// Numbers the columns of a table that has none, in their order.
    pub(crate) fn begin(&mut self, schema: &Schema) {
        if self.is_none() {
            self.follow(schema);
        }
    }

    /// Gives numbers to columns without one, and forgets those of columns that are gone.
    pub(crate) fn follow(&mut self, schema: &Schema) {
        self.by_name
            .retain(|name, _| schema.field_with_name(name).is_ok());
        for field in schema.fields() {
            if !self.by_name.contains_key(field.name()) {
                self.last = self.last.saturating_add(1);
                self.by_name.insert(field.name().clone(), self.last);
            }
        }
    }

    /// Has no number be given again that another state of the table has given.
    pub(crate) fn beyond(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
    }

    /// A column has another name.
    pub fn rename(&mut self, old: &str, new: &str) {
        if let Some(number) = self.by_name.remove(old) {
            self.by_name.insert(new.to_owned(), number);
        }
    }

    /// A column is gone: one of its name that comes later is another.
    pub fn forget(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    fn of(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    fn named(&self, number: u32) -> Option<&str> {
        let mut all = self.by_name.iter();
        all.find(|(_, known)| **known == number)
            .map(|(name, _)| name.as_str())
    }
}

impl TableObject {
    /// What a column of this state of the table is called in another; `None` if it is not there, or nobody can tell.
    pub fn column_in<'o>(&self, name: &str, other: &'o Self) -> Option<&'o str> {
        match (self.columns.is_none(), other.columns.is_none()) {
            (false, false) => other.columns.named(self.columns.of(name)?),
            // From before there were numbers: where all names are the same, the columns are taken to be.
            _ => {
                let names = |table: &Self| {
                    table
                        .arrow_schema
                        .fields()
                        .iter()
                        .map(|f| f.name().clone())
                        .collect::<Vec<_>>()
                };
                let at = self.arrow_schema.index_of(name).ok()?;
                (names(self) == names(other)).then(|| other.arrow_schema.field(at).name().as_str())
            }
        }
    }

    /// [`TableObject::column_in`] for a mask: where nobody can tell, rather a mask too many than one too few.
    fn masked_in<'o>(&self, name: &str, other: &'o Self) -> Option<&'o str> {
        self.column_in(name, other).or_else(|| {
            let untold = self.columns.is_none() || other.columns.is_none();
            let field = other.arrow_schema.field_with_name(name).ok()?;
            untold.then(|| field.name().as_str())
        })
    }

    /// This state's rights and masks in terms of another state's columns. What is about columns that the other has not is left out.
    #[must_use]
    pub fn rights_in(&self, other: &Self) -> Self {
        let mut mapped = self.clone();
        mapped.grants = self
            .grants
            .iter()
            .filter_map(|grant| match &grant.column {
                None => Some(grant.clone()),
                Some(column) => Some(Grant {
                    column: Some(self.column_in(column, other)?.to_owned()),
                    ..grant.clone()
                }),
            })
            .collect();
        let masks = self.row_security.masks.iter();
        mapped.row_security.masks = masks
            .filter_map(|(column, mask)| Some((self.masked_in(column, other)?.to_owned(), mask.clone())))
            .collect();
        mapped
    }

    /// A column that an expression about this state of the table may name, and which in another state is not the same: another by its
    /// number, its name or its type, or not there.
    pub fn differs_for(&self, other: &Self, expression: &str) -> Option<String> {
        let columns = |table: &Self| -> BTreeMap<String, (Option<u32>, DataType)> {
            let fields = table.arrow_schema.fields().iter();
            fields
                .map(|field| {
                    let number = table.columns.of(field.name());
                    (field.name().clone(), (number, field.data_type().clone()))
                })
                .collect()
        };
        let (mut mine, mut others) = (columns(self), columns(other));
        if self.columns.is_none() || other.columns.is_none() {
            // Nobody can tell: names and types are all there is, and all of them must be the same.
            let plain = |columns: &mut BTreeMap<String, (Option<u32>, DataType)>| {
                columns.values_mut().for_each(|(number, _)| *number = None);
            };
            plain(&mut mine);
            plain(&mut others);
            let first = mine.keys().next().cloned();
            return (mine != others).then(|| first.unwrap_or_default());
        }
        let all = mine.keys().chain(others.keys());
        all.filter(|name| mine.get(*name) != others.get(*name))
            .find(|name| mentions(expression, name))
            .cloned()
    }

    /// Gives this state of the table, which becomes the newest again, the rights, policies and masks of `now`. Masks of columns
    /// that are gone now come back with them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a policy or mask names a column that was another, or not there.
    pub(crate) fn take_rights_of(&mut self, now: &Self) -> Result<()> {
        let mapped = now.rights_in(self);
        let texts = now.row_security.policies.iter().flat_map(|policy| {
            let texts = [&policy.using, &policy.check].into_iter().flatten();
            texts.map(move |text| (format!("policy \"{}\"", policy.name), text))
        });
        let masks = now.row_security.masks.iter();
        let masks = masks
            .filter(|(column, _)| now.masked_in(column, self).is_some())
            .map(|(column, text)| (format!("the mask of column \"{column}\""), text));
        for (what, text) in texts.chain(masks) {
            if let Some(column) = now.differs_for(self, text) {
                return Err(Error::invalid(format!(
                    "table {}: {what} names column \"{column}\", which was another in that epoch: drop it before",
                    now.qualified_name()
                )));
            }
        }
        let gone = self.row_security.masks.iter();
        let gone: Vec<(String, String)> = gone
            .filter(|(column, _)| self.column_in(column, now).is_none())
            .map(|(column, mask)| (column.clone(), mask.clone()))
            .collect();
        self.owner = now.owner;
        self.grants = mapped.grants;
        self.row_security = mapped.row_security;
        self.row_security.masks.extend(gone);
        self.columns.beyond(&now.columns);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;

    use super::*;

    fn table(columns: &[&str]) -> TableObject {
        let fields: Vec<Field> = columns
            .iter()
            .map(|name| Field::new(*name, DataType::Utf8, true))
            .collect();
        let mut table = TableObject::new("s", "t", Arc::new(Schema::new(fields)));
        table.columns.begin(&table.arrow_schema.clone());
        table
    }

    fn with(mut table: TableObject, columns: &[&str]) -> TableObject {
        table.arrow_schema = self::table(columns).arrow_schema;
        table.columns.follow(&table.arrow_schema.clone());
        table
    }

    fn granted(mut table: TableObject, column: &str) -> TableObject {
        table.grants.push(Grant {
            grantee: 5,
            grantor: 7,
            privilege: "SELECT".to_owned(),
            column: Some(column.to_owned()),
            grantable: false,
        });
        table
    }

    fn open(table: &TableObject) -> Vec<&str> {
        table
            .grants
            .iter()
            .filter_map(|grant| grant.column.as_deref())
            .collect()
    }

    #[test]
    fn a_column_of_the_same_name_that_came_later_is_another() {
        let then = table(&["id", "name"]);
        let mut dropped = then.clone();
        dropped.columns.forget("name");
        let today = granted(with(with(dropped, &["id"]), &["id", "name"]), "name");
        assert_eq!(today.column_in("id", &then), Some("id"));
        assert_eq!(today.column_in("name", &then), None);
        assert_eq!(then.column_in("name", &today), None);
        assert!(open(&today.rights_in(&then)).is_empty());
    }

    #[test]
    fn a_column_keeps_its_rights_under_another_name() {
        let then = table(&["id", "name"]);
        let mut today = then.clone();
        today.columns.rename("name", "label");
        // Another has its old name now.
        let today = granted(with(today, &["id", "label", "name"]), "label");
        assert_eq!(open(&today.rights_in(&then)), ["name"]);
        assert_eq!(today.column_in("name", &then), None);
    }

    #[test]
    fn expressions_hold_where_the_columns_that_they_name_are_the_same() {
        let then = table(&["id", "site"]);
        let today = with(then.clone(), &["id", "site", "note"]);
        assert_eq!(today.differs_for(&then, "site = 'a'"), None);
        assert_eq!(
            today.differs_for(&then, "\"Note\" = 'a'"),
            Some("note".to_owned())
        );
        assert_eq!(today.differs_for(&then, "notes = 'a'"), None);
        let mut dropped = then.clone();
        dropped.columns.forget("site");
        let today = with(with(dropped, &["id"]), &["id", "site"]);
        assert_eq!(today.differs_for(&then, "site = 'a'"), Some("site".to_owned()));
        assert_eq!(today.differs_for(&then, "id = 'a'"), None);
    }

    #[test]
    fn without_numbers_all_names_must_be_the_same() {
        let mut then = table(&["id", "site"]);
        then.columns = ColumnNumbers::default();
        let today = table(&["id", "site"]);
        assert_eq!(today.column_in("site", &then), Some("site"));
        assert_eq!(today.differs_for(&then, "site = 'a'"), None);
        let today = with(today, &["id", "site", "note"]);
        assert_eq!(today.column_in("site", &then), None);
        assert!(today.differs_for(&then, "site = 'a'").is_some());
    }

    #[test]
    fn what_becomes_the_newest_again_has_todays_rights_and_keeps_masks_of_what_is_gone() {
        let mut then = table(&["id", "name"]);
        let mask = "MASKED WITH VALUE 'x'".to_owned();
        then.row_security.masks.insert("name".to_owned(), mask.clone());
        let mut now = then.clone();
        now.row_security.masks.clear();
        now.columns.forget("name");
        let now = granted(with(with(now, &["id"]), &["id", "name"]), "name");
        let last = now.columns.last;
        then.take_rights_of(&now).unwrap();
        assert!(open(&then).is_empty());
        assert_eq!(then.row_security.masks.get("name"), Some(&mask));
        assert_eq!(then.columns.last, last);
    }
}
