//! The catalog's part of a transaction: objects made, changed and dropped, their OIDs, names and folders.

use std::collections::BTreeSet;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Transaction;
use crate::delta::schema::delta_schema;
use crate::lake::is_temporary_schema;
use crate::object::{Object, TableObject};
use crate::{Error, Result};

/// What a folder's name keeps as it is. The rest is written as `-` and two hexadecimal digits: a `-` means itself in URLs, in keys of
/// object stores and in file systems alike.
const FOLDER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_');

impl Transaction {
    /// Makes a table: gives it an OID and a folder. Rows can be appended at once.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is a relation of that name, [`Error::NotFound`] if there is no such schema.
    pub async fn create_table(&mut self, mut table: TableObject) -> Result<TableObject> {
        delta_schema(&table.arrow_schema)?;
        check_columns(&table)?;
        table.columns.follow(&table.arrow_schema);
        table.oid = self.allocate(table.oid, &table.schema)?;
        table.version = -1;
        table.delta_id = uuid::Uuid::new_v4().to_string();
        table.location = match is_temporary_schema(&table.schema) {
            true => table.oid.to_string(),
            false => self.free_folder(&table).await?,
        };
        self.check_name(&Object::Table(table.clone()))?;
        self.puts
            .insert(table.oid, Arc::new(Object::Table(table.clone())));
        self.recatalogued();
        Ok(table)
    }

    /// The folder of a table that was dropped, or of a foreign one, is left alone, whatever vacuum left of its log.
    async fn free_folder(&self, table: &TableObject) -> Result<String> {
        let wanted = folder(table);
        let log = crate::delta::below(&wanted, "_delta_log");
        Ok(
            match self.lake.storage().list_after(&log, &log).await?.is_empty() {
                true => wanted,
                false => format!("{wanted}-{}", table.oid),
            },
        )
    }

    /// Puts an object into the catalog: a new one without OID, or a changed one with it. Gives the OID. A table's
    /// changed columns go into its log too; a new table comes by [`Transaction::create_table`].
    ///
    /// # Errors
    /// [`Error::Exists`] if another object has the name.
    pub fn put_object(&mut self, object: impl Into<Object>) -> Result<u32> {
        let mut object = object.into();
        if let Object::Table(table) = &mut object {
            check_columns(table)?;
            let current = self.table(table.oid)?;
            // Where the rows are is not the caller's to say.
            table.location = current.location;
            table.version = current.version;
            table.delta_id = current.delta_id;
            // Nor is what a column's number has been.
            let mut columns = current.columns;
            columns.begin(&current.arrow_schema);
            if table.columns.is_none() {
                table.columns = columns.clone();
            }
            table.columns.beyond(&columns);
            table.columns.follow(&table.arrow_schema);
            delta_schema(&table.arrow_schema)?;
        }
        let oid = match object.oid() {
            0 => self.allocate(0, object.schema().unwrap_or_default())?,
            oid if self
                .object(oid)
                .is_some_and(|there| there.kind() == object.kind()) =>
            {
                oid
            }
            oid => return Err(Error::not_found(object.kind(), format!("with OID {oid}"))),
        };
        object.set_oid(oid);
        self.check_name(&object)?;
        self.puts.insert(oid, Arc::new(object));
        self.recatalogued();
        Ok(oid)
    }

    /// Takes an object out of the catalog. A table's files stay for older epochs, until vacuum.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is not there, [`Error::Invalid`] for a schema with relations in it.
    pub fn drop_object(&mut self, oid: u32) -> Result<()> {
        let object = self
            .object(oid)
            .cloned()
            .ok_or_else(|| Error::not_found("object", format!("with OID {oid}")))?;
        if let Object::Schema(schema) = &object
            && self
                .objects()
                .any(|object| object.schema() == Some(schema.name.as_str()))
        {
            return Err(Error::invalid(format!("schema \"{}\" is not empty", schema.name)));
        }
        self.puts.remove(&oid);
        self.tables.remove(&oid);
        if self.epoch.object(oid).is_some() {
            self.drops.insert(oid);
        }
        self.recatalogued();
        Ok(())
    }

    /// An object as this transaction has it so far.
    pub fn object(&self, oid: u32) -> Option<&Object> {
        if self.drops.contains(&oid) {
            return None;
        }
        self.puts
            .get(&oid)
            .or_else(|| self.epoch.object(oid))
            .map(Arc::as_ref)
    }

    /// All objects as this transaction has them so far.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let old = self.epoch.objects().map(Arc::as_ref);
        let old = old
            .filter(|object| !self.drops.contains(&object.oid()) && !self.puts.contains_key(&object.oid()));
        old.chain(self.puts.values().map(Arc::as_ref))
    }

    /// The OID of a new object in a schema.
    pub(super) fn allocate(&mut self, wanted: u32, schema: &str) -> Result<u32> {
        if wanted != 0 {
            return Err(Error::invalid(format!(
                "OID {wanted} is not the caller's to give"
            )));
        }
        if is_temporary_schema(schema) {
            return self.allocate_temporary();
        }
        let oid = self.next_oid;
        self.next_oid = oid
            .checked_add(1)
            .ok_or_else(|| Error::invalid("the lake has no OIDs left"))?;
        self.recatalogued();
        Ok(oid)
    }

    pub(super) fn check_name(&self, object: &Object) -> Result<()> {
        if object.name().is_empty() {
            return Err(Error::invalid(format!("a {} needs a name", object.kind())));
        }
        let space = |object: &Object| {
            object
                .schema()
                .map_or_else(|| object.kind().to_owned(), |name| format!(".{name}"))
        };
        let mine = space(object);
        if let Some(schema) = object.schema()
            && !self
                .objects()
                .any(|other| matches!(other, Object::Schema(other) if other.name == schema))
        {
            return Err(Error::not_found("schema", schema));
        }
        let taken = |other: &&Object| {
            other.oid() != object.oid() && other.name() == object.name() && space(other) == mine
        };
        match self.objects().find(taken) {
            Some(other) => Err(Error::Exists {
                kind: other.kind(),
                name: other.qualified_name(),
            }),
            None => Ok(()),
        }
    }
}

pub(super) fn folder(table: &TableObject) -> String {
    // Names that begin so are the lake's own, and hidden from other readers.
    let part = |name: &str| match utf8_percent_encode(name, FOLDER).to_string().replace('%', "-") {
        name if name.starts_with('_') => format!("-5F{}", &name[1..]),
        name => name,
    };
    format!("{}/{}", part(&table.schema), part(&table.name))
}

pub(super) fn check_columns(table: &TableObject) -> Result<()> {
    let mut seen = BTreeSet::new();
    for field in table.arrow_schema.fields() {
        // Parquet and Delta readers elsewhere do not tell columns apart by case.
        if field.name().is_empty() || !seen.insert(field.name().to_lowercase()) {
            return Err(Error::invalid(format!(
                "table {}: column \"{}\" twice",
                table.qualified_name(),
                field.name()
            )));
        }
    }
    match table
        .cluster_key
        .iter()
        .chain(&table.bloom_columns)
        .find(|name| table.arrow_schema.index_of(name).is_err())
    {
        Some(name) => Err(Error::invalid(format!(
            "table {} has no column \"{name}\"",
            table.qualified_name()
        ))),
        None => Ok(()),
    }
}
