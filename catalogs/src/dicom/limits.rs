//! What a file may cost: bounds on depth, length, count and memory, so that no input can take the process with it.

/// Bounds that a header is read under. Passing one of them is a [`Refusal`](super::Refusal), never an abort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Sequences within sequences. The default, 32, keeps `dataset` below the 128 levels of JSON nesting (three per
    /// sequence) that common parsers accept.
    pub max_depth: usize,
    /// Bytes that one element may claim, whether it is kept or skipped.
    pub max_element_len: u64,
    /// Elements, items and delimiters in one header.
    pub max_elements: usize,
    /// Bytes of one header kept in memory (large binary values are skipped and do not count).
    pub max_header_bytes: usize,
    /// Bytes that a deflated data set may inflate to before Pixel Data.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 32,
            max_element_len: 1 << 30,
            max_elements: 2_000_000,
            max_header_bytes: 64 << 20,
            max_inflated_bytes: 256 << 20,
        }
    }
}

/// Binary values longer than this (bytes) are left out of `dataset`.
pub const INLINE_BINARY_MAX: usize = 4096;

/// Binary values longer than this (bytes) are not even read: the reader seeks past them.
pub(super) const SKIP_FROM: u64 = 64 << 10;
