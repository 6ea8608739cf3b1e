//! Why a volume is refused.

/// What is wrong with a file. Messages hold names of fields and sizes, never voxel values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither NIfTI nor NRRD.
    #[error("neither NIfTI nor NRRD by its first bytes")]
    Unknown,
    /// A header that cannot be, or that ends early.
    #[error("{format} header: {reason}")]
    Header {
        /// `NIfTI` or `NRRD`.
        format: &'static str,
        /// Which field, and what of it.
        reason: String,
    },
    /// What the format has and we do not read.
    #[error("{what} is not read: {hint}")]
    Unsupported {
        /// What the file has.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// Fewer voxels than the header says.
    #[error("{found} bytes of voxels where the header says {expected}")]
    Short {
        /// Bytes that there are.
        found: usize,
        /// Bytes that there should be.
        expected: usize,
    },
    /// More than the caller allows.
    #[error("larger than the {limit} bytes that are read of one file")]
    TooLarge {
        /// Bytes that are allowed.
        limit: usize,
    },
    /// Compressed data that are damaged.
    #[error("compressed data are damaged or cut short")]
    Damaged,
    /// A grid that is none.
    #[error(transparent)]
    Grid(#[from] radlake_kernels::Error),
}

/// A result of reading.
pub type Result<T> = std::result::Result<T, Error>;

pub(crate) fn header(format: &'static str, reason: impl Into<String>) -> Error {
    Error::Header {
        format,
        reason: reason.into(),
    }
}
