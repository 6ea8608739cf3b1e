//! Attaching a Delta table that somebody else wrote below the lake's folder: its log goes on where it ends.

use std::sync::Arc;

use object_store::path::Path;
use url::Url;

use super::Transaction;
use super::objects::check_columns;
use crate::delta::schema::{arrow_schema, delta_schema};
use crate::object::{Object, TableObject};
use crate::{Error, Result};

/// Features of writers that bind nobody unless the table's properties or columns say so, which [`check_writers`] looks for.
const WRITER_FEATURES: &[&str] = &[
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "identityColumns",
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

impl Transaction {
    /// Makes a table of the Delta table at `location`: a path below the lake's folder, relative or absolute, or its URL.
    /// Nothing is written to it.
    ///
    /// # Errors
    /// [`Error::Feature`] by name for what is not read or cannot be written here; [`Error::NotFound`] if there is no table;
    /// [`Error::Exists`] if a relation has the name, or a table the folder.
    pub async fn attach_table(&mut self, schema: &str, name: &str, location: &str) -> Result<TableObject> {
        let folder = self.folder_of(location)?;
        let taken = self
            .objects()
            .find(|object| matches!(object, Object::Table(table) if table.location == folder));
        if let Some(taken) = taken {
            return Err(Error::Exists {
                kind: "table",
                name: format!("{} (at {folder})", taken.qualified_name()),
            });
        }
        let storage = self.lake.storage();
        let log = crate::delta::below(&folder, "_delta_log");
        let listed = storage.list_after(&log, &log).await?;
        let versions = listed.iter().filter_map(|file| {
            let stem = file.location.filename()?.strip_suffix(".json")?;
            stem.parse::<i64>().ok().filter(|_| stem.len() == 20)
        });
        let version = versions
            .max()
            .ok_or_else(|| Error::not_found("Delta table", location))?;
        let files = self.lake.files(&folder, version).await?;
        let (Some(protocol), Some(metadata)) = (&files.protocol, &files.metadata) else {
            return Err(Error::damaged(&log, "there is no protocol or no schema in it"));
        };
        protocol.check(&folder)?;
        metadata.check(&folder)?;
        let feature = |feature: &str| Error::Feature {
            location: folder.clone(),
            feature: feature.to_owned(),
        };
        let unknown = protocol.writer_features.iter().flatten();
        if let Some(unknown) = unknown
            .into_iter()
            .find(|name| !WRITER_FEATURES.contains(&name.as_str()))
        {
            return Err(feature(unknown));
        }
        check_writers(&metadata.configuration, &metadata.schema_string).map_err(feature)?;
        let columns = arrow_schema(&metadata.schema_string)?;
        delta_schema(&columns)?;
        let mut table = TableObject::new(schema, name, columns);
        check_columns(&table)?;
        table.oid = self.allocate(0, &table.schema)?;
        table.location = folder;
        table.version = version;
        table.shrunk = version;
        table.lost = Some(version);
        table.columns.follow(&table.arrow_schema);
        table.delta_id = metadata.id.clone();
        table.rows = files.rows().unwrap_or_default();
        table.bytes = files.bytes();
        table.files = files.files.len() as u64;
        self.check_name(&Object::Table(table.clone()))?;
        self.attached.insert(table.oid);
        self.puts
            .insert(table.oid, Arc::new(Object::Table(table.clone())));
        self.recatalogued();
        Ok(table)
    }

    /// A folder below the lake's, relative to it.
    fn folder_of(&self, location: &str) -> Result<String> {
        let outside = || Error::Feature {
            location: location.to_owned(),
            feature: "a folder that is not below the lake's".into(),
        };
        let root = self.lake.url();
        let relative = match Url::parse(location) {
            Ok(url) if url.scheme().len() > 1 => {
                let path = url.as_str().strip_prefix(root.as_str()).ok_or_else(outside)?;
                let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
                decoded.map_err(|_| outside())?.into_owned()
            }
            _ if location.starts_with('/') => {
                let root = root.to_file_path().map_err(|()| outside())?;
                let path = std::path::Path::new(location).canonicalize();
                let path = path.map_err(|_| Error::not_found("Delta table", location))?;
                let below = path.strip_prefix(root).map_err(|_| outside())?;
                below.to_str().ok_or_else(outside)?.to_owned()
            }
            _ => location.to_owned(),
        };
        let relative = relative.trim_matches('/');
        let bad = |part: &str| part.is_empty() || part == ".." || part == "." || part.starts_with('_');
        if relative.split('/').any(bad) {
            return Err(outside());
        }
        Ok(Path::parse(relative).map_err(|_| outside())?.to_string())
    }
}

/// What other writers count on and writers here do not do, by name.
fn check_writers(
    configuration: &std::collections::BTreeMap<String, Option<String>>,
    schema: &str,
) -> std::result::Result<(), &'static str> {
    let on = |key: &str| {
        let value = configuration.get(key).and_then(Option::as_deref);
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    if on("delta.appendOnly") {
        return Err("appendOnly");
    }
    if on("delta.enableChangeDataFeed") {
        return Err("changeDataFeed");
    }
    if on("delta.enableRowTracking") {
        return Err("rowTracking");
    }
    if on("delta.enableDeletionVectors") {
        return Err("deletionVectors");
    }
    if configuration
        .keys()
        .any(|key| key.starts_with("delta.constraints."))
    {
        return Err("checkConstraints");
    }
    for (key, feature) in [
        ("\"delta.invariants\"", "invariants"),
        ("\"delta.generationExpression\"", "generatedColumns"),
        ("\"delta.identity.", "identityColumns"),
    ] {
        if schema.contains(key) {
            return Err(feature);
        }
    }
    Ok(())
}
