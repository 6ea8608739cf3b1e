//! Checkpoints of a Delta log: the state of a table at a version as Parquet, from which readers start instead of from the first
//! commit (Delta protocol, "Checkpoints" and "Last Checkpoint File").
//!
//! Read are classic checkpoints of one file or several parts, and V2 checkpoints with their sidecars; written are classic ones of
//! one file, which every Delta reader knows. A row goes through JSON on both ways, so that a checkpoint's action is read and
//! written by the very code that does it for a commit's.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Deserialize;
use serde_json::{Value, json};

use super::action::{Action, Metadata, Protocol, parse_actions};
use crate::lake::Storage;
use crate::{Error, Result};

/// Actions that are turned into columns at a time.
const ROWS: usize = 8192;
/// Time for which a removed file is kept in the log, in milliseconds, unless the table says otherwise.
const TOMBSTONES_KEPT: i64 = 7 * 24 * 3_600_000;
/// What of a checkpoint's columns is an action that is read here. `add` may hold statistics twice, once as columns of the
/// table's own types: only those as JSON are taken.
const READ: &[&str] = &["protocol", "metaData", "add", "remove", "txn", "domainMetadata"];
const PARSED: &[&str] = &["add.stats_parsed", "add.partitionValues_parsed"];

/// A checkpoint that a log has.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Checkpoint {
    /// The version whose state it holds.
    pub(crate) version: i64,
    /// Its files, all of them.
    parts: Vec<Path>,
}

/// The whole checkpoints of a table's log up to `version`, the oldest first.
pub(crate) async fn list(storage: &Storage, table: &str, version: i64) -> Result<Vec<Checkpoint>> {
    let folder = super::below(table, "_delta_log");
    let files = storage.list_after(&folder, &folder).await?;
    let names = files.into_iter().map(|file| file.location);
    Ok(whole(
        names.filter(|name| name.parts().count() == folder.parts().count() + 1),
        version,
    ))
}

/// Which of the files are checkpoints up to `version` with none of their parts missing.
fn whole(files: impl Iterator<Item = Path>, version: i64) -> Vec<Checkpoint> {
    // By version and number of parts, as several writers may have made one each; a V2 checkpoint has a name of its own.
    let mut found: BTreeMap<(i64, usize, String), BTreeMap<usize, Path>> = BTreeMap::new();
    for file in files {
        let Some((at, part, parts, name)) = file.filename().and_then(parse_name) else {
            continue;
        };
        if at <= version {
            found.entry((at, parts, name)).or_default().insert(part, file);
        }
    }
    let complete = found
        .into_iter()
        .filter(|((_, parts, _), files)| files.len() == *parts);
    complete
        .map(|((version, ..), files)| Checkpoint {
            version,
            parts: files.into_values().collect(),
        })
        .collect()
}

/// Version, part, number of parts, and the name of a V2 checkpoint.
fn parse_name(file: &str) -> Option<(i64, usize, usize, String)> {
    let (version, rest) = file.split_once(".checkpoint.")?;
    if version.len() != 20 {
        return None;
    }
    let version = version.parse().ok()?;
    let words: Vec<&str> = rest.split('.').collect();
    match words.as_slice() {
        ["parquet"] => Some((version, 1, 1, String::new())),
        [part, parts, "parquet"] if part.len() == 10 && parts.len() == 10 => {
            Some((version, part.parse().ok()?, parts.parse().ok()?, String::new()))
        }
        [uuid, "parquet" | "json"] => Some((version, 1, 1, (*uuid).to_owned())),
        _ => None,
    }
}

impl Checkpoint {
    /// Its files.
    pub(crate) fn parts(&self) -> &[Path] {
        &self.parts
    }

