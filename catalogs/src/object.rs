//! What a lake's catalog holds: schemas, tables, views, sequences, types, functions, roles, settings.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::columns::ColumnNumbers;
use crate::default_rights::DefaultRight;
use crate::row_security::{Policy, RowSecurity};
use crate::sequence::SequenceObject;
use crate::user_type::{FunctionObject, TypeObject};

/// OIDs below are PostgreSQL's own; those of a lake's objects start here and are never used twice.
pub const FIRST_OID: u32 = 16_384;

/// An object of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Object {
    /// A schema.
    Schema(SchemaObject),
    /// A table.
    Table(TableObject),
    /// A view.
    View(ViewObject),
    /// A sequence.
    Sequence(SequenceObject),
    /// A type of the lake's own.
    Type(TypeObject),
    /// A function in SQL.
    Function(FunctionObject),
    /// A role.
    Role(RoleObject),
    /// A setting of the whole lake.
    Setting(SettingObject),
}

/// A right to an object, given to a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// OID of the role that has it; 0 = PUBLIC.
    pub grantee: u32,
    /// OID of the role that gave it.
    pub grantor: u32,
    /// In PostgreSQL's words: `SELECT`, `USAGE` …
    pub privilege: String,
    /// The column that it is for; `None` = the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// `WITH GRANT OPTION`.
    #[serde(default)]
    pub grantable: bool,
}

/// A role's membership in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// OID of the role that it is a member of.
    pub role: u32,
    /// OID of the role that made it one.
    pub grantor: u32,
    /// `WITH ADMIN OPTION`.
    #[serde(default)]
    pub admin: bool,
    /// It may make others members and itself too, but has none of the role's rights and cannot become it: whoever made the role.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin_only: bool,
}

/// A schema: a namespace of relations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SchemaObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    pub comment: Option<String>,
    /// Who has which right to it, beside its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// The grants are all there is. Else whatever the layers above give to everybody holds too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Who has which right to functions of the binary that are shown in it. Those that are not listed are everybody's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, Vec<Grant>>,
}

/// A table: a Delta table at a pinned version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Schema it is in.
    pub schema: String,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    pub comment: Option<String>,
    /// Folder of the Delta table, relative to the lake; empty until the table is made.
    pub location: String,
    /// Pinned version of the Delta log; -1 until the table is made.
    pub version: i64,
    /// `id` of the Delta table's metaData; empty until the table is made.
    pub delta_id: String,
    /// Columns as SQL sees them. Field metadata `comment` is the column's comment.
    pub arrow_schema: SchemaRef,
    /// Columns that rows are sorted by within each file; most significant first.
    pub cluster_key: Vec<String>,
    /// Columns that get Bloom filters.
    pub bloom_columns: Vec<String>,
    /// Rows at the pinned version.
    pub rows: u64,
    /// Bytes of the data files at the pinned version.
    pub bytes: u64,
    /// Data files at the pinned version.
    pub files: u64,
    /// Newest version that took files out: a compaction goes with whatever was only added since.
    #[serde(default)]
    pub shrunk: i64,
    /// Newest version that took rows out or changed them; `None` if nobody has noted it, and it may be `shrunk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<i64>,
    /// Which column is which, whatever it is called.
    #[serde(default, skip_serializing_if = "ColumnNumbers::is_none")]
    pub columns: ColumnNumbers,
    /// Whatever the layers above want to keep with the table (constraints, storage options …).
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Who has which right to it, beside its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Which rows and values who sees and writes.
    #[serde(default, skip_serializing_if = "RowSecurity::is_none")]
    pub row_security: RowSecurity,
}

impl TableObject {
    /// A table that is yet to be made: `Transaction::create_table` or `Lake::create` makes it.
    pub fn new(schema: impl Into<String>, name: impl Into<String>, arrow_schema: SchemaRef) -> Self {
        let bloom_columns = arrow_schema
            .fields()
            .iter()
            .map(|field| field.name())
            .filter(|name| {
                ["sop_instance_uid", "series_instance_uid", "study_instance_uid"].contains(&name.as_str())
            })
            .cloned()
            .collect();
        Self {
            oid: 0,
            schema: schema.into(),
            name: name.into(),
            owner: 0,
            comment: None,
            location: String::new(),
            version: -1,
            delta_id: String::new(),
            arrow_schema,
            cluster_key: Vec::new(),
            bloom_columns,
            rows: 0,
            bytes: 0,
            files: 0,
            shrunk: -1,
            lost: Some(-1),
            columns: ColumnNumbers::default(),
            properties: BTreeMap::new(),
            grants: Vec::new(),
            row_security: RowSecurity::default(),
        }
    }

