//! Actions of a Delta log, as far as plain tables have them: one JSON object a line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// A line of a commit. Fields that are not known here are ignored, as the protocol asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    Add(Add),
    Remove(Remove),
    #[serde(rename = "metaData")]
    Metadata(Metadata),
    Protocol(Protocol),
    Txn(Txn),
    DomainMetadata(DomainMetadata),
    CommitInfo(Value),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Add {
    /// URL-encoded, relative to the table.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) partition_values: BTreeMap<String, Option<String>>,
    pub(crate) size: u64,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(crate) modification_time: i64,
    #[serde(default)]
    pub(crate) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stats: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deletion_vector: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remove {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) deletion_timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extended_file_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    pub(crate) format: Format,
    pub(crate) schema_string: String,
    #[serde(default)]
    pub(crate) partition_columns: Vec<String>,
    #[serde(default)]
    pub(crate) configuration: BTreeMap<String, Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_time: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub(crate) provider: String,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, Option<String>>,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            provider: "parquet".into(),
            options: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Protocol {
    pub(crate) min_reader_version: i32,
    pub(crate) min_writer_version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reader_features: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) writer_features: Option<Vec<String>>,
}

/// An application transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Txn {
    pub(crate) app_id: String,
    pub(crate) version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_updated: Option<i64>,
}

/// Settings of a domain, which checkpoints carry on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DomainMetadata {
    pub(crate) domain: String,
    pub(crate) configuration: String,
    pub(crate) removed: bool,
}

/// Reader features under which a table is still plain.
const READER_FEATURES: &[&str] = &["timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"];

impl Protocol {
    /// What a table of ours asks of its readers and writers.
    pub(crate) fn of(timestamp_ntz: bool) -> Self {
        if timestamp_ntz {
            let features = Some(vec!["timestampNtz".to_owned()]);
            return Self {
                min_reader_version: 3,
                min_writer_version: 7,
                reader_features: features.clone(),
                writer_features: features,
            };
        }
        Self {
            min_reader_version: 1,
            min_writer_version: 2,
            reader_features: None,
            writer_features: None,
        }
    }

    /// Refuses, by name, what is not read here.
    pub(crate) fn check(&self, location: &str) -> Result<()> {
        if self.min_reader_version > 3 {
            return Err(feature(
                location,
                format!("reader version {}", self.min_reader_version),
            ));
        }
        match self
            .reader_features
            .iter()
            .flatten()
            .find(|name| !READER_FEATURES.contains(&name.as_str()))
        {
            Some(name) => Err(feature(location, name.clone())),
            None => Ok(()),
        }
    }
}

impl Metadata {
    /// Refuses, by name, what is not read here.
    pub(crate) fn check(&self, location: &str) -> Result<()> {
        let mode = self
            .configuration
            .get("delta.columnMapping.mode")
            .and_then(Option::as_deref);
        if mode.is_some_and(|mode| mode != "none") {
            return Err(feature(location, "columnMapping"));
        }
        if !self.partition_columns.is_empty() {
            return Err(feature(location, "partition columns"));
        }
        if !self.format.provider.eq_ignore_ascii_case("parquet") {
            return Err(feature(location, format!("format {}", self.format.provider)));
        }
        Ok(())
    }
}

impl Add {
    /// Refuses, by name, what is not read here.
    pub(crate) fn check(&self, location: &str) -> Result<()> {
        if self.deletion_vector.is_some() {
            Err(feature(location, "deletionVectors"))
        } else {
            Ok(())
        }
    }

    /// The action that takes this file out again.
    pub(crate) fn removal(&self, now: i64, data_change: bool) -> Remove {
        Remove {
            path: self.path.clone(),
            deletion_timestamp: Some(now),
            data_change,
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values.clone()),
            size: Some(self.size),
        }
    }
}

fn feature(location: &str, feature: impl Into<String>) -> Error {
    Error::Feature {
        location: location.to_owned(),
        feature: feature.into(),
    }
}

/// Reads a commit. One without a line is what a power cut leaves of a file whose writer did not wait for the disk, never a commit
/// that changes nothing: every writer says at least who it is.
pub(crate) fn parse_commit(path: &str, bytes: &[u8]) -> Result<Vec<Action>> {
    if bytes.trim_ascii().is_empty() {
        return Err(Error::damaged(path, "the commit is empty"));
    }
    parse_actions(path, bytes)
}

/// Reads actions, a line each; lines with none of those above (`cdc`, `sidecar`, …) are left out.
pub(crate) fn parse_actions(path: &str, bytes: &[u8]) -> Result<Vec<Action>> {
    let mut actions = Vec::new();
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
    {
        match serde_json::from_slice::<Action>(line) {
            Ok(action) => actions.push(action),
            Err(error) => {
                let value: Value =
                    serde_json::from_slice(line).map_err(|error| Error::damaged(path, error))?;
                let known = [
                    "add",
                    "remove",
                    "metaData",
                    "protocol",
                    "txn",
                    "domainMetadata",
                    "commitInfo",
                ];
                if value
                    .as_object()
                    .is_none_or(|object| known.iter().any(|key| object.contains_key(*key)))
                {
                    return Err(Error::damaged(path, error));
                }
            }
        }
    }
    Ok(actions)
}

/// Writes a commit.
pub(crate) fn write_commit(actions: &[Action]) -> Result<String> {
    let mut text = String::new();
    for action in actions {
        text.push_str(&serde_json::to_string(action)?);
        text.push('\n');
    }
    Ok(text)
}