    /// The actions that it holds.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the file's name, if one is missing or is no checkpoint.
    pub(crate) async fn read(&self, storage: &Storage, table: &str) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        for part in &self.parts {
            let content = read_file(storage, part).await?;
            let (more, sidecars) = if part.as_ref().ends_with(".json") {
                (parse_actions(part.as_ref(), &content)?, sidecars(&content))
            } else {
                let text = lines(part, content.clone(), READ)?;
                let named = lines(part, content, &["sidecar"])?;
                (parse_actions(part.as_ref(), &text)?, sidecars(&named))
            };
            actions.extend(more);
            for sidecar in sidecars {
                let path = super::below(table, format_args!("_delta_log/_sidecars/{sidecar}"));
                let text = lines(&path, read_file(storage, &path).await?, READ)?;
                actions.extend(parse_actions(path.as_ref(), &text)?);
            }
        }
        let has = |wanted: fn(&Action) -> bool| actions.iter().any(wanted);
        if !has(|action| matches!(action, Action::Protocol(_)))
            || !has(|action| matches!(action, Action::Metadata(_)))
        {
            let name = self.parts.first().map_or("", |part| part.as_ref());
            return Err(Error::damaged(name, "a checkpoint without protocol or metadata"));
        }
        Ok(actions)
    }
}

async fn read_file(storage: &Storage, path: &Path) -> Result<Bytes> {
    let content = storage.read(path).await?;
    content.ok_or_else(|| Error::damaged(path, "a file of a checkpoint is missing"))
}

/// The rows of a checkpoint's file, as the lines that a commit would have; columns other than `columns` are left out, and so are NULLs.
fn lines(path: &Path, content: Bytes, columns: &[&str]) -> Result<Vec<u8>> {
    let damaged = |error: &dyn std::fmt::Display| Error::damaged(path, error);
    let builder = ParquetRecordBatchReaderBuilder::try_new(content).map_err(|error| damaged(&error))?;
    let schema = builder.parquet_schema();
    let leaves: Vec<usize> = (0..schema.num_columns())
        .filter(|leaf| {
            let name = schema.column(*leaf).path().string();
            let within = |column: &str| {
                name.strip_prefix(column)
                    .is_some_and(|rest| rest.starts_with('.'))
            };
            columns.iter().any(|column| within(column)) && !PARSED.iter().any(|column| within(column))
        })
        .collect();
    if leaves.is_empty() {
        return Ok(Vec::new());
    }
    let mask = ProjectionMask::leaves(schema, leaves);
    let reader = builder.with_projection(mask).with_batch_size(ROWS).build();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    for batch in reader.map_err(|error| damaged(&error))? {
        writer.write(&batch.map_err(|error| damaged(&error))?)?;
    }
    writer.finish()?;
    // A row whose action is of another kind is an empty object: nothing to read.
    let mut text = Vec::new();
    for line in writer
        .into_inner()
        .split(|byte| *byte == b'\n')
        .filter(|line| *line != b"{}")
    {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    Ok(text)
}

/// Names of the sidecars that a V2 checkpoint points to.
fn sidecars(lines: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Line {
        sidecar: Option<Sidecar>,
    }
    #[derive(Deserialize)]
    struct Sidecar {
        path: String,
    }
    let lines = lines.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.sidecar)
        .map(|sidecar| sidecar.path)
        .collect()
}

/// What a log amounts to at a version: all that a checkpoint has to hold.
#[derive(Debug, Default)]
pub(crate) struct State {
    protocol: Option<Protocol>,
    metadata: Option<Metadata>,
    /// Adds and removes by the path as the log has it.
    files: HashMap<String, Action>,
    apps: HashMap<String, Action>,
    domains: HashMap<String, Action>,
}

impl State {
    /// Takes in the actions of the next version.
    pub(crate) fn apply(&mut self, actions: impl IntoIterator<Item = Action>) {
        let mut adds = Vec::new();
        for action in actions {
            match action {
                Action::Add(add) => adds.push(add),
                Action::Remove(remove) => {
                    self.files.insert(remove.path.clone(), Action::Remove(remove));
                }
                Action::Protocol(protocol) => self.protocol = Some(protocol),
                Action::Metadata(metadata) => self.metadata = Some(metadata),
                Action::Txn(txn) => {
                    self.apps.insert(txn.app_id.clone(), Action::Txn(txn));
                }
                Action::DomainMetadata(domain) if domain.removed => {
                    self.domains.remove(&domain.domain);
                }
                Action::DomainMetadata(domain) => {
                    self.domains
                        .insert(domain.domain.clone(), Action::DomainMetadata(domain));
                }
                Action::CommitInfo(_) => {}
            }
        }
        // As in a commit: a file that is removed and added at once stays.
        for mut add in adds {
            add.data_change = false;
            self.files.insert(add.path.clone(), Action::Add(add));
        }
    }

