//! What the catalog relations are made from: the objects of one epoch in the form PostgreSQL describes them.

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use radlake_catalogs::{
    DefaultRight, Grant, Membership, RowSecurity, SequenceObject, TypeObject, is_temporary_schema,
};

use super::declared::{self, INFORMATION_SCHEMA, PG_CATALOG, PUBLIC};
use super::function::Function;
use super::keys::{Constraint, Index};
use super::types::{self, CODE_RELATION, CODE_TYPE, PgKind, pg_type_of};
use crate::policy::{Privilege, Subject, Via, closure_by};

/// OID of the lake's row in `pg_database`.
pub(crate) const DATABASE: u32 = 5;
/// `pg_database_owner`, the predefined role that owns `public`.
pub(crate) const DATABASE_OWNER: u32 = 6171;

/// A schema.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) owner: u32,
    pub(crate) comment: Option<String>,
    pub(crate) grants: Vec<Grant>,
}

/// A table, a view or a composite type's relation.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) oid: u32,
    pub(crate) namespace: u32,
    pub(crate) name: String,
    /// `pg_class.relkind`: "r" table, "v" view, "m" materialized view, "i" index, "S" sequence, "c" composite type.
    pub(crate) kind: &'static str,
    pub(crate) owner: u32,
    pub(crate) comment: Option<String>,
    pub(crate) schema: SchemaRef,
    /// Rows by the catalog's counters; -1 where nothing counts them.
    pub(crate) rows: i64,
    /// Bytes on storage by the catalog's counters.
    pub(crate) bytes: i64,
    /// A view's query.
    pub(crate) sql: Option<String>,
    /// `pg_class.reltype`, 0 for none.
    pub(crate) row_type: u32,
    pub(crate) grants: Vec<Grant>,
    pub(crate) row_security: RowSecurity,
}

/// A role.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) oid: u32,
    pub(crate) name: String,
    pub(crate) superuser: bool,
    pub(crate) login: bool,
    pub(crate) comment: Option<String>,
    pub(crate) noinherit: bool,
    pub(crate) createrole: bool,
    pub(crate) bypassrls: bool,
    pub(crate) connection_limit: Option<u32>,
    /// RFC 3339.
    pub(crate) valid_until: Option<String>,
    pub(crate) memberships: Vec<Membership>,
    /// Rights that what it makes is born with.
    pub(crate) default_rights: Vec<DefaultRight>,
}

/// A composite type that columns have.
#[derive(Debug)]
pub(crate) struct Composite {
    pub(crate) oid: u32,
    pub(crate) relation: u32,
    pub(crate) namespace: u32,
    pub(crate) name: String,
}

/// A type of the lake's own.
#[derive(Debug)]
pub(crate) struct OwnType {
    pub(crate) namespace: u32,
    /// OID of the type below a domain, else 0.
    pub(crate) base: u32,
    pub(crate) object: Arc<TypeObject>,
}

/// Everything that `pg_catalog` and `information_schema` show, apart from the session.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// The one database's name.
    pub(crate) database: String,
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) relations: Vec<Relation>,
    /// Sequences by OID, which are among the relations too.
    pub(crate) sequences: BTreeMap<u32, Arc<SequenceObject>>,
    /// Enumerations and domains by OID.
    pub(crate) own_types: BTreeMap<u32, OwnType>,
    pub(crate) roles: Vec<Role>,
    pub(crate) functions: Vec<Function>,
    pub(crate) composites: Vec<Composite>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) indexes: Vec<Index>,
    /// Number and owner of PostgreSQL's own objects.
    pub(crate) owner: u32,
    pub(super) namespace_names: HashMap<u32, usize>,
    pub(super) relation_oids: HashMap<u32, usize>,
    pub(super) relation_names: HashMap<u32, HashMap<String, usize>>,
}

impl Model {
    /// Adds what every database has (system schemas, relations and roles, composite types of columns) and the indexes.
    pub(crate) fn complete(mut self) -> Self {
        self.owner = self.roles.iter().find(|r| r.superuser).map_or(10, |r| r.oid);
        self.own_the_unowned();
        self.add_namespaces();
        self.open_namespaces();
        self.add_predefined_roles();
        self.add_composites();
        let owner = self.owner;
        self.relations
            .extend(declared::relations().iter().map(|d| Relation {
                oid: d.oid,
                namespace: d.namespace,
                name: d.name.to_owned(),
                kind: d.kind,
                owner,
                comment: None,
                schema: Arc::clone(&d.schema),
                rows: -1,
                bytes: 0,
                sql: None,
                row_type: 0,
                grants: match d.is_closed() {
                    true => Vec::new(),
                    false => vec![everybodys(owner, Privilege::Select)],
                },
                row_security: RowSecurity::default(),
            }));
        // In the order of their OIDs, by which the system tables are searched.
        self.relations.sort_by_key(|r| r.oid);
        self.namespace_names = self
            .namespaces
            .iter()
            .enumerate()
            .map(|(i, n)| (n.oid, i))
            .collect();
        self.relation_oids = self
            .relations
            .iter()
            .enumerate()
            .map(|(i, r)| (r.oid, i))
            .collect();
        for (index, relation) in self.relations.iter().enumerate() {
            self.relation_names
                .entry(relation.namespace)
                .or_default()
                .entry(relation.name.clone())
                .or_insert(index);
        }
        self
    }

