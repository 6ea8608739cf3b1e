//! Types and functions that people define: enumerations, domains, functions in SQL.

use serde::{Deserialize, Serialize};

use crate::object::Grant;

/// A type of a lake's own: `CREATE TYPE … AS ENUM`, `CREATE DOMAIN`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Schema it is in.
    pub schema: String,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What its values are.
    pub definition: TypeDefinition,
}

/// What the values of a type are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TypeDefinition {
    /// One of some labels, least first.
    Enum {
        /// The labels, in the order in which they are sorted.
        labels: Vec<String>,
    },
    /// Values of another type for which conditions hold.
    Domain(Domain),
}

impl Default for TypeDefinition {
    fn default() -> Self {
        Self::Enum { labels: Vec::new() }
    }
}

/// What a domain asks of its values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The type below, as SQL names it.
    pub base: String,
    /// NULL is no value of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_null: bool,
    /// The default of columns that have none of their own: an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Conditions on `VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<DomainCheck>,
}

/// A condition that a domain's values meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// Name of the constraint.
    pub name: String,
    /// The expression; `VALUE` is the value.
    pub expression: String,
}

/// A function in SQL: its text is planned in the place of each call, with the rights of who calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Schema it is in.
    pub schema: String,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is called with.
    pub arguments: Vec<Argument>,
    /// What it gives.
    pub returns: Returns,
    /// The text as it was written.
    pub body: String,
    /// The query, with `$1`, `$2` … for the arguments whatever they are called.
    pub query: String,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: String,
    /// NULL for a NULL among the arguments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// Who has which right to it, beside its owner.
    pub grants: Vec<Grant>,
}

/// An argument of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name, if it has one: `$1` means the first whether it has or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its type, as SQL names it.
    pub data_type: String,
    /// What it is when a call leaves it out: an expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// What a function gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// The type of its values, as SQL names it; empty if it has `columns`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data_type: String,
    /// Any number of rows, not one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub set: bool,
    /// `RETURNS TABLE (…)`: names and types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<(String, String)>,
}

macro_rules! named {
    ($($object:ident),*) => {$(
        impl $object {
            /// `schema.name`.
            pub fn qualified_name(&self) -> String {
                format!("{}.{}", self.schema, self.name)
            }
        }
    )*};
}
named!(TypeObject, FunctionObject);
