//! Tables on Delta: their logs, their files, their scans.

use object_store::path::Path;

pub(crate) mod action;
pub(crate) mod checkpoint;
pub(crate) mod files;
pub(crate) mod log;
pub(crate) mod present;
mod prune;
pub(crate) mod reader;
mod rowids;
pub mod schema;
pub(crate) mod stats;
mod table;
pub(crate) mod writer;

pub use files::DataFile;
pub use rowids::{FILE_COLUMN, ROW_COLUMN, RowIds};
pub use table::LakeTable;

/// What is wrong with a file that the log names and the store does not have.
pub(crate) const MISSING: &str = "the data file is missing";

/// What is wrong with a file of another size than the log says.
pub(crate) fn wrong_size(found: u64, logged: u64) -> String {
    format!("the data file has {found} bytes, the log says {logged}")
}

/// What stands below a table's folder. `Path::from` would encode a `~` or `%` of the folder's name once more, and look elsewhere
/// than a reader who takes the name as it is.
pub(crate) fn below(folder: &str, name: impl std::fmt::Display) -> Path {
    path(&format!("{folder}/{name}"))
}

/// A path relative to the lake, as its text says; one that no store could hold is encoded, and found nowhere.
pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap_or_else(|_| Path::from(text))
}

/// Rows that the statistics of a file tell of.
pub(crate) fn stats_rows(stats: Option<&str>) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Rows {
        #[serde(rename = "numRecords")]
        rows: Option<u64>,
    }
    serde_json::from_str::<Rows>(stats?).ok()?.rows
}
