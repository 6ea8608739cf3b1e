//! Files into tables: what each format gives, brought to one stream of rows that COPY takes.

pub(crate) mod columns;
pub(crate) mod infer;
pub(crate) mod rows;
pub(crate) mod source;

use std::path::Path;

/// What a file holds.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Csv,
    /// COPY's text format.
    Text,
    /// COPY's binary format.
    Binary,
    Ndjson,
    Parquet,
    /// Arrow IPC, as a file or a stream.
    Arrow,
}

impl Kind {
    /// By the name's end; that of a compressed file stands before `.gz` or `.zst`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let plain = [".gz", ".gzip", ".zst", ".zstd"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(&name);
        Some(match plain.rsplit_once('.')?.1 {
            "csv" => Self::Csv,
            "tsv" | "txt" | "tab" | "copy" => Self::Text,
            "ndjson" | "jsonl" | "json" => Self::Ndjson,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "ipc" | "feather" => Self::Arrow,
            _ => return None,
        })
    }

    /// COPY's name of the format, where it has one.
    pub(crate) fn copy(self) -> Option<&'static str> {
        match self {
            Self::Csv => Some("csv"),
            Self::Text => Some("text"),
            Self::Binary => Some("binary"),
            _ => None,
        }
    }
}
