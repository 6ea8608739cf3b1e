//! The catalog's model from an epoch's objects.

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::ScalarUDF;
use radlake_catalogs::{
    Epoch, FunctionObject, Grant, Relation as EpochRelation, RowSecurity, TypeDefinition,
};
use std::collections::HashMap;
use std::sync::Arc;

use super::declared::{INFORMATION_SCHEMA, PG_CATALOG, PUBLIC};
use super::epoch_catalog::EpochCatalog;
use super::function;
use super::function::{Function, Made};
use super::keys;
use super::model::{Model, Namespace, OwnType, Relation, Role};
use super::types::{self, PgKind, PgType};
use super::{base_types, context, names};
use crate::policy::{FUNCTIONS, Privilege, settle};
use crate::write::view::MATERIALIZED;

/// What the system catalogs are made of.
#[derive(Debug)]
pub(super) struct Source {
    epoch: Arc<Epoch>,
    database: &'static str,
    functions: Arc<[Arc<ScalarUDF>]>,
}

impl EpochCatalog {
    /// The system catalogs at `epoch` of a lake shown as the database `database`; `functions` are those of ours that users call.
    ///
    /// Reads the epoch alone, and only once somebody asks: views show the columns that their objects carry.
    #[must_use]
    pub fn new(epoch: Arc<Epoch>, database: &'static str, functions: Arc<[Arc<ScalarUDF>]>) -> Self {
        Self::from_source(Source {
            epoch,
            database,
            functions,
        })
    }
}

impl Source {
    /// Every object of the epoch, as PostgreSQL would list it.
    pub(super) fn model(&self) -> Model {
        let epoch = self.epoch.as_ref();
        let namespaces: Vec<Namespace> = epoch
            .schemas()
            .map(|s| {
                let mut schema = s.as_ref().clone();
                settle(&mut schema);
                Namespace {
                    oid: system_oid(&schema.name, schema.oid),
                    name: schema.name,
                    owner: schema.owner,
                    comment: schema.comment,
                    grants: schema.grants,
                }
            })
            .collect();
        let by_name: HashMap<&str, u32> = namespaces.iter().map(|n| (n.name.as_str(), n.oid)).collect();
        let mut relations: Vec<Relation> = epoch
            .all_relations()
            .filter_map(|r| by_name.get(r.schema()).map(|namespace| relation(r, *namespace)))
            .collect();
        let (mut constraints, mut indexes) = (Vec::new(), Vec::new());
        for (table, namespace) in keys::tables(epoch, |schema| by_name.get(schema).copied()) {
            let (of_table, own, as_relations) = keys::of(epoch, table, namespace);
            constraints.extend(of_table);
            indexes.extend(own);
            relations.extend(as_relations);
        }
        let roles = epoch
            .roles()
            .map(|r| Role {
                oid: r.oid,
                name: r.name.clone(),
                superuser: r.superuser,
                login: r.login,
                comment: r.comment.clone(),
                noinherit: r.noinherit,
                createrole: r.createrole,
                bypassrls: r.bypassrls,
                connection_limit: r.connection_limit,
                valid_until: r.valid_until.clone(),
                memberships: r.memberships.clone(),
                default_rights: r.default_rights.clone(),
            })
            .collect();
        let mut functions = function::describe(&self.functions);
        if let Some(schema) = epoch.schema(FUNCTIONS) {
            for function in &mut functions {
                function.grants = schema.functions.get(&function.name).cloned();
            }
        }
        functions.extend(epoch.functions().filter_map(|object| {
            let namespace = *by_name.get(object.schema.as_str())?;
            Some(made(object, namespace, epoch))
        }));
        let own_types = epoch.own_types().filter_map(|object| {
            let own = OwnType {
                namespace: *by_name.get(object.schema.as_str())?,
                base: match &object.definition {
                    TypeDefinition::Enum { .. } => 0,
                    TypeDefinition::Domain(domain) => type_named(&domain.base, epoch).oid,
                },
                object: Arc::clone(object),
            };
            Some((object.oid, own))
        });
        let own_types = own_types.collect();
        Model {
            own_types,
            database: self.database.to_owned(),
            namespaces,
            relations,
            sequences: epoch.sequences().map(|s| (s.oid, Arc::clone(s))).collect(),
            constraints,
            indexes,
            roles,
            functions,
            ..Model::default()
        }
    }
}

