//! An epoch: the whole catalog as one commit left it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::lake::{Apps, Temporary, is_temporary};
use crate::object::{FIRST_OID, Object, RoleObject, SchemaObject, TableObject, ViewObject};
use crate::sequence::SequenceObject;
use crate::user_type::{FunctionObject, TypeObject};
use crate::{Error, Result};

/// The catalog as one commit left it. Immutable; made once and shared.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// Number of the epoch = version of the catalog's Delta table.
    pub number: u64,
    /// When it was committed.
    pub committed_at: DateTime<Utc>,
    pub(crate) next_oid: u32,
    /// Application transactions that were published.
    pub(crate) apps: Apps,
    /// Tokens of the latest vacuums, newest last.
    pub(crate) vacuumed: Vec<String>,
    /// File of the catalog's Delta table that holds this epoch, and its size.
    pub(crate) file: (String, u64),
    objects: BTreeMap<u32, Arc<Object>>,
    schemas: BTreeMap<String, Arc<SchemaObject>>,
    relations: BTreeMap<String, BTreeMap<String, Relation>>,
    relations_by_oid: HashMap<u32, Relation>,
    types: Named<TypeObject>,
    functions: Named<FunctionObject>,
    roles: BTreeMap<String, Arc<RoleObject>>,
    settings: BTreeMap<String, String>,
    /// What a session has joined to it, and the epoch without that.
    joined: Option<(Temporary, Arc<Self>)>,
}

/// Objects by schema and name.
type Named<T> = BTreeMap<String, BTreeMap<String, Arc<T>>>;

/// A table, a view or a sequence: they share one space of names.
#[derive(Debug, Clone)]
pub enum Relation {
    /// A table.
    Table(Arc<TableObject>),
    /// A view.
    View(Arc<ViewObject>),
    /// A sequence.
    Sequence(Arc<SequenceObject>),
}

impl Relation {
    /// Identity.
    pub fn oid(&self) -> u32 {
        match self {
            Self::Table(table) => table.oid,
            Self::View(view) => view.oid,
            Self::Sequence(sequence) => sequence.oid,
        }
    }

    /// Name within its schema.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
            Self::Sequence(sequence) => &sequence.name,
        }
    }

    /// Schema it is in.
    pub fn schema(&self) -> &str {
        match self {
            Self::Table(table) => &table.schema,
            Self::View(view) => &view.schema,
            Self::Sequence(sequence) => &sequence.schema,
        }
    }
}

impl Epoch {
    /// Indexes `objects`; refuses two of one name.
    pub(crate) fn new(
        number: u64,
        committed_at: DateTime<Utc>,
        next_oid: u32,
        apps: Apps,
        all: impl IntoIterator<Item = Arc<Object>>,
    ) -> Result<Self> {
        let mut epoch = Self {
            number,
            committed_at,
            next_oid: next_oid.max(FIRST_OID),
            apps,
            vacuumed: Vec::new(),
            file: (String::new(), 0),
            objects: BTreeMap::new(),
            schemas: BTreeMap::new(),
            relations: BTreeMap::new(),
            relations_by_oid: HashMap::new(),
            types: BTreeMap::new(),
            functions: BTreeMap::new(),
            roles: BTreeMap::new(),
            settings: BTreeMap::new(),
            joined: None,
        };
        for object in all {
            epoch.index(object)?;
        }
        epoch.check_schemas()?;
        Ok(epoch)
    }

    /// What changes make of `base`: `puts` are new or changed, `drops` go. What stays is shared, not copied.
    pub(crate) fn upon(
        base: &Self,
        (number, committed_at): (u64, DateTime<Utc>),
        next_oid: u32,
        puts: Vec<Arc<Object>>,
        drops: impl IntoIterator<Item = u32>,
    ) -> Result<Self> {
        let mut epoch = base.clone();
        (epoch.number, epoch.committed_at) = (number, committed_at);
        epoch.next_oid = next_oid.max(base.next_oid);
        epoch.file = (String::new(), 0);
        // All that go first, so that names may change hands.
        for oid in drops.into_iter().chain(puts.iter().map(|object| object.oid())) {
            epoch.unindex(oid);
        }
        for object in puts {
            epoch.index(object)?;
        }
        epoch.check_schemas()?;
        Ok(epoch)
    }

