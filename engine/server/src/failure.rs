//! Why a command ended without success, as its user reads it.

use std::io;
use std::path::Path;

use crate::wire::Report;

/// A message of what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine refused.
    #[error("{}", describe(.0))]
    Engine(#[from] radlake::Error),
    /// Reading or writing a file failed.
    #[error("{what}: {error}")]
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// Arrow or Parquet could not write a result.
    #[error("cannot write the result: {0}")]
    Output(String),
    /// The command as it was given cannot be carried out.
    #[error("{0}")]
    Usage(String),
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// The reader of the output has gone: no error worth a word.
    #[error("the reader of the output has gone")]
    BrokenPipe,
}

impl Failure {
    /// An error of the system while doing `what` to `path`.
    pub(crate) fn io(what: &str, path: &Path, error: io::Error) -> Self {
        Self::Io {
            what: format!("{what} {}", path.display()),
            error,
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Interrupted => 130,
            Self::BrokenPipe => 0,
            _ => 1,
        }
    }
}

/// Writing the output failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Io {
                what: "cannot write the output".to_owned(),
                error,
            },
        }
    }
}

fn describe(error: &radlake::Error) -> String {
    let report = Report::from(error);
    let mut text = format!("{} ({})", report.message, report.code);
    for (name, part) in [("detail", report.detail.map(String::from)), ("hint", report.hint)] {
        if let Some(part) = part {
            text.push_str(&format!("\n{name}: {part}"));
        }
    }
    text
}