    /// Whether rows that were there at an earlier version may be gone, or others, since.
    pub fn has_lost_rows_since(&self, version: i64) -> bool {
        self.lost.unwrap_or(self.shrunk) > version
    }

    /// Sets the columns that rows are sorted by.
    #[must_use]
    pub fn with_cluster_key<I: IntoIterator<Item = S>, S: Into<String>>(mut self, columns: I) -> Self {
        self.cluster_key = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the columns that get Bloom filters, beside which nothing but scans finds single values.
    #[must_use]
    pub fn with_bloom_columns<I: IntoIterator<Item = S>, S: Into<String>>(mut self, columns: I) -> Self {
        self.bloom_columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the comment.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Sets the owner.
    #[must_use]
    pub fn with_owner(mut self, owner: u32) -> Self {
        self.owner = owner;
        self
    }

    /// `schema.name`.
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A view: text that is planned for each caller.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ViewObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Schema it is in.
    pub schema: String,
    /// Name.
    pub name: String,
    /// OID of the role that owns it; 0 = nobody.
    pub owner: u32,
    /// `COMMENT ON`.
    pub comment: Option<String>,
    /// The query.
    pub sql: String,
    /// Columns, where they are known without planning. Field metadata `comment` is the column's comment.
    pub columns: Option<Arc<Schema>>,
    /// Whatever the layers above want to keep with the view (`security_invoker` …).
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Who has which right to it, beside its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

impl ViewObject {
    /// A view that is yet to be made.
    pub fn new(schema: impl Into<String>, name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
            sql: sql.into(),
            ..Self::default()
        }
    }

    /// Sets columns with their comments.
    #[must_use]
    pub fn with_columns(mut self, columns: SchemaRef) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Sets the comment.
    #[must_use]
    pub fn with_comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// `schema.name`.
    pub fn qualified_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A role.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Name.
    pub name: String,
    /// `COMMENT ON`.
    pub comment: Option<String>,
    /// May do everything.
    pub superuser: bool,
    /// May open a session.
    pub login: bool,
    /// SCRAM verifier in PostgreSQL's text: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`.
    pub verifier: Option<String>,
    /// Does not have the rights of the roles that it is a member of until it becomes one of them by SET ROLE.
    #[serde(default)]
    pub noinherit: bool,
    /// May make and change roles.
    #[serde(default)]
    pub createrole: bool,
    /// No row policy binds it.
    #[serde(default)]
    pub bypassrls: bool,
    /// Sessions at once; `None` = any number.
    #[serde(default)]
    pub connection_limit: Option<u32>,
    /// When the password ends: RFC 3339.
    #[serde(default)]
    pub valid_until: Option<String>,
    /// Roles that it is a member of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memberships: Vec<Membership>,
    /// Rights that what it makes is born with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_rights: Vec<DefaultRight>,
    /// Whatever the layers above want to keep with the role.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
}

/// Whatever is printed of a role, its verifier is not: who has it can try passwords.
impl fmt::Debug for RoleObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleObject")
            .field("oid", &self.oid)
            .field("name", &self.name)
            .field("superuser", &self.superuser)
            .field("login", &self.login)
            .field("memberships", &self.memberships)
            .finish_non_exhaustive()
    }
}

/// A setting of the whole lake.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SettingObject {
    /// Identity; 0 until the catalog gives one.
    pub oid: u32,
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