    /// The actions of a checkpoint at `now` (milliseconds since 1970), in an order that depends on nothing else.
    fn into_actions(self, location: &str, now: i64) -> Result<Vec<Action>> {
        let missing = || Error::damaged(location, "a log without protocol or metadata");
        let (protocol, metadata) = (
            self.protocol.ok_or_else(missing)?,
            self.metadata.ok_or_else(missing)?,
        );
        // A table with a retention of its own keeps its removed files: nothing is lost by that.
        let own = metadata
            .configuration
            .contains_key("delta.deletedFileRetentionDuration");
        let forgotten = |action: &Action| match action {
            Action::Remove(remove) => !own && remove.deletion_timestamp.unwrap_or(0) < now - TOMBSTONES_KEPT,
            _ => false,
        };
        let mut actions = vec![Action::Protocol(protocol), Action::Metadata(metadata)];
        for map in [self.apps, self.domains, self.files] {
            let mut entries: Vec<(String, Action)> = map.into_iter().collect();
            entries.sort_unstable_by(|left, right| left.0.cmp(&right.0));
            let kept = entries.into_iter().map(|(_, action)| action);
            actions.extend(kept.filter(|action| !forgotten(action)));
        }
        Ok(actions)
    }
}

/// Writes the checkpoint of `version`, whose state is given, and then names it as the last one.
pub(crate) async fn write(storage: &Storage, table: &str, version: i64, state: State) -> Result<()> {
    let now = chrono::Utc::now().timestamp_millis();
    let actions = state.into_actions(table, now)?;
    let adds = actions
        .iter()
        .filter(|action| matches!(action, Action::Add(_)))
        .count();
    let content = encode(&actions)?;
    let hint = json!({
        "version": version,
        "size": actions.len(),
        "sizeInBytes": content.len(),
        "numOfAddFiles": adds,
    });
    let path = super::below(table, format_args!("_delta_log/{version:020}.checkpoint.parquet"));
    storage.write(&path, content).await?;
    let path = super::below(table, "_delta_log/_last_checkpoint");
    storage.write(&path, hint.to_string()).await
}