    /// A role with the rights that it inherits.
    pub(crate) fn subject(&self, role: &Role) -> Subject {
        let roles = self.closure(role.oid, Via::Inherited);
        let mut subject = Subject::with_roles(&role.name, role.oid, role.superuser, roles);
        subject.bypassrls = role.bypassrls;
        subject
    }

    /// OIDs of a role and of what it is a member of.
    pub(crate) fn closure(&self, role: u32, via: Via) -> BTreeSet<u32> {
        closure_by(role, via, |oid| {
            let role = self.role(oid)?;
            Some((role.noinherit, role.memberships.as_slice()))
        })
    }

    /// What nobody owns is the superuser's, as what PostgreSQL makes by itself is; `public` is the database's owner's. What was given in
    /// nobody's name is given in theirs.
    fn own_the_unowned(&mut self) {
        let superuser = self.owner;
        let namespaces = self.namespaces.iter_mut().map(|n| {
            let owner = if n.oid == PUBLIC {
                DATABASE_OWNER
            } else {
                superuser
            };
            (owner, &mut n.owner, &mut n.grants)
        });
        let relations = self.relations.iter_mut();
        let relations = relations.map(|r| (superuser, &mut r.owner, &mut r.grants));
        for (new, owner, grants) in namespaces.chain(relations) {
            if *owner == 0 {
                *owner = new;
            }
            for grant in grants.iter_mut().filter(|grant| grant.grantor == 0) {
                grant.grantor = *owner;
            }
        }
    }

    /// Everybody may use the system schemas, and `public` until that is revoked.
    fn open_namespaces(&mut self) {
        let open = |n: &Namespace| matches!(n.oid, PG_CATALOG | INFORMATION_SCHEMA) || n.name == "system";
        for namespace in self.namespaces.iter_mut().filter(|n| open(n)) {
            namespace
                .grants
                .insert(0, everybodys(namespace.owner, Privilege::Usage));
            for relation in self.relations.iter_mut().filter(|r| r.namespace == namespace.oid) {
                // The list of functions tells nothing of anybody.
                if relation.name == "functions" {
                    relation
                        .grants
                        .insert(0, everybodys(relation.owner, Privilege::Select));
                }
            }
        }
    }

    fn add_namespaces(&mut self) {
        let mut add = |oid: u32, name: &str, owner: u32, comment: &str| {
            if !self.namespaces.iter().any(|n| n.name == name) {
                self.namespaces.push(Namespace {
                    oid,
                    name: name.to_owned(),
                    owner,
                    comment: Some(comment.to_owned()),
                    grants: match oid {
                        PUBLIC => vec![everybodys(owner, Privilege::Usage)],
                        _ => Vec::new(),
                    },
                });
            }
        };
        add(PG_CATALOG, "pg_catalog", self.owner, "system catalog schema");
        add(PUBLIC, "public", DATABASE_OWNER, "standard public schema");
        add(INFORMATION_SCHEMA, "information_schema", self.owner, "");
        for namespace in &mut self.namespaces {
            namespace.comment.take_if(|c| c.is_empty());
        }
    }

    fn add_predefined_roles(&mut self) {
        const PREDEFINED: &[(u32, &str)] = &[
            (DATABASE_OWNER, "pg_database_owner"),
            (6181, "pg_read_all_data"),
            (6182, "pg_write_all_data"),
            (3373, "pg_monitor"),
            (3374, "pg_read_all_settings"),
            (3375, "pg_read_all_stats"),
            (3377, "pg_stat_scan_tables"),
            (4569, "pg_read_server_files"),
            (4570, "pg_write_server_files"),
            (4571, "pg_execute_server_program"),
            (4200, "pg_signal_backend"),
            (4544, "pg_checkpoint"),
        ];
        let own = self.roles.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
        self.roles.extend(
            PREDEFINED
                .iter()
                .filter(|(_, name)| !own.iter().any(|o| o == name))
                .map(|(oid, name)| Role {
                    oid: *oid,
                    name: (*name).to_owned(),
                    superuser: false,
                    login: false,
                    comment: None,
                    noinherit: false,
                    createrole: false,
                    bypassrls: false,
                    connection_limit: None,
                    valid_until: None,
                    memberships: Vec::new(),
                    default_rights: Vec::new(),
                }),
        );
    }

