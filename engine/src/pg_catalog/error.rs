//! Errors of the catalog functions, with the SQLSTATE that PostgreSQL gives them.

use datafusion::common::DataFusionError;

/// What a catalog function can refuse. Reaches the engine as `DataFusionError::External`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// No such relation (42P01).
    #[error("relation \"{0}\" does not exist")]
    UndefinedTable(String),
    /// No such column (42703).
    #[error("column \"{column}\" of relation \"{relation}\" does not exist")]
    UndefinedColumn {
        /// The column asked for.
        column: String,
        /// The relation asked.
        relation: String,
    },
    /// No such schema (3F000).
    #[error("schema \"{0}\" does not exist")]
    UndefinedSchema(String),
    /// No such database (3D000).
    #[error("database \"{0}\" does not exist")]
    UndefinedDatabase(String),
    /// A text that is no value of the type (22P02).
    #[error("invalid input syntax for type {0}")]
    InvalidText(&'static str),
    /// No such type, role, setting … (42704): the kind and the name.
    #[error("{0} \"{1}\" does not exist")]
    UndefinedObject(&'static str, String),
    /// No such function (42883).
    #[error("function \"{0}\" does not exist")]
    UndefinedFunction(String),
    /// No such setting (42704).
    #[error("unrecognized configuration parameter \"{0}\"")]
    UndefinedSetting(String),
    /// A relation that only superusers read (42501): its kind and name.
    #[error("permission denied for {0} {1}")]
    Denied(&'static str, String),
    /// A subquery used as a value gave more than one row (21000).
    #[error("more than one row returned by a subquery used as an expression")]
    SeveralRows,
    /// An argument that the function cannot take (22023).
    #[error("{0}")]
    InvalidParameter(String),
    /// What the role may not do (42501).
    #[error("{0}")]
    Forbidden(String),
    /// Sessions wait for one another (40P01).
    #[error("deadlock detected")]
    Deadlock,
    /// More than there may be (54000).
    #[error("{0}")]
    LimitExceeded(String),
    /// A sequence at its end (2200H).
    #[error("{0}")]
    SequenceLimit(String),
    /// A number that something cannot take (22003).
    #[error("{0}")]
    OutOfRange(String),
    /// What is asked for is not there yet (55000).
    #[error("{0}")]
    PrerequisiteState(String),
    /// Not what the function is for (42809).
    #[error("{0}")]
    WrongObject(String),
    /// Writes where nothing may be written (25006).
    #[error("cannot execute {0} in a read-only transaction")]
    ReadOnly(&'static str),
    /// The storage failed.
    #[error("{0}")]
    Storage(#[source] Box<radlake_catalogs::Error>),
    /// What PostgreSQL has and Radlake has not (0A000).
    #[error("{0}")]
    Unsupported(String),
}

impl CatalogError {
    /// The five characters of the SQLSTATE.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::UndefinedTable(_) => "42P01",
            Self::UndefinedColumn { .. } => "42703",
            Self::UndefinedSchema(_) => "3F000",
            Self::UndefinedDatabase(_) => "3D000",
            Self::InvalidText(_) => "22P02",
            Self::UndefinedObject(..) | Self::UndefinedSetting(_) => "42704",
            Self::UndefinedFunction(_) => "42883",
            Self::Denied(..) | Self::Forbidden(_) => "42501",
            Self::Deadlock => "40P01",
            Self::LimitExceeded(_) => "54000",
            Self::SeveralRows => "21000",
            Self::InvalidParameter(_) => "22023",
            Self::SequenceLimit(_) => "2200H",
            Self::OutOfRange(_) => "22003",
            Self::PrerequisiteState(_) => "55000",
            Self::WrongObject(_) => "42809",
            Self::ReadOnly(_) => "25006",
            Self::Storage(_) => "58030",
            Self::Unsupported(_) => "0A000",
        }
    }
}

impl From<CatalogError> for DataFusionError {
    fn from(error: CatalogError) -> Self {
        Self::External(Box::new(error))
    }
}
