//! Names of labels that a file carries.

/// A value of a label volume, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The value.
    pub value: i64,
    /// Its name.
    pub name: String,
}