impl Object {
    /// Kind as stored: `schema`, `table`, `view`, `sequence`, `type`, `function`, `role`, `setting`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Schema(_) => "schema",
            Self::Table(_) => "table",
            Self::View(_) => "view",
            Self::Sequence(_) => "sequence",
            Self::Type(_) => "type",
            Self::Function(_) => "function",
            Self::Role(_) => "role",
            Self::Setting(_) => "setting",
        }
    }

    /// Identity; 0 until the catalog gives one.
    pub fn oid(&self) -> u32 {
        match self {
            Self::Schema(o) => o.oid,
            Self::Table(o) => o.oid,
            Self::View(o) => o.oid,
            Self::Sequence(o) => o.oid,
            Self::Type(o) => o.oid,
            Self::Function(o) => o.oid,
            Self::Role(o) => o.oid,
            Self::Setting(o) => o.oid,
        }
    }

    /// Gives the identity.
    pub(crate) fn set_oid(&mut self, oid: u32) {
        match self {
            Self::Schema(o) => o.oid = oid,
            Self::Table(o) => o.oid = oid,
            Self::View(o) => o.oid = oid,
            Self::Sequence(o) => o.oid = oid,
            Self::Type(o) => o.oid = oid,
            Self::Function(o) => o.oid = oid,
            Self::Role(o) => o.oid = oid,
            Self::Setting(o) => o.oid = oid,
        }
    }

    /// The OIDs of roles that it names: its owner, who has rights to it and who gave them, memberships, and whom and where default
    /// rights are for.
    fn roles_mut(&mut self) -> Vec<&mut u32> {
        let mut policies: &mut [Policy] = &mut [];
        let mut functions: Vec<&mut Grant> = Vec::new();
        let (owner, grants) = match self {
            Self::Schema(o) => {
                functions.extend(o.functions.values_mut().flatten());
                (&mut o.owner, &mut o.grants)
            }
            Self::Table(o) => {
                policies = &mut o.row_security.policies;
                (&mut o.owner, &mut o.grants)
            }
            Self::View(o) => (&mut o.owner, &mut o.grants),
            Self::Sequence(o) => (&mut o.owner, &mut o.grants),
            Self::Type(o) => return vec![&mut o.owner],
            Self::Function(o) => (&mut o.owner, &mut o.grants),
            Self::Role(o) => {
                let memberships = o.memberships.iter_mut();
                let memberships = memberships.flat_map(|m| [&mut m.role, &mut m.grantor]);
                let rights = o.default_rights.iter_mut();
                return memberships
                    .chain(rights.flat_map(|right| [&mut right.grantee, &mut right.schema]))
                    .collect();
            }
            Self::Setting(_) => return Vec::new(),
        };
        let grants = grants
            .iter_mut()
            .chain(functions)
            .flat_map(|grant| [&mut grant.grantee, &mut grant.grantor]);
        let bound = policies.iter_mut().flat_map(|policy| &mut policy.roles);
        std::iter::once(owner).chain(grants).chain(bound).collect()
    }

    /// Has it name other roles.
    pub(crate) fn map_roles(&mut self, new: impl Fn(u32) -> u32) {
        for oid in self.roles_mut() {
            *oid = new(*oid);
        }
    }

    /// The OIDs of roles that it names; 0 is nobody or PUBLIC.
    pub(crate) fn roles(&self) -> Vec<u32> {
        let of = |owner: u32, grants: &[Grant]| {
            let grants = grants.iter().flat_map(|grant| [grant.grantee, grant.grantor]);
            std::iter::once(owner).chain(grants).collect()
        };
        match self {
            Self::Schema(o) => {
                let mut roles: Vec<u32> = of(o.owner, &o.grants);
                let functions = o.functions.values().flatten();
                roles.extend(functions.flat_map(|grant| [grant.grantee, grant.grantor]));
                roles
            }
            Self::Table(o) => {
                let mut roles: Vec<u32> = of(o.owner, &o.grants);
                roles.extend(o.row_security.policies.iter().flat_map(|policy| &policy.roles));
                roles
            }
            Self::View(o) => of(o.owner, &o.grants),
            Self::Sequence(o) => of(o.owner, &o.grants),
            Self::Type(o) => vec![o.owner],
            Self::Function(o) => of(o.owner, &o.grants),
            Self::Role(o) => {
                let memberships = o.memberships.iter().flat_map(|m| [m.role, m.grantor]);
                let grantees = o.default_rights.iter().map(|right| right.grantee);
                memberships.chain(grantees).collect()
            }
            Self::Setting(_) => Vec::new(),
        }
    }

    /// Name within its schema, if it has one.
    pub fn name(&self) -> &str {
        match self {
            Self::Schema(o) => &o.name,
            Self::Table(o) => &o.name,
            Self::View(o) => &o.name,
            Self::Sequence(o) => &o.name,
            Self::Type(o) => &o.name,
            Self::Function(o) => &o.name,
            Self::Role(o) => &o.name,
            Self::Setting(o) => &o.name,
        }
    }

    /// Schema of a relation, a type or a function.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Table(o) => Some(&o.schema),
            Self::View(o) => Some(&o.schema),
            Self::Sequence(o) => Some(&o.schema),
            Self::Type(o) => Some(&o.schema),
            Self::Function(o) => Some(&o.schema),
            _ => None,
        }
    }

    /// Name with the schema before it, for messages.
    pub fn qualified_name(&self) -> String {
        self.schema().map_or_else(
            || self.name().to_owned(),
            |schema| format!("{schema}.{}", self.name()),
        )
    }
}

macro_rules! from {
    ($($object:ident => $variant:ident),*) => {$(
        impl From<$object> for Object {
            fn from(object: $object) -> Self {
                Self::$variant(object)
            }
        }
    )*};
}
from!(SchemaObject => Schema, TableObject => Table, ViewObject => View, SequenceObject => Sequence, TypeObject => Type, FunctionObject => Function, RoleObject => Role, SettingObject => Setting);
