//! `imaging.files`: a row for every file that was offered and what became of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use super::failure::Failure;
use crate::dicom::Warning;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FileRow {
    pub(crate) uri: String,
    pub(crate) size: Option<u64>,
    pub(crate) modified_us: Option<i64>,
    pub(crate) status: Status,
    pub(crate) current: bool,
    pub(crate) reason_code: Option<&'static str>,
    pub(crate) reason: Option<String>,
    pub(crate) counterpart: Option<String>,
    pub(crate) sop_instance_uid: Option<String>,
    pub(crate) warnings: u32,
    pub(crate) warned: Vec<Warning>,
    pub(crate) header_hash: Option<String>,
    pub(crate) content_hash: Option<String>,
    /// Where its instance is: part of the batch and row in it.
    pub(crate) at: Option<(usize, usize)>,
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
    Replaced,
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
            Self::Replaced => "replaced",
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
                "ingested: the row of imaging.instances was made of it; duplicate: the same instance was there already; conflict: \
                 another instance with its SOP Instance UID was there, and stays; replaced: an instance was made of it, and another \
                 file's took its place since; refused: not readable as DICOM; skipped: not read (pipes, links in a circle, archives \
                 in archives); archive: an archive read to its end, whose members have rows of their own",
            ),
            (
                "current",
                DataType::Boolean,
                false,
                "Whether it is the newest word on this file; false for what was said of it before it changed or could be read",
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
                "counterpart",
                DataType::Utf8,
                true,
                "Of a duplicate or conflict, the file whose instance was there when this one came; of what was replaced, the file \
                 that replaced it; of what moved, its old place",
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
                "warned",
                DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
                true,
                "Which element each of the warnings is about (the first 64), as (gggg,eeee) kind: value or length did not parse, text \
                 could not be decoded in its character_set, vr unknown, implicit among explicit, no_items in a sequence, twice in the \
                 data set, missing_delimiter, surplus_delimiter, transfer_syntax that is another; padding and dataset_left_out are of all",
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

fn warned(rows: &[FileRow]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        for warning in &row.warned {
            lists.values().append_value(warning.to_string());
        }
        lists.append(!row.warned.is_empty());
    }
    Arc::new(lists.finish())
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
        Arc::new(rows.iter().map(|r| Some(r.current)).collect::<BooleanArray>()),
        texts(rows, |r| r.reason_code),
        texts(rows, |r| r.reason.as_deref()),
        texts(rows, |r| r.counterpart.as_deref()),
        texts(rows, |r| r.sop_instance_uid.as_deref()),
        Arc::new(Int32Array::from_iter_values(
            rows.iter().map(|r| i32::try_from(r.warnings).unwrap_or(i32::MAX)),
        )),
        warned(rows),
        texts(rows, |r| r.header_hash.as_deref()),
        texts(rows, |r| r.content_hash.as_deref()),
        Arc::new(Int64Array::from_value(epoch, rows.len())),
    ];
    RecordBatch::try_new(files_schema(), columns)
}

/// Rows of `imaging.files` that are not the newest word on their files any more.
pub(crate) fn outdated(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let index = rows.schema().index_of("current")?;
    let mut columns = rows.columns().to_vec();
    columns[index] = Arc::new(BooleanArray::from(vec![false; rows.num_rows()]));
    RecordBatch::try_new(rows.schema(), columns)
}

/// Rows of which those that are current and of an instance that was replaced say so; `by` has the newer version's file by UID.
pub(crate) fn replaced(rows: &RecordBatch, by: &BTreeMap<String, String>) -> Result<RecordBatch, ArrowError> {
    reworded(rows, |uid| {
        by.get(uid).map(|uri| Words {
            status: Status::Replaced,
            failure: Some(Failure::replaced()),
            counterpart: Some(uri.clone()),
        })
    })
}

/// Rows of which those that are current and of an instance whose row is of their file now say so.
pub(crate) fn promoted<V>(rows: &RecordBatch, of: &BTreeMap<String, V>) -> Result<RecordBatch, ArrowError> {
    reworded(rows, |uid| {
        of.contains_key(uid).then_some(Words {
            status: Status::Ingested,
            failure: None,
            counterpart: None,
        })
    })
}

/// What a row says of its file.
struct Words {
    status: Status,
    failure: Option<Failure>,
    counterpart: Option<String>,
}

/// Rows of which those that are current say something else, by their instance.
fn reworded(rows: &RecordBatch, words: impl Fn(&str) -> Option<Words>) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let plain = |name: &str| cast(rows.column(schema.index_of(name)?), &DataType::Utf8);
    let current = cast(rows.column(schema.index_of("current")?), &DataType::Boolean)?;
    let (current, uids) = (current.as_boolean(), plain("sop_instance_uid")?);
    let uids = uids.as_string::<i32>();
    let words: Vec<Option<Words>> = (0..rows.num_rows())
        .map(|row| {
            let uid = (current.value(row) && uids.is_valid(row)).then(|| uids.value(row))?;
            words(uid)
        })
        .collect();
    let mut columns = rows.columns().to_vec();
    let mut set = |name: &str, value: &dyn Fn(&Words) -> Option<String>| -> Result<(), ArrowError> {
        let old = plain(name)?;
        let old = old.as_string::<i32>();
        let values = words.iter().enumerate().map(|(row, words)| match words {
            Some(words) => value(words),
            None => old.is_valid(row).then(|| old.value(row).to_owned()),
        });
        let values: ArrayRef = Arc::new(values.collect::<StringArray>());
        let index = schema.index_of(name)?;
        columns[index] = cast(&values, schema.field(index).data_type())?;
        Ok(())
    };
    set("status", &|words| Some(words.status.as_str().to_owned()))?;
    set("reason_code", &|words| {
        words.failure.as_ref().map(|failure| failure.code.to_owned())
    })?;
    set("reason", &|words| {
        words.failure.as_ref().map(|failure| failure.reason.clone())
    })?;
    set("counterpart", &|words| words.counterpart.clone())?;
    RecordBatch::try_new(Arc::clone(&schema), columns)
}