fn encode(actions: &[Action]) -> Result<Vec<u8>> {
    let schema = schema();
    let level = ZstdLevel::try_new(3)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(8 * ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
    for some in actions.chunks(ROWS) {
        writer.write(&columns(&schema, some)?)?;
    }
    Ok(writer.into_inner()?)
}

fn columns(schema: &SchemaRef, actions: &[Action]) -> Result<RecordBatch> {
    let rows = actions
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<Vec<Value>, _>>()?;
    let mut decoder = ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(ROWS)
        .build_decoder()?;
    decoder.serialize(&rows)?;
    let batch = decoder.flush()?;
    batch.ok_or_else(|| Error::internal("a checkpoint of no actions"))
}

/// Columns of a classic checkpoint: one for each kind of action, names of nested fields as Parquet's own rules have them.
fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let long = |name: &str| Field::new(name, DataType::Int64, true);
    let int = |name: &str| Field::new(name, DataType::Int32, true);
    let flag = |name: &str| Field::new(name, DataType::Boolean, true);
    let list = |name: &str| {
        let element = Field::new("element", DataType::Utf8, true);
        Field::new(name, DataType::List(Arc::new(element)), true)
    };
    let map = |name: &str| {
        let entry = vec![Field::new("key", DataType::Utf8, false), text("value")];
        let entries = Field::new("key_value", DataType::Struct(entry.into()), false);
        Field::new(name, DataType::Map(Arc::new(entries), false), true)
    };
    let group =
        |name: &str, fields: Vec<Field>| Field::new(name, DataType::Struct(Fields::from(fields)), true);
    let must = |field: Field| field.with_nullable(false);
    Arc::new(Schema::new(vec![
        group(
            "txn",
            vec![must(text("appId")), must(long("version")), long("lastUpdated")],
        ),
        group(
            "add",
            vec![
                must(text("path")),
                must(map("partitionValues")),
                must(long("size")),
                must(long("modificationTime")),
                must(flag("dataChange")),
                text("stats"),
                map("tags"),
            ],
        ),
        group(
            "remove",
            vec![
                must(text("path")),
                long("deletionTimestamp"),
                must(flag("dataChange")),
                flag("extendedFileMetadata"),
                map("partitionValues"),
                long("size"),
            ],
        ),
        group(
            "metaData",
            vec![
                must(text("id")),
                text("name"),
                text("description"),
                must(group("format", vec![must(text("provider")), map("options")])),
                must(text("schemaString")),
                must(list("partitionColumns")),
                must(map("configuration")),
                long("createdTime"),
            ],
        ),
        group(
            "protocol",
            vec![
                must(int("minReaderVersion")),
                must(int("minWriterVersion")),
                list("readerFeatures"),
                list("writerFeatures"),
            ],
        ),
        group(
            "domainMetadata",
            vec![
                must(text("domain")),
                must(text("configuration")),
                must(flag("removed")),
            ],
        ),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_checkpoints_count() {
        let names = [
            "00000000000000000003.checkpoint.parquet",
            "00000000000000000004.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000005.checkpoint.0000000001.0000000002.parquet",
            "00000000000000000005.checkpoint.0000000002.0000000002.parquet",
            "00000000000000000006.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
            "00000000000000000009.checkpoint.parquet",
            "00000000000000000007.json",
            "_last_checkpoint",
            "3.checkpoint.parquet",
        ];
        let found = whole(
            names
                .iter()
                .map(|name| Path::from(format!("t/_delta_log/{name}"))),
            8,
        );
        let versions: Vec<(i64, usize)> = found.iter().map(|c| (c.version, c.parts.len())).collect();
        assert_eq!(versions, [(3, 1), (5, 2), (6, 1)]);
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["timestampNtz"],"writerFeatures":["timestampNtz"]}}
{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[]}","partitionColumns":[],"configuration":{"a":"b"},"createdTime":7}}
{"txn":{"appId":"é","version":4,"lastUpdated":9}}
{"domainMetadata":{"domain":"d","configuration":"{}","removed":false}}
{"add":{"path":"a%20b.parquet","partitionValues":{},"size":9007199254740993,"modificationTime":5,"dataChange":true,"stats":"{\"numRecords\":1}","tags":{"k":"v"}}}
{"remove":{"path":"gone.parquet","deletionTimestamp":9000000000000,"dataChange":true,"extendedFileMetadata":true,"partitionValues":{},"size":2}}
{"remove":{"path":"long gone.parquet","deletionTimestamp":1,"dataChange":true}}
"#;
        let mut state = State::default();
        state.apply(parse_actions("x", text.as_bytes()).expect("parses"));
        let actions = state.into_actions("t", 9_000_000_000_000).expect("whole");
        let content = encode(&actions).expect("encodes");
        let path = Path::from("c.parquet");
        let back = parse_actions("c", &lines(&path, content.into(), READ).expect("reads")).expect("parses");
        let show = |actions: &[Action]| -> Vec<Value> {
            let mut all: Vec<Value> = actions
                .iter()
                .map(|a| serde_json::to_value(a).expect("JSON"))
                .collect();
            all.sort_by_key(ToString::to_string);
            all
        };
        assert_eq!(show(&back), show(&actions));
        // Of seven actions the tombstone from 1970 is left out.
        assert_eq!(back.len(), 6);
        assert!(lines(&path, Bytes::from_static(b"PAR1 cut short"), READ).is_err());
    }
}
