//! What the catalog functions see: the epoch's objects and the session, and how names resolve between them.

use std::fmt;
use std::sync::Arc;

use radlake_catalogs::is_temporary_schema;

use super::declared::{PG_CATALOG, PUBLIC};
use super::epoch_catalog::EpochCatalog;
use super::function::Function;
use super::model::{Model, Relation};
use super::names;
use super::presets;
use super::session::SessionView;
use super::types;
use super::{base_types, statics};
use crate::planner::PG_TEMP;

/// The epoch's catalog and the session that asks.
pub(crate) struct Context {
    pub(crate) catalog: Arc<EpochCatalog>,
    pub(crate) session: Arc<dyn SessionView>,
}

/// Functions hold one, and the query engine prints functions into messages that reach clients: it tells nothing of what is in it.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    pub(crate) fn model(&self) -> &Model {
        self.catalog.model()
    }

    /// The schemas searched for an unqualified name: `pg_catalog` first unless the path names it, then the path's that exist.
    pub(crate) fn path(&self) -> Vec<u32> {
        let mut path: Vec<u32> = self
            .session
            .search_path()
            .iter()
            .filter_map(|name| self.model().namespace_named(name))
            .map(|n| n.oid)
            .collect();
        if !path.contains(&PG_CATALOG) {
            let own = path.first().and_then(|first| self.model().namespace(*first));
            let after = own.is_some_and(|own| is_temporary_schema(&own.name));
            path.insert(usize::from(after), PG_CATALOG);
        }
        path
    }

    /// A setting: the session's, else one of PostgreSQL's that a lake answers with a constant.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        self.session
            .setting(name)
            .or_else(|| presets::preset(name).map(|p| p.value.to_owned()))
    }

    /// A relation by a possibly qualified name as SQL writes it.
    pub(crate) fn relation(&self, name: &str) -> Option<&Relation> {
        let parts = names::parse(name)?;
        let model = self.model();
        match parts.as_slice() {
            [relation] => self
                .path()
                .into_iter()
                .find_map(|namespace| model.relation_named(namespace, relation)),
            // The session's own.
            [schema, relation] if schema == PG_TEMP => {
                let path = self.session.search_path();
                let own = path.iter().find(|schema| is_temporary_schema(schema))?;
                model.relation_named(model.namespace_named(own)?.oid, relation)
            }
            [schema, relation] => model.relation_named(model.namespace_named(schema)?.oid, relation),
            [database, schema, relation] if *database == model.database => {
                model.relation_named(model.namespace_named(schema)?.oid, relation)
            }
            _ => None,
        }
    }

    /// Whether a relation is what its bare name means to this session.
    pub(crate) fn is_visible(&self, relation: &Relation, path: &[u32]) -> bool {
        path.iter()
            .find_map(|namespace| self.model().relation_named(*namespace, &relation.name))
            .is_some_and(|found| found.oid == relation.oid)
    }

    /// A relation's name, qualified unless visible, quoted where needed: what `regclass` shows.
    pub(crate) fn relation_name(&self, relation: &Relation) -> String {
        if self.is_visible(relation, &self.path()) {
            return names::quote(&relation.name);
        }
        names::qualified(self.model().schema_name(relation.namespace), &relation.name)
    }

    /// `format_type`: the SQL name of a type; None if there is none with this OID.
    pub(crate) fn type_name(&self, oid: u32, typmod: i32) -> Option<String> {
        if let Some(name) = types::format_builtin(oid, typmod) {
            return Some(name);
        }
        if let Some(base) = base_types::get(oid) {
            return Some(match base_types::get(base.elem) {
                Some(element) if base.category == "A" => {
                    format!("{}[]", self.type_name(element.oid, typmod)?)
                }
                _ => names::quote(&base.name),
            });
        }
        if let Some((own, array)) = self.model().own_type(oid) {
            let name = &own.object.name;
            let name = match self.path().contains(&own.namespace) {
                true => names::quote(name),
                false => names::qualified(self.model().schema_name(own.namespace), name),
            };
            return Some(if array { format!("{name}[]") } else { name });
        }
        self.row_type_name(oid).or_else(|| {
            self.row_type_name(oid.checked_sub(1)?)
                .map(|name| format!("{name}[]"))
        })
    }

    fn row_type_name(&self, oid: u32) -> Option<String> {
        let model = self.model();
        let (namespace, name) = match model.composite(oid) {
            Some(composite) => (composite.namespace, composite.name.as_str()),
            None => model
                .relations
                .iter()
                .find(|r| r.row_type == oid && oid != 0)
                .map(|r| (r.namespace, r.name.as_str()))?,
        };
        let visible = self.path().contains(&namespace);
        Some(if visible {
            names::quote(name)
        } else {
            names::qualified(model.schema_name(namespace), name)
        })
    }

    /// A type by the name SQL gives it (`integer`, `int4[]`, `imaging.code`, `"char"`), None if there is none.
    pub(crate) fn type_oid(&self, name: &str) -> Option<u32> {
        let name = name.trim();
        if let Some(element) = name.strip_suffix("[]") {
            let element = self.type_oid(element.trim_end_matches("[]"))?;
            if self.model().own_types.contains_key(&element) {
                return Some(types::array_of_own(element));
            }
            return base_types::get(element)
                .map_or(Some(element + 1), |t| Some(t.array))
                .filter(|oid| *oid != 0);
        }
        let lower = name.to_ascii_lowercase();
        let bare = lower.strip_prefix("pg_catalog.").unwrap_or(&lower);
        let bare = bare.split('(').next().unwrap_or(bare).trim();
        let suffix = lower.rsplit_once(')').map_or("", |(_, suffix)| suffix.trim());
        let spelled = if suffix.is_empty() {
            bare.to_owned()
        } else {
            format!("{bare} {suffix}")
        };
        if let Some(oid) = alias(&spelled) {
            return Some(oid);
        }
        let parts = names::parse(name.split('(').next().unwrap_or(name))?;
        let (schema, typname) = match parts.as_slice() {
            [typname] => (None, typname),
            [schema, typname] => (Some(self.model().namespace_named(schema)?.oid), typname),
            _ => return None,
        };
        let searched = schema.map_or_else(|| self.path(), |oid| vec![oid]);
        searched
            .into_iter()
            .find_map(|namespace| self.type_in(namespace, typname))
    }

    fn type_in(&self, namespace: u32, name: &str) -> Option<u32> {
        if let Some(base) = base_types::all()
            .iter()
            .find(|t| t.namespace == namespace && t.name == name)
        {
            return Some(base.oid);
        }
        let (element, array) = name.strip_prefix('_').map_or((name, 0), |element| (element, 1));
        if let Some(own) = self.model().own_type_named(namespace, element) {
            return Some(match array {
                0 => own.object.oid,
                _ => types::array_of_own(own.object.oid),
            });
        }
        let relation = self.model().relation_named(namespace, element)?;
        (relation.row_type != 0).then_some(relation.row_type + array)
    }

    /// The OID of a function by name: ours first, then PostgreSQL's.
    pub(crate) fn function_oid(&self, name: &str) -> Option<u32> {
        let bare = name.split('(').next().unwrap_or(name).trim();
        let parts = names::parse(bare)?;
        let function = parts.last()?;
        let schema = (parts.len() > 1)
            .then(|| parts.first().map(String::as_str))
            .flatten();
        let in_schema = |namespace: u32| {
            let of = |f: &&Function| f.made.as_ref().map_or(PUBLIC, |made| made.namespace) == namespace;
            let mut functions = self.model().functions.iter().filter(of);
            functions.find(|f| f.name == *function).map(|f| f.oid)
        };
        let ours = || in_schema(PUBLIC);
        let postgresqls = || statics::proc_oid(function).and_then(|oid| oid.try_into().ok());
        match schema {
            Some("pg_catalog") => postgresqls(),
            Some(name) => in_schema(self.model().namespace_named(name)?.oid),
            None => postgresqls()
                .or_else(|| self.path().into_iter().find_map(in_schema))
                .or_else(ours),
        }
    }
}

/// OIDs of types whose names are words of SQL's grammar rather than entries of `pg_type`.
pub(crate) fn alias(name: &str) -> Option<u32> {
    Some(match name {
        "boolean" | "bool" => 16,
        "\"char\"" => 18,
        "bigint" | "int8" => 20,
        "smallint" | "int2" => 21,
        "integer" | "int" | "int4" => 23,
        "real" | "float4" => 700,
        "double precision" | "float8" | "float" => 701,
        "character" | "char" => 1042,
        "character varying" | "varchar" => 1043,
        "time" | "time without time zone" => 1083,
        "timestamp" | "timestamp without time zone" => 1114,
        "timestamp with time zone" | "timestamptz" => 1184,
        "time with time zone" | "timetz" => 1266,
        "decimal" | "numeric" | "dec" => 1700,
        _ => return None,
    })
}
