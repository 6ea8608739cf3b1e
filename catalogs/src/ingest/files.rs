//! `imaging.files`: a row for every file that was offered and what became of it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileRow {
    pub(crate) uri: String,
    pub(crate) size: Option<u64>,
    pub(crate) modified_us: Option<i64>,
    pub(crate) status: Status,
    pub(crate) reason_code: Option<&'static str>,
    pub(crate) reason: Option<String>,
    pub(crate) sop_instance_uid: Option<String>,
    pub(crate) warnings: u32,
    pub(crate) header_hash: Option<String>,
    pub(crate) content_hash: Option<String>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ingested,
    Duplicate,
    Conflict,
    Refused,
    Skipped,
    Archive,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ingested => "ingested",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
            Self::Archive => "archive",
        }
    }
}

/// The schema of `imaging.files`; each field's metadata has its meaning under `comment`.
pub fn files_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = [
            (
                "uri",
                DataType::Utf8,
                false,
                "Where the file is, as file:///path; a member of an archive as archive!/member",
            ),
            ("provider", DataType::Utf8, false, "Who brought it"),
            (
                "size",
                DataType::Int64,
                true,
                "Bytes; NULL where even that could not be learnt",
            ),
            (
                "modified_at",
                utc,
                true,
                "When it was last modified; of a member, when its archive was",
            ),
            (
                "status",
                DataType::Utf8,
                false,
                "ingested: a row of imaging.instances is made of it; duplicate: the same instance is there already; conflict: \
                 another instance with its SOP Instance UID is there, and stays; refused: not readable as DICOM; skipped: not \
                 read (pipes, links in a circle, archives in archives); archive: a zip or tar read to its end, whose members \
                 have rows of their own",
            ),
            (
                "reason_code",
                DataType::Utf8,
                true,
                "Why it was not ingested, as a stable word: not_dicom, truncated, too_deep, other_content, permission_denied, ...",
            ),
            (
                "reason",
                DataType::Utf8,
                true,
                "Why it was not ingested, in words",
            ),
            (
                "sop_instance_uid",
                DataType::Utf8,
                true,
                "The instance in it, where it could be read",
            ),
            (
                "warnings",
                DataType::Int32,
                false,
                "Values that did not parse (NULL in their columns) and other faults passed over",
            ),
            (
                "header_hash",
                DataType::Utf8,
                true,
                "BLAKE3, 128 bits, of the header and the file's size",
            ),
            (
                "content_hash",
                DataType::Utf8,
                true,
                "BLAKE3, 256 bits, of all bytes; NULL unless ingested with --full-hash",
            ),
            (
                "ingested_epoch",
                DataType::Int64,
                false,
                "Epoch of the lake that made the row visible",
            ),
        ];
        let field = |(name, data_type, nullable, meaning): (&str, DataType, bool, &str)| {
            Field::new(name, data_type, nullable)
                .with_metadata(HashMap::from([("comment".to_owned(), meaning.to_owned())]))
        };
        Arc::new(Schema::new(fields.map(field).to_vec()))
    });
    Arc::clone(&SCHEMA)
}

/// Rows as a batch of [`files_schema`].
///
/// # Errors
/// None that a caller could cause: the columns are made from the schema's types.
pub(crate) fn to_batch(rows: &[FileRow], provider: &str, epoch: i64) -> Result<RecordBatch, ArrowError> {
    fn texts<'a>(rows: &'a [FileRow], f: impl Fn(&'a FileRow) -> Option<&'a str>) -> ArrayRef {
        Arc::new(rows.iter().map(f).collect::<StringArray>())
    }
    let size = |r: &FileRow| r.size.and_then(|s| i64::try_from(s).ok());
    let modified = rows
        .iter()
        .map(|r| r.modified_us)
        .collect::<TimestampMicrosecondArray>()
        .with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        texts(rows, |r| Some(&r.uri)),
        texts(rows, |_| Some(provider)),
        Arc::new(rows.iter().map(size).collect::<Int64Array>()),
        Arc::new(modified),
        texts(rows, |r| Some(r.status.as_str())),
        texts(rows, |r| r.reason_code),
        texts(rows, |r| r.reason.as_deref()),
        texts(rows, |r| r.sop_instance_uid.as_deref()),
        Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|r| i32::try_from(r.warnings).unwrap_or(i32::MAX)),
        )),
        texts(rows, |r| r.header_hash.as_deref()),
        texts(rows, |r| r.content_hash.as_deref()),
        Arc::new(Int64Array::from_value(epoch, rows.len())),
    ];
    RecordBatch::try_new(files_schema(), columns)
}
