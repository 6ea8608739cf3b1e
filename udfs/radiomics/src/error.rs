//! What can be wrong with settings, and what the kernels refuse.

/// Why settings were refused or an extraction failed. Messages hold settings, sizes and names, never voxel values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no YAML (or JSON), or more than settings ever are.
    #[error("settings, line {line}, column {column}: {reason}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A key that no profile knows, or that this one does not.
    #[error("setting {key} is not known: {hint}")]
    UnknownKey {
        /// Path of the key in the file: `setting.binwidth`.
        key: String,
        /// What to do.
        hint: String,
    },
    /// A value that is wrong, or that is right for PyRadiomics but cannot be honoured here.
    #[error("setting {key}: {value}: {hint}")]
    Setting {
        /// Path of the key in the file: `imageType.Wavelet.wavelet`.
        key: String,
        /// The value, shortened.
        value: String,
        /// What to do.
        hint: String,
    },
    /// No column of this name exists under these settings.
    #[error("no feature is called {name} under these settings: {hint}")]
    UnknownFeature {
        /// The name, shortened.
        name: String,
        /// What to do.
        hint: String,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The kernels refused image, mask or settings.
    #[error(transparent)]
    Kernel(radlake_kernels::Error),
}

impl From<radlake_kernels::Error> for Error {
    fn from(error: radlake_kernels::Error) -> Self {
        match error {
            radlake_kernels::Error::Cancelled => Self::Cancelled,
            other => Self::Kernel(other),
        }
    }
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A text for a message: at most sixty characters.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
