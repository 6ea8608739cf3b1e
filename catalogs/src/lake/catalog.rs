//! The catalog's Delta table: one Parquet file per epoch, a row per object.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::apps::{App, Apps};
use crate::epoch::Epoch;
use crate::object::Object;
use crate::{Error, Result};

/// Folder of the catalog's Delta table, relative to the lake.
pub(crate) const CATALOG: &str = "_radlake/catalog";
/// Format of lakes that this program writes, and the newest it reads.
pub const FORMAT: u64 = 1;

/// Columns of the catalog's table.
pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let column = |name: &str, data_type, comment: &str| {
        Field::new(name, data_type, true).with_metadata([("comment".to_owned(), comment.to_owned())].into())
    };
    Arc::new(Schema::new(vec![
        column(
            "kind",
            DataType::Utf8,
            "schema, table, view, role, setting; app: an application transaction; lake: the lake itself",
        ),
        column("oid", DataType::Int64, "Identity, never used twice"),
        column("schema", DataType::Utf8, "Schema of a relation"),
        column(
            "name",
            DataType::Utf8,
            "Name; of an application transaction its id",
        ),
        column("definition", DataType::Utf8, "The object as JSON"),
        column(
            "location",
            DataType::Utf8,
            "Folder of a table, relative to the lake",
        ),
        column(
            "version",
            DataType::Int64,
            "Pinned version of a table's Delta log; sequence number of an application transaction",
        ),
    ]))
});

#[derive(Serialize, Deserialize)]
struct LakeRow {
    format: u64,
    next_oid: u32,
    /// Newest last: see [`super::vacuumed`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    vacuumed: Vec<String>,
}

#[derive(Default)]
struct Columns {
    kind: Vec<String>,
    oid: Vec<Option<i64>>,
    schema: Vec<Option<String>>,
    name: Vec<String>,
    definition: Vec<String>,
    location: Vec<Option<String>>,
    version: Vec<Option<i64>>,
}

/// The Parquet file of an epoch. The same epoch makes the same bytes.
pub(crate) fn encode(epoch: &Epoch) -> Result<Bytes> {
    let mut columns = Columns::default();
    let lake = serde_json::to_string(&LakeRow {
        format: FORMAT,
        next_oid: epoch.next_oid,
        vacuumed: epoch.vacuumed.clone(),
    })?;
    columns.push(("lake", "radlake"), None, None, lake, None, None);
    for object in epoch.objects() {
        let (location, version) = match object.as_ref() {
            Object::Table(table) => (Some(table.location.clone()), Some(table.version)),
            _ => (None, None),
        };
        let schema = object.schema().map(str::to_owned);
        let definition = serde_json::to_string(object)?;
        columns.push(
            (object.kind(), object.name()),
            Some(object.oid().into()),
            schema,
            definition,
            location,
            version,
        );
    }
    for (id, app) in &epoch.apps {
        columns.push(
            ("app", id),
            None,
            None,
            serde_json::to_string(app)?,
            None,
            Some(app.sequence),
        );
    }
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(columns.kind)),
        Arc::new(Int64Array::from(columns.oid)),
        Arc::new(StringArray::from(columns.schema)),
        Arc::new(StringArray::from(columns.name)),
        Arc::new(StringArray::from(columns.definition)),
        Arc::new(StringArray::from(columns.location)),
        Arc::new(Int64Array::from(columns.version)),
    ];
    let schema = crate::delta::schema::physical_schema(&SCHEMA)?;
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?.into())
}

impl Columns {
    fn push(
        &mut self,
        (kind, name): (&str, &str),
        oid: Option<i64>,
        schema: Option<String>,
        definition: String,
        location: Option<String>,
        version: Option<i64>,
    ) {
        self.kind.push(kind.to_owned());
        self.oid.push(oid);
        self.schema.push(schema);
        self.name.push(name.to_owned());
        self.definition.push(definition);
        self.location.push(location);
        self.version.push(version);
    }
}

/// Reads the file of an epoch.
pub(crate) fn decode(
    number: u64,
    committed_at: DateTime<Utc>,
    path: &str,
    bytes: Bytes,
    lake: &str,
) -> Result<Epoch> {
    let size = bytes.len() as u64;
    let damaged = |reason: &str| Error::damaged(path, reason);
    let unreadable = |error: &dyn std::fmt::Display| Error::damaged(path, error);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
    let reader = reader.map_err(|error| unreadable(&error))?;
    let mut vacuumed = Vec::new();
    let (mut next_oid, mut apps, mut objects) = (None, Apps::new(), Vec::new());
    for batch in reader {
        let batch = batch.map_err(|error| unreadable(&error))?;
        let text = |name: &str| -> Result<StringArray> {
            let column = batch
                .column_by_name(name)
                .and_then(|column| column.as_string_opt::<i32>());
            Ok(column.ok_or_else(|| damaged("a column is missing"))?.clone())
        };
        let (kinds, names, definitions) = (text("kind")?, text("name")?, text("definition")?);
        let versions = batch
            .column_by_name("version")
            .and_then(|column| column.as_primitive_opt::<Int64Type>());
        let versions = versions.ok_or_else(|| damaged("a column is missing"))?;
        for row in 0..batch.num_rows() {
            let definition = definitions.value(row);
            match kinds.value(row) {
                "lake" => {
                    let row: LakeRow =
                        serde_json::from_str(definition).map_err(|error| unreadable(&error))?;
                    if row.format > FORMAT {
                        return Err(Error::Format {
                            url: lake.to_owned(),
                            found: row.format,
                            known: FORMAT,
                        });
                    }
                    next_oid = Some(row.next_oid);
                    vacuumed = row.vacuumed;
                }
                "app" => {
                    let mut app: App =
                        serde_json::from_str(definition).map_err(|error| unreadable(&error))?;
                    app.sequence = versions.value(row);
                    apps.insert(names.value(row).to_owned(), app);
                }
                _ => {
                    let object: Object = serde_json::from_str(definition)
                        .map_err(|error| Error::damaged(path, format!("{}: {error}", names.value(row))))?;
                    objects.push(Arc::new(object));
                }
            }
        }
    }
    let next_oid = next_oid.ok_or_else(|| damaged("the lake's own row is missing"))?;
    let mut epoch = Epoch::new(number, committed_at, next_oid, apps, objects)?;
    epoch.file = (path.to_owned(), size);
    epoch.vacuumed = vacuumed;
    Ok(epoch)
}
