//! The decision: pure, so that every case can be tested without a table.

use radlake_catalogs::TableObject;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The role that acts.
    pub(crate) role: String,
    /// True if no policy binds it.
    pub(crate) superuser: bool,
}

/// What a subject may read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every row and column.
    Everything,
    /// Nothing, not even that a row exists.
    Nothing,
}

/// Decides. Whoever is not granted something has nothing, and there is nothing to be granted yet.
pub(crate) fn decide(subject: &Subject, _table: &TableObject) -> Verdict {
    if subject.superuser {
        Verdict::Everything
    } else {
        Verdict::Nothing
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Schema;

    use super::*;

    #[test]
    fn only_superusers_have_access() {
        let table = TableObject::new("imaging", "series", Arc::new(Schema::empty()));
        let subject = |superuser| Subject {
            role: "r".to_owned(),
            superuser,
        };
        assert_eq!(decide(&subject(true), &table), Verdict::Everything);
        assert_eq!(decide(&subject(false), &table), Verdict::Nothing);
    }
}
