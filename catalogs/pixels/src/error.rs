//! Why pixels are refused.

/// What is wrong with a layout, an element or a stream. Messages hold sizes, names and positions, never sample values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PixelError {
    /// The attributes of the Image Pixel module contradict each other or are out of range.
    #[error("pixel layout: {reason}")]
    Layout {
        /// Which attribute, and what of it.
        reason: String,
    },
    /// A decoded frame would be larger than the caller allows.
    #[error("a frame of {bytes} bytes is larger than the {limit} bytes allowed")]
    TooLarge {
        /// Bytes of the decoded frame.
        bytes: u64,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// No decoder for the transfer syntax.
    #[error("transfer syntax {uid} ({name}) is not decoded")]
    UnsupportedSyntax {
        /// Its UID.
        uid: String,
        /// Its name in PS3.6, or `unknown`.
        name: &'static str,
    },
    /// Encapsulated data under a native transfer syntax, or the reverse.
    #[error("{encoding} does not go with {found} pixel data")]
    WrongForm {
        /// Name of the encoding.
        encoding: &'static str,
        /// `native` or `encapsulated`.
        found: &'static str,
    },
    /// The frame asked for is not there.
    #[error("frame {frame} of {frames} (counted from 0)")]
    NoSuchFrame {
        /// Number of the frame, from 0.
        frame: u32,
        /// Frames of the layout.
        frames: u32,
    },
    /// Fewer bytes than the frame needs.
    #[error("{what}: {needed} bytes are needed, {got} are there")]
    Truncated {
        /// What ends early.
        what: &'static str,
        /// Bytes needed.
        needed: u64,
        /// Bytes there.
        got: u64,
    },
    /// The items of an encapsulated element are not as PS3.5 A.4 has them.
    #[error("encapsulated pixel data: {0}")]
    Encapsulation(&'static str),
    /// The stream's header says otherwise than the data set.
    #[error("{what}: the stream has {stream}, the data set {layout}")]
    Mismatch {
        /// Rows, columns, samples or bits.
        what: &'static str,
        /// What the stream says.
        stream: u64,
        /// What the data set says.
        layout: u64,
    },
    /// The stream is damaged, or uses what its decoder does not know.
    #[error("{codec}: {reason}")]
    Codec {
        /// Name of the encoding.
        codec: &'static str,
        /// What was met.
        reason: String,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, PixelError>;

impl PixelError {
    /// A layout that cannot be.
    pub(crate) fn layout(reason: impl Into<String>) -> Self {
        Self::Layout {
            reason: reason.into(),
        }
    }

    /// A stream that cannot be decoded.
    pub(crate) fn codec(codec: &'static str, reason: impl Into<String>) -> Self {
        Self::Codec {
            codec,
            reason: reason.into(),
        }
    }
}