    fn check_schemas(&self) -> Result<()> {
        let within = self.relations.keys();
        let mut within = within.chain(self.types.keys()).chain(self.functions.keys());
        match within.find(|schema| !self.schemas.contains_key(*schema)) {
            Some(schema) => Err(Error::not_found("schema", schema.clone())),
            None => Ok(()),
        }
    }

    fn unindex(&mut self, oid: u32) {
        let Some(object) = self.objects.remove(&oid) else {
            return;
        };
        match object.as_ref() {
            Object::Schema(schema) => drop(self.schemas.remove(&schema.name)),
            Object::Table(_) | Object::View(_) | Object::Sequence(_) => {
                self.relations_by_oid.remove(&oid);
                if let Some(schema) = object.schema()
                    && let Some(relations) = self.relations.get_mut(schema)
                {
                    relations.remove(object.name());
                    if relations.is_empty() {
                        self.relations.remove(schema);
                    }
                }
            }
            Object::Type(own) => remove(&mut self.types, &own.schema, &own.name),
            Object::Function(function) => remove(&mut self.functions, &function.schema, &function.name),
            Object::Role(role) => drop(self.roles.remove(&role.name)),
            Object::Setting(setting) => drop(self.settings.remove(&setting.name)),
        }
    }

    fn index(&mut self, object: Arc<Object>) -> Result<()> {
        let oid = object.oid();
        let taken = match object.as_ref() {
            Object::Schema(schema) => self
                .schemas
                .insert(schema.name.clone(), Arc::new(schema.clone()))
                .is_some(),
            Object::Table(table) => self.relation(Relation::Table(Arc::new(table.clone()))),
            Object::View(view) => self.relation(Relation::View(Arc::new(view.clone()))),
            Object::Sequence(sequence) => self.relation(Relation::Sequence(Arc::new(sequence.clone()))),
            Object::Type(own) => {
                let types = self.types.entry(own.schema.clone()).or_default();
                types.insert(own.name.clone(), Arc::new(own.clone())).is_some()
            }
            Object::Function(function) => {
                let functions = self.functions.entry(function.schema.clone()).or_default();
                let function = Arc::new(function.clone());
                functions.insert(function.name.clone(), function).is_some()
            }
            Object::Role(role) => self
                .roles
                .insert(role.name.clone(), Arc::new(role.clone()))
                .is_some(),
            Object::Setting(setting) => self
                .settings
                .insert(setting.name.clone(), setting.value.clone())
                .is_some(),
        };
        if taken {
            return Err(Error::Exists {
                kind: object.kind(),
                name: object.qualified_name(),
            });
        }
        let given = oid < self.next_oid || is_temporary(oid);
        if oid == 0 || !given || self.objects.insert(oid, Arc::clone(&object)).is_some() {
            return Err(Error::internal(format!(
                "{} {} has OID {oid}",
                object.kind(),
                object.qualified_name()
            )));
        }
        Ok(())
    }

    fn relation(&mut self, relation: Relation) -> bool {
        self.relations_by_oid.insert(relation.oid(), relation.clone());
        let schema = self.relations.entry(relation.schema().to_owned()).or_default();
        schema.insert(relation.name().to_owned(), relation).is_some()
    }

    /// The temporary objects of the session that reads it, which are among its own.
    pub fn temporary(&self) -> Option<&Temporary> {
        self.joined.as_ref().map(|(temporary, _)| temporary)
    }

    /// The epoch without the temporary objects that were joined to it.
    pub(crate) fn plain(&self) -> Option<&Arc<Self>> {
        self.joined.as_ref().map(|(_, plain)| plain)
    }

    pub(crate) fn set_joined(&mut self, temporary: Temporary, plain: Arc<Self>) {
        self.joined = Some((temporary, plain));
    }

    /// All schemas, by name.
    pub fn schemas(&self) -> impl ExactSizeIterator<Item = &Arc<SchemaObject>> {
        self.schemas.values()
    }

    /// A schema.
    pub fn schema(&self, name: &str) -> Option<&Arc<SchemaObject>> {
        self.schemas.get(name)
    }