    /// One composite type per shape of struct that a column has, `imaging.code` among them.
    fn add_composites(&mut self) {
        let mut found: BTreeMap<u32, (u32, Fields)> = BTreeMap::new();
        for relation in &self.relations {
            for field in relation.schema.fields() {
                collect_structs(field, relation.namespace, &mut found);
            }
        }
        let imaging = self
            .namespaces
            .iter()
            .find(|n| n.name == "imaging")
            .map(|n| n.oid);
        for (oid, (namespace, fields)) in found {
            let (relation, namespace) = if oid == CODE_TYPE {
                (CODE_RELATION, imaging.unwrap_or(namespace))
            } else {
                (oid + 2, namespace)
            };
            let name = types::composite_name(oid);
            let fields = if oid == CODE_TYPE {
                fields.iter().map(|field| commented(field)).collect()
            } else {
                fields
            };
            self.composites.push(Composite {
                oid,
                relation,
                namespace,
                name: name.clone(),
            });
            self.relations.push(Relation {
                oid: relation,
                namespace,
                name,
                kind: "c",
                owner: self.owner,
                comment: (oid == CODE_TYPE).then(|| {
                    "A coded value: code value, coding scheme designator and code meaning".to_owned()
                }),
                schema: Arc::new(arrow::datatypes::Schema::new(fields)),
                rows: -1,
                bytes: 0,
                sql: None,
                row_type: oid,
                grants: Vec::new(),
                row_security: RowSecurity::default(),
            });
        }
    }

    /// A schema by OID.
    pub(crate) fn namespace(&self, oid: u32) -> Option<&Namespace> {
        self.namespaces.get(*self.namespace_names.get(&oid)?)
    }

    /// A schema by name.
    pub(crate) fn namespace_named(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|n| n.name == name)
    }

    /// A relation by OID.
    pub(crate) fn relation(&self, oid: u32) -> Option<&Relation> {
        self.relations.get(*self.relation_oids.get(&oid)?)
    }

    /// A relation by its schema's OID and its name.
    pub(crate) fn relation_named(&self, namespace: u32, name: &str) -> Option<&Relation> {
        self.relations
            .get(*self.relation_names.get(&namespace)?.get(name)?)
    }

    /// A role by OID.
    pub(crate) fn role(&self, oid: u32) -> Option<&Role> {
        self.roles.iter().find(|r| r.oid == oid)
    }

    /// A role by name.
    pub(crate) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|r| r.name == name)
    }

    /// A composite type by OID.
    pub(crate) fn composite(&self, oid: u32) -> Option<&Composite> {
        self.composites.iter().find(|c| c.oid == oid)
    }

    /// A type of the lake's own by its schema's OID and its name.
    pub(crate) fn own_type_named(&self, namespace: u32, name: &str) -> Option<&OwnType> {
        let mut types = self.own_types.values();
        types.find(|own| own.namespace == namespace && own.object.name == name)
    }

    /// A type of the lake's own by its OID or its arrays', and whether it is those.
    pub(crate) fn own_type(&self, oid: u32) -> Option<(&OwnType, bool)> {
        if let Some(own) = self.own_types.get(&oid) {
            return Some((own, false));
        }
        let mut types = self.own_types.values();
        types
            .find(|own| types::array_of_own(own.object.oid) == oid)
            .map(|own| (own, true))
    }

    /// Whether a relation is a session's own.
    pub(crate) fn is_temporary(&self, relation: &Relation) -> bool {
        is_temporary_schema(self.schema_name(relation.namespace))
    }

    /// Name of the schema with this OID, "" if there is none.
    pub(crate) fn schema_name(&self, oid: u32) -> &str {
        self.namespace(oid).map_or("", |n| n.name.as_str())
    }

    /// Name of the role with this OID as `pg_get_userbyid` gives it.
    pub(crate) fn role_name(&self, oid: u32) -> String {
        self.role(oid)
            .map_or_else(|| format!("unknown (OID={oid})"), |r| r.name.clone())
    }
}

impl Relation {
    /// Whether it belongs to the system schemas.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self.namespace, PG_CATALOG | INFORMATION_SCHEMA)
    }
}

/// A right that everybody has.
fn everybodys(owner: u32, privilege: Privilege) -> Grant {
    Grant {
        grantee: 0,
        grantor: owner,
        privilege: privilege.name().to_owned(),
        column: None,
        grantable: false,
    }
}

/// A field of `imaging.code` with what it means.
fn commented(field: &Field) -> Field {
    let meaning = match field.name().as_str() {
        "value" => "Code value (0008,0100), unique within the scheme",
        "scheme" => "Coding scheme designator (0008,0102): DCM, SCT, LN, ...",
        "meaning" => "Code meaning (0008,0104), for people to read",
        _ => return field.clone(),
    };
    let mut metadata = field.metadata().clone();
    let _ = metadata.insert("comment".to_owned(), meaning.to_owned());
    field.clone().with_metadata(metadata)
}

fn collect_structs(field: &Field, namespace: u32, found: &mut BTreeMap<u32, (u32, Fields)>) {
    match field.data_type() {
        DataType::Struct(fields) => {
            let pg = pg_type_of(field);
            if matches!(pg.kind, PgKind::Composite(_)) {
                found.entry(pg.oid).or_insert_with(|| (namespace, fields.clone()));
            }
            for inner in fields {
                collect_structs(inner, namespace, found);
            }
        }
        DataType::List(inner) | DataType::LargeList(inner) | DataType::FixedSizeList(inner, _) => {
            collect_structs(inner, namespace, found)
        }
        _ => {}
    }
}
