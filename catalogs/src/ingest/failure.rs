//! Why a file could not be ingested, where the reason is not in its DICOM: stable codes for `imaging.files.reason_code`.

use std::io;

/// A reason: a stable code and a sentence for people, which never holds a patient's values, nor the name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One of [`code`], or of `dicom::Refusal::code`.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) reason: String,
}

/// Codes of failures that are not the DICOM reader's.
pub(crate) mod code {
    /// The operating system forbids reading it. Offered again at the next run.
    pub(crate) const PERMISSION_DENIED: &str = "permission_denied";
    /// Reading failed. Offered again at the next run.
    pub(crate) const IO_ERROR: &str = "io_error";
    /// It changed or vanished while it was being read. Offered again at the next run.
    pub(crate) const VANISHED: &str = "vanished";
    /// A link to nothing. Offered again at the next run.
    pub(crate) const BROKEN_LINK: &str = "broken_link";
    /// A link to a folder that contains it.
    pub(crate) const LINK_LOOP: &str = "link_loop";
    /// A pipe, socket or device.
    pub(crate) const SPECIAL_FILE: &str = "special_file";
    /// An archive inside an archive: not descended into.
    pub(crate) const NESTED_ARCHIVE: &str = "nested_archive";
    /// An archive that cannot be read, or not to its end.
    pub(crate) const ARCHIVE_BROKEN: &str = "archive_broken";
    /// An archive that expands beyond any honest measure.
    pub(crate) const ARCHIVE_BOMB: &str = "archive_bomb";
    /// A member that is encrypted or packed by a method that is not supported.
    pub(crate) const MEMBER_UNSUPPORTED: &str = "member_unsupported";
    /// A member of an archive that is a link.
    pub(crate) const LINK_MEMBER: &str = "link_member";
    /// The parser stopped on it: a bug of ours, of which this file is the witness.
    pub(crate) const INTERNAL: &str = "internal_error";
    /// Another instance of the same SOP Instance UID is in the lake already.
    pub(crate) const OTHER_CONTENT: &str = "other_content";
    /// The same instance came under another name.
    pub(crate) const SAME_CONTENT: &str = "same_content";
    /// The same file with a new modification time, and the header and size that the lake has of it.
    pub(crate) const TOUCHED: &str = "touched";
    /// The file changed since it was ingested.
    pub(crate) const CHANGED: &str = "changed";
    /// The file was somewhere else before.
    pub(crate) const MOVED: &str = "moved";
    /// Another file has the newer version of its instance.
    pub(crate) const REPLACED: &str = "replaced";
}

impl Failure {
    /// A failure with its code and reason.
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// A file that has a new time and nothing else that is new.
    pub(crate) fn touched() -> Self {
        Self::new(
            code::TOUCHED,
            "the file was touched since it was ingested; its header and size are the same",
        )
    }

    /// A file that holds a newer version of its instance.
    pub(crate) fn changed() -> Self {
        Self::new(
            code::CHANGED,
            "the file has changed since it was ingested first; earlier epochs have what it held then",
        )
    }

    /// A file whose instance another file's took the place of.
    pub(crate) fn replaced() -> Self {
        Self::new(
            code::REPLACED,
            "a newer version of its instance was ingested from the file that is named beside",
        )
    }

    /// An error of the operating system. Its text names no path, the row does that.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::PermissionDenied => code::PERMISSION_DENIED,
            io::ErrorKind::NotFound => code::VANISHED,
            _ => code::IO_ERROR,
        };
        let reason = match error.raw_os_error() {
            // walkdir's errors repeat the path; the system's own sentence does not.
            Some(number) => io::Error::from_raw_os_error(number).to_string(),
            None => error.to_string(),
        };
        Self { code, reason }
    }
}

/// Whether a later run should try again although the file looks the same.
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(
        code,
        code::PERMISSION_DENIED | code::IO_ERROR | code::VANISHED | code::BROKEN_LINK | code::INTERNAL
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_have_codes_and_no_paths() {
        let denied = Failure::of_io(&io::Error::from_raw_os_error(13));
        assert_eq!(denied.code, code::PERMISSION_DENIED);
        assert!(is_transient(denied.code) && !is_transient(code::ARCHIVE_BOMB));
        assert!(!denied.reason.contains('/'));
    }
}
