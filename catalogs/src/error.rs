//! What can go wrong with a lake, its tables and what is brought into them.

use std::fmt::Display;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that fails in this crate. Messages name what, where and what to do; never a patient's values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no lake at the address.
    #[error("no lake at {url}: run `radlake init {url}` first")]
    NoLake {
        /// Address that was opened.
        url: String,
    },
    /// There is a lake at the address already.
    #[error("a lake already exists at {url}: open it, or choose another address")]
    LakeExists {
        /// Address that was to be created.
        url: String,
    },
    /// The lake was written by a newer Radlake.
    #[error("the lake at {url} has format {found}, this Radlake knows up to {known}: upgrade Radlake")]
    Format {
        /// The lake.
        url: String,
        /// Format in its catalog.
        found: u64,
        /// Newest format known here.
        known: u64,
    },
    /// The lake's `imaging` tables are those of an older Radlake.
    #[error(
        "the lake's imaging schema is older than this Radlake's (it lacks {}): run `radlake upgrade` on the lake first",
        named(.lacking)
    )]
    Older {
        /// Tables and columns that it lacks.
        lacking: Vec<String>,
    },
    /// An epoch that is not there yet.
    #[error("the lake has no epoch {epoch}")]
    NoEpoch {
        /// The epoch asked for.
        epoch: u64,
    },
    /// An epoch that vacuum has taken files of.
    #[error("epoch {epoch} has expired: the oldest that is kept is {oldest}")]
    ExpiredEpoch {
        /// The epoch asked for.
        epoch: u64,
        /// The oldest that can be read.
        oldest: u64,
    },
    /// A time before the oldest epoch.
    #[error("there is no epoch as of {}: the oldest that is kept is {oldest}", .time.format("%Y-%m-%d %H:%M:%S%.6f UTC"))]
    NoEpochAt {
        /// The time asked for.
        time: chrono::DateTime<chrono::Utc>,
        /// The oldest that can be read.
        oldest: u64,
    },
    /// An object that the epoch does not have.
    #[error("{kind} \"{name}\" does not exist")]
    NotFound {
        /// Kind of object: schema, table, …
        kind: &'static str,
        /// Its name, qualified.
        name: String,
    },
    /// An object of that name is there already.
    #[error("{kind} \"{name}\" already exists")]
    Exists {
        /// Kind of object.
        kind: &'static str,
        /// Its name, qualified.
        name: String,
    },
    /// Another writer was first, and what was built no longer fits (SQLSTATE 40001).
    #[error("{what} changed meanwhile; run the transaction again")]
    Conflict {
        /// What changed: a table, the catalog.
        what: String,
    },
    /// Other writers were first too many times in a row.
    #[error("gave up after {attempts} attempts: other writers were first each time; try again")]
    Contention {
        /// Attempts made.
        attempts: u32,
    },
    /// The commit may be decided, and is not carried out yet (SQLSTATE 40003).
    #[error(
        "whether the transaction is committed is not known: {reason}; it is carried out by the next writer or never, so look before you run it again"
    )]
    InDoubt {
        /// What failed.
        reason: String,
    },
    /// A table's log holds commits that Radlake neither wrote nor can adopt.
    #[error(
        "table {table}: version {version} was written outside Radlake and {reason}: restore the table, or make the change through Radlake"
    )]
    Foreign {
        /// The table, qualified.
        table: String,
        /// Version of its Delta log.
        version: i64,
        /// Why it cannot be adopted.
        reason: String,
    },
    /// A Delta table with a feature that is not read here.
    #[error(
        "table at {location} uses {feature}, which Radlake does not read: rewrite it without that feature"
    )]
    Feature {
        /// Folder of the table.
        location: String,
        /// The feature, by its name in the Delta protocol.
        feature: String,
    },
    /// A file of the lake does not hold what it must.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// File, relative to the lake.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that the caller gave is not right.
    #[error("{0}")]
    Invalid(String),
    /// A mistake of this program.
    #[error("internal error: {0}; please report it")]
    Internal(String),
    /// Reading or writing the lake's storage failed.
    #[error("storage: {0}")]
    Store(#[from] object_store::Error),
    /// Reading or writing a file of this machine failed.
    #[error("{context}: {source}")]
    Io {
        /// What was done to which file.
        context: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Arrow refused.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    /// Parquet refused.
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    /// The query engine refused.
    #[error(transparent)]
    DataFusion(#[from] datafusion::error::DataFusionError),
    /// JSON that does not parse.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The first of some names.
fn named(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
        None => names.join(", "),
    }
}

impl Error {
    /// [`Error::Invalid`] from any text.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// [`Error::Internal`] from any text.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// [`Error::Damaged`].
    pub fn damaged(path: impl Display, reason: impl Display) -> Self {
        Self::Damaged {
            path: path.to_string(),
            reason: reason.to_string(),
        }
    }

    /// [`Error::NotFound`].
    pub fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            kind,
            name: name.into(),
        }
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        match error {
            Error::DataFusion(inner) => inner,
            Error::Arrow(inner) => inner.into(),
            other => Self::External(Box::new(other)),
        }
    }
}
