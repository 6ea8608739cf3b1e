//! What a table keeps about which rows and values a role may see and write: row policies and masks.
//!
//! The catalog keeps it; what it means is decided by who reads the table for a role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Row policies and masks of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSecurity {
    /// `ENABLE ROW LEVEL SECURITY`: policies bind.
    #[serde(default)]
    pub enabled: bool,
    /// `FORCE ROW LEVEL SECURITY`: they bind the table's owner too.
    #[serde(default)]
    pub forced: bool,
    /// Policies, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Masks of columns, by the column's name: `MASKED WITH FUNCTION f(…)`, `MASKED WITH VALUE …`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<String, String>,
}

impl RowSecurity {
    /// True if there is nothing to keep.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an expression may name a column: its name is a word of the text, in any case. Rather one too many than one too few.
pub fn mentions(expression: &str, column: &str) -> bool {
    let (expression, column) = (expression.to_lowercase(), column.to_lowercase());
    let part = |c: char| c.is_alphanumeric() || c == '_';
    match column.chars().all(part) {
        true => expression.split(|c| !part(c)).any(|word| word == column),
        // A name with other characters in it is in quotation marks, which double within them.
        false => expression.contains(&column.replace('"', "\"\"")) || expression.contains(&column),
    }
}

/// A row policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Name, one of its table.
    pub name: String,
    /// One of several that let rows through; else rows must pass it beside those.
    pub permissive: bool,
    /// `ALL`, `SELECT`, `INSERT`, `UPDATE` or `DELETE`.
    pub command: String,
    /// OIDs of the roles that it is for; 0 = PUBLIC.
    pub roles: Vec<u32>,
    /// USING: which rows are seen. Names in it are qualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    /// WITH CHECK: which rows may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// `COMMENT ON POLICY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
