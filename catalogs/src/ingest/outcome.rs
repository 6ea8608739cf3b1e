//! What a worker found in one file, before it is known whether the lake has that instance already.

use arrow::array::RecordBatch;

use super::failure::Failure;
use crate::dicom::{HeaderHash, Warning};
use crate::segments::Extracted;

/// A file and what the parser says of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) uri: String,
    pub(crate) size: Option<u64>,
    pub(crate) modified_us: Option<i64>,
    pub(crate) verdict: Verdict,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    /// A DICOM instance: the next row of [`Parsed::rows`].
    Instance {
        sop_instance_uid: String,
        header_hash: HeaderHash,
        content_hash: Option<String>,
        warnings: u32,
        /// Which elements they are about, of the first of them.
        warned: Vec<Warning>,
    },
    /// Not readable as DICOM.
    Refused(Failure),
    /// Not read at all.
    Skipped(Failure),
    /// An archive, read to its end.
    Archive,
    /// The lake knows the file as it is.
    Unchanged,
}

/// Some files in the order in which they were offered.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) outcomes: Vec<Outcome>,
    /// A row of `imaging.instances` for each [`Verdict::Instance`], in the same order.
    pub(crate) rows: RecordBatch,
    /// Segments and measurements of the instances that have some, by their row, ascending.
    pub(crate) extracted: Vec<(usize, Extracted)>,
    /// Bytes read from the files.
    pub(crate) bytes_read: u64,
}
