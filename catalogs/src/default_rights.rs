//! Rights that what a role makes is born with: ALTER DEFAULT PRIVILEGES.

use serde::{Deserialize, Serialize};

/// A right to each object of a kind that a role will make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRight {
    /// OID of the schema that the object is made in; 0 = any.
    pub schema: u32,
    /// Kind of object in PostgreSQL's words: `TABLES` (and views), `SCHEMAS`.
    pub on: String,
    /// OID of the role that will have it; 0 = PUBLIC.
    pub grantee: u32,
    /// In PostgreSQL's words: `SELECT`, `USAGE` …
    pub privilege: String,
    /// `WITH GRANT OPTION`.
    #[serde(default)]
    pub grantable: bool,
}
