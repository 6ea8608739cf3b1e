//! What can be wrong with vectors, in pgvector's words.

use super::MAX_DIMENSIONS;

/// Why a vector was refused. Messages are pgvector's, which quote the text they refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VectorError {
    /// The text is no vector.
    #[error("invalid input syntax for type vector: \"{text}\"")]
    Syntax {
        /// The whole text.
        text: String,
        /// pgvector's DETAIL, where it has one.
        detail: Option<&'static str>,
    },
    /// A number that no `f32` holds.
    #[error("\"{number}\" is out of range for type vector")]
    OutOfRange {
        /// The number as it was written.
        number: String,
    },
    /// An element is NaN.
    #[error("NaN not allowed in vector")]
    NotANumber,
    /// An element is infinite.
    #[error("infinite value not allowed in vector")]
    Infinite,
    /// A vector without elements.
    #[error("vector must have at least 1 dimension")]
    Empty,
    /// More than [`MAX_DIMENSIONS`].
    #[error("vector cannot have more than {MAX_DIMENSIONS} dimensions")]
    TooManyDimensions,
    /// Two vectors of different length.
    #[error("different vector dimensions {left} and {right}")]
    DifferentDimensions {
        /// Elements of the first.
        left: usize,
        /// Elements of the second.
        right: usize,
    },
    /// A vector of another length than its column or cast says.
    #[error("expected {expected} dimensions, not {found}")]
    WrongDimensions {
        /// Elements that it must have.
        expected: usize,
        /// Elements that it has.
        found: usize,
    },
    /// An element is NULL.
    #[error("array must not contain nulls")]
    NullElement,
    /// Memory that ends within a row.
    #[error("{values} values are no whole number of vectors of {dimensions} dimensions")]
    BrokenRow {
        /// Values in all.
        values: usize,
        /// Values of a row.
        dimensions: usize,
    },
}

impl VectorError {
    /// The SQLSTATE that pgvector reports.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "22P02",
            Self::OutOfRange { .. } => "22003",
            Self::TooManyDimensions => "54000",
            Self::NullElement => "22004",
            _ => "22000",
        }
    }

    /// The DETAIL that pgvector reports beside the message.
    pub fn detail(&self) -> Option<&'static str> {
        match self {
            Self::Syntax { detail, .. } => *detail,
            _ => None,
        }
    }
}

/// Result of what takes vectors.
pub type VectorResult<T> = Result<T, VectorError>;