    /// Tables and views of a schema, by name.
    pub fn relations(&self, schema: &str) -> impl Iterator<Item = &Relation> {
        self.relations.get(schema).into_iter().flat_map(BTreeMap::values)
    }

    /// Tables and views of all schemas, by schema and name.
    pub fn all_relations(&self) -> impl Iterator<Item = &Relation> {
        self.relations.values().flat_map(BTreeMap::values)
    }

    /// A table or a view.
    pub fn get_relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.get(schema)?.get(name)
    }

    /// A table or a view by its OID.
    pub fn relation_by_oid(&self, oid: u32) -> Option<&Relation> {
        self.relations_by_oid.get(&oid)
    }

    /// A table.
    pub fn table(&self, schema: &str, name: &str) -> Option<&Arc<TableObject>> {
        match self.get_relation(schema, name)? {
            Relation::Table(table) => Some(table),
            Relation::View(_) | Relation::Sequence(_) => None,
        }
    }

    /// A table by its OID.
    pub fn table_by_oid(&self, oid: u32) -> Option<&Arc<TableObject>> {
        match self.relation_by_oid(oid)? {
            Relation::Table(table) => Some(table),
            Relation::View(_) | Relation::Sequence(_) => None,
        }
    }

    /// All tables.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableObject>> {
        self.all_relations().filter_map(|relation| match relation {
            Relation::Table(table) => Some(table),
            Relation::View(_) | Relation::Sequence(_) => None,
        })
    }

    /// A view.
    pub fn view(&self, schema: &str, name: &str) -> Option<&Arc<ViewObject>> {
        match self.get_relation(schema, name)? {
            Relation::View(view) => Some(view),
            Relation::Table(_) | Relation::Sequence(_) => None,
        }
    }

    /// A sequence by its OID.
    pub fn sequence(&self, oid: u32) -> Option<&Arc<SequenceObject>> {
        match self.relation_by_oid(oid)? {
            Relation::Sequence(sequence) => Some(sequence),
            Relation::Table(_) | Relation::View(_) => None,
        }
    }

    /// All sequences.
    pub fn sequences(&self) -> impl Iterator<Item = &Arc<SequenceObject>> {
        self.all_relations().filter_map(|relation| match relation {
            Relation::Sequence(sequence) => Some(sequence),
            Relation::Table(_) | Relation::View(_) => None,
        })
    }

    /// A type of the lake's own.
    pub fn own_type(&self, schema: &str, name: &str) -> Option<&Arc<TypeObject>> {
        self.types.get(schema)?.get(name)
    }

    /// A type of the lake's own by its OID.
    pub fn own_type_by_oid(&self, oid: u32) -> Option<&TypeObject> {
        match self.object(oid)?.as_ref() {
            Object::Type(own) => Some(own),
            _ => None,
        }
    }

    /// All types of the lake's own, by schema and name.
    pub fn own_types(&self) -> impl Iterator<Item = &Arc<TypeObject>> {
        self.types.values().flat_map(BTreeMap::values)
    }

    /// A function in SQL.
    pub fn function(&self, schema: &str, name: &str) -> Option<&Arc<FunctionObject>> {
        self.functions.get(schema)?.get(name)
    }

    /// All functions in SQL, by schema and name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<FunctionObject>> {
        self.functions.values().flat_map(BTreeMap::values)
    }

    /// All roles, by name.
    pub fn roles(&self) -> impl ExactSizeIterator<Item = &Arc<RoleObject>> {
        self.roles.values()
    }

    /// A role.
    pub fn role(&self, name: &str) -> Option<&Arc<RoleObject>> {
        self.roles.get(name)
    }

    /// Settings of the whole lake.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// All objects, by OID.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// An object by its OID.
    pub fn object(&self, oid: u32) -> Option<&Arc<Object>> {
        self.objects.get(&oid)
    }

    /// Highest sequence number that an application has published.
    pub fn app_sequence(&self, app_id: &str) -> Option<i64> {
        self.apps.get(app_id).map(|app| app.sequence)
    }
}

fn remove<T>(all: &mut Named<T>, schema: &str, name: &str) {
    if let Some(within) = all.get_mut(schema) {
        within.remove(name);
        if within.is_empty() {
            all.remove(schema);
        }
    }
}
