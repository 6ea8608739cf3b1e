//! Why a file is not taken.

use std::fmt;

/// A reason not to take a file: the message is for a human, [`Refusal::code`] for a query. Neither holds a patient's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The file is empty
    #[error("the file is empty")]
    Empty,
    /// Nothing of the content looks like DICOM
    #[error("not DICOM: neither a Part 10 preamble nor a data set at the start")]
    NotDicom,
    /// The file ends within an element, a sequence or Pixel Data
    #[error("cut short: {what} at byte {at} needs {needs} bytes more than the file has")]
    Truncated {
        /// What is incomplete.
        what: Place,
        /// Offset of it in the file (in the inflated data set, if that is deflated).
        at: u64,
        /// Bytes missing, at least.
        needs: u64,
    },
    /// An element or item reaches beyond the item or sequence that holds it
    #[error("lies about a length: {what} at byte {at} claims {length} bytes, what holds it has {room} left")]
    LengthLies {
        /// What lies.
        what: Place,
        /// Offset in the file.
        at: u64,
        /// Bytes claimed.
        length: u64,
        /// Bytes there are.
        room: u64,
    },
    /// An element claims more than `max_element_len`
    #[error("too long: {what} at byte {at} claims {length} bytes, the limit is {limit}")]
    TooLong {
        /// What is too long.
        what: Place,
        /// Offset in the file.
        at: u64,
        /// Bytes claimed.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// Sequences nest beyond `max_depth`
    #[error("too deep: sequences nest beyond {limit} levels at byte {at}")]
    TooDeep {
        /// Offset in the file.
        at: u64,
        /// The limit.
        limit: usize,
    },
    /// More elements than `max_elements`
    #[error("too many elements: more than {limit} in one header")]
    TooManyElements {
        /// The limit.
        limit: usize,
    },
    /// The header is larger than `max_header_bytes`
    #[error("header too large: more than {limit} bytes before Pixel Data")]
    HeaderTooLarge {
        /// The limit.
        limit: usize,
    },
    /// A deflated data set inflates beyond `max_inflated_bytes`
    #[error("inflates too far: the deflated data set passes {limit} bytes before Pixel Data")]
    InflatesTooFar {
        /// The limit.
        limit: u64,
    },
    /// The transfer syntax says deflated, and the bytes are no deflate stream
    #[error("corrupt deflate stream after byte {at}")]
    BadDeflate {
        /// Offset in the file where the compressed data set starts.
        at: u64,
    },
    /// The bytes cannot be what the transfer syntax says
    #[error("malformed at byte {at}: {found} where {expected} should be")]
    Malformed {
        /// Offset in the file.
        at: u64,
        /// What was found.
        found: Place,
        /// What belongs there.
        expected: &'static str,
    },
    /// A DICOMDIR: an index of other files, no instance
    #[error(
        "a DICOMDIR: an index of other files, not an instance; the files it lists are taken by themselves"
    )]
    DicomDir,
    /// No SOP Instance UID
    #[error("no SOP Instance UID (0008,0018): nothing identifies the instance")]
    NoSopInstanceUid,
    /// No Series Instance UID
    #[error("no Series Instance UID (0020,000E): the instance belongs to no series")]
    NoSeriesInstanceUid,
    /// No Study Instance UID
    #[error("no Study Instance UID (0020,000D): the instance belongs to no study")]
    NoStudyInstanceUid,
    /// A UID that identifies the instance is not one
    #[error(
        "the value of {what} is no UID: 1 to 128 letters, digits, dots, hyphens or underscores are accepted"
    )]
    BadUid {
        /// The element.
        what: Place,
    },
    /// The file could not be read
    #[error("could not be read: {kind}")]
    Unreadable {
        /// The kind of I/O error.
        kind: std::io::ErrorKind,
    },
}

impl Refusal {
    /// The stable, snake_case name of the reason, for `imaging.files.reason` and reports.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotDicom => "not_dicom",
            Self::Truncated { .. } => "truncated",
            Self::LengthLies { .. } => "length_lies",
            Self::TooLong { .. } => "too_long",
            Self::TooDeep { .. } => "too_deep",
            Self::TooManyElements { .. } => "too_many_elements",
            Self::HeaderTooLarge { .. } => "header_too_large",
            Self::InflatesTooFar { .. } => "inflates_too_far",
            Self::BadDeflate { .. } => "bad_deflate",
            Self::Malformed { .. } => "malformed",
            Self::DicomDir => "dicomdir",
            Self::NoSopInstanceUid => "no_sop_instance_uid",
            Self::NoSeriesInstanceUid => "no_series_instance_uid",
            Self::NoStudyInstanceUid => "no_study_instance_uid",
            Self::BadUid { .. } => "bad_uid",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// The reason in words, for `imaging.files.detail`.
    pub fn reason(&self) -> String {
        self.to_string()
    }
}

/// Something in a data set that a message points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An element, by its tag.
    Element(u32),
    /// A sequence, by its tag.
    Sequence(u32),
    /// An item of a sequence.
    Item,
    /// The header of an element: tag, VR, length.
    ElementHeader,
    /// The end of the file.
    End,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(tag) => write!(f, "element ({:04X},{:04X})", tag >> 16, tag & 0xFFFF),
            Self::Sequence(tag) => write!(f, "sequence ({:04X},{:04X})", tag >> 16, tag & 0xFFFF),
            Self::Item => f.write_str("an item"),
            Self::ElementHeader => f.write_str("an element's header"),
            Self::End => f.write_str("the end of the file"),
        }
    }
}