/// Schemas that every PostgreSQL has keep its OIDs, by which functions and types refer to them.
fn system_oid(name: &str, oid: u32) -> u32 {
    match name {
        "pg_catalog" => PG_CATALOG,
        "information_schema" => INFORMATION_SCHEMA,
        "public" => PUBLIC,
        _ => oid,
    }
}

fn relation(relation: &EpochRelation, namespace: u32) -> Relation {
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    match relation {
        EpochRelation::Table(t) => Relation {
            oid: t.oid,
            namespace,
            name: t.name.clone(),
            kind: if t.properties.contains_key(MATERIALIZED) {
                "m"
            } else {
                "r"
            },
            owner: t.owner,
            comment: t.comment.clone(),
            schema: Arc::clone(&t.arrow_schema),
            rows: count(t.rows),
            bytes: count(t.bytes),
            sql: t.properties.get(MATERIALIZED).cloned(),
            row_type: types::row_type_of(t.oid),
            grants: t.grants.clone(),
            row_security: t.row_security.clone(),
        },
        EpochRelation::Sequence(s) => Relation {
            oid: s.oid,
            namespace,
            name: s.name.clone(),
            kind: "S",
            owner: s.owner,
            comment: s.comment.clone(),
            schema: crate::sequences::columns(),
            rows: 1,
            bytes: 0,
            sql: None,
            row_type: 0,
            grants: s.grants.clone(),
            row_security: RowSecurity::default(),
        },
        EpochRelation::View(v) => Relation {
            oid: v.oid,
            namespace,
            name: v.name.clone(),
            kind: "v",
            owner: v.owner,
            comment: v.comment.clone(),
            schema: v.columns.clone().unwrap_or_else(no_columns),
            rows: -1,
            bytes: 0,
            sql: Some(v.sql.clone()),
            row_type: types::row_type_of(v.oid),
            grants: v.grants.clone(),
            row_security: RowSecurity::default(),
        },
    }
}

/// A function in SQL.
fn made(object: &Arc<FunctionObject>, namespace: u32, epoch: &Epoch) -> Function {
    let arguments = object.arguments.iter();
    let names = arguments.clone().map(|argument| argument.name.clone());
    let mut grants = object.grants.clone();
    if object.owner != 0 {
        grants.push(Grant {
            grantee: object.owner,
            grantor: object.owner,
            privilege: Privilege::Execute.name().to_owned(),
            column: None,
            grantable: false,
        });
    }
    Function {
        oid: object.oid,
        name: object.name.clone(),
        arguments: arguments
            .map(|argument| type_named(&argument.data_type, epoch))
            .collect(),
        argument_names: names.collect::<Option<Vec<_>>>().unwrap_or_default(),
        result: match object.returns.columns.is_empty() {
            true => type_named(&object.returns.data_type, epoch),
            false => scalar(RECORD),
        },
        volatility: match object.volatility.as_str() {
            "immutable" => "i",
            "stable" => "s",
            _ => "v",
        },
        comment: object.comment.clone(),
        grants: Some(grants),
        made: Some(Made {
            namespace,
            object: Arc::clone(object),
        }),
    }
}

/// `record`.
const RECORD: u32 = 2249;

fn scalar(oid: u32) -> PgType {
    PgType {
        oid,
        typmod: -1,
        len: base_types::get(oid).map_or(-1, |base| base.len),
        kind: PgKind::Scalar,
    }
}

/// A type that is kept as text.
fn type_named(text: &str, epoch: &Epoch) -> PgType {
    if let Some(element) = text.trim().strip_suffix("[]") {
        let element = type_named(element, epoch);
        return PgType {
            oid: element.array_oid(),
            typmod: -1,
            len: -1,
            kind: PgKind::Array(Box::new(element)),
        };
    }
    let lower = text.to_lowercase();
    let (bare, rest) = lower.split_once('(').unwrap_or((&lower, ""));
    let rest = rest.split_once(')').map_or("", |(_, rest)| rest);
    let spelled = format!("{}{rest}", bare.trim());
    let known = base_types::all().iter().find(|base| base.name == spelled);
    if let Some(oid) = context::alias(&spelled).or_else(|| known.map(|base| base.oid)) {
        return scalar(oid);
    }
    match names::parse(text).as_deref() {
        Some([schema, name]) => epoch.own_type(schema, name).map_or_else(
            || scalar(0),
            |own| match &own.definition {
                TypeDefinition::Enum { .. } => types::enumeration(own.oid),
                TypeDefinition::Domain(_) => scalar(own.oid),
            },
        ),
        _ => scalar(0),
    }
}

fn no_columns() -> SchemaRef {
    Arc::new(Schema::empty())
}
