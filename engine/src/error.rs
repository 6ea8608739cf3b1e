//! What an embedder or client is told when a statement fails.

mod planning;
mod running;
mod suggest;
mod violation;

pub(crate) use suggest::nearest;
pub use violation::Violation;

use std::sync::Arc;

use datafusion::error::DataFusionError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that fails in the engine. Kinds are PostgreSQL's, so that each has one SQLSTATE; messages name what, where
/// and what to do, and never hold a value of a table.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text does not follow the grammar (42601).
    #[error("{message}")]
    Syntax {
        /// What was found and what was expected.
        message: String,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// No such relation (42P01).
    #[error("relation \"{name}\" does not exist")]
    UndefinedTable {
        /// As the statement names it.
        name: String,
        /// What was probably meant.
        hint: Option<String>,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// No such alias or relation in FROM (42P01).
    #[error("missing FROM-clause entry for table \"{name}\"")]
    MissingFrom {
        /// The qualifier that nothing in FROM has.
        name: String,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// No such column (42703).
    #[error("column {name} does not exist")]
    UndefinedColumn {
        /// As PostgreSQL writes it: `"x"`, or `t.x` with a qualifier.
        name: String,
        /// What was probably meant.
        hint: Option<String>,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// More than one column could be meant (42702).
    #[error("column reference \"{name}\" is ambiguous")]
    AmbiguousColumn {
        /// The column.
        name: String,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// Two tables of one name in FROM (42712).
    #[error("table name \"{0}\" specified more than once")]
    DuplicateAlias(String),
    /// No such function (42883).
    #[error("{}", undefined(name))]
    UndefinedFunction {
        /// With its argument types where they are known; `operator: ` before an operator and its operands.
        name: String,
        /// What to do.
        hint: Option<String>,
        /// Where, in characters from 1.
        position: Option<usize>,
    },
    /// No such type, setting, role … (42704).
    #[error("{kind} \"{name}\" does not exist")]
    UndefinedObject {
        /// "type", "role" …
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// No such setting (42704).
    #[error("unrecognized configuration parameter \"{0}\"")]
    UndefinedSetting(String),
    /// No such schema (3F000).
    #[error("schema \"{0}\" does not exist")]
    UndefinedSchema(String),
    /// No such database (3D000).
    #[error("database \"{0}\" does not exist")]
    UndefinedDatabase(String),
    /// A parameter `$n` that the statement has not (42P02).
    #[error("there is no parameter ${0}")]
    UndefinedParameter(String),
    /// A parameter got too few or too many values (08P01).
    #[error("bind message supplies {given} parameters, but prepared statement requires {expected}")]
    ParameterCount {
        /// Values given.
        given: usize,
        /// Parameters there are.
        expected: usize,
    },
    /// A column that is neither grouped by nor aggregated, or an aggregate where none may be (42803).
    #[error("{0}")]
    Grouping(String),
    /// Types that do not go together (42804).
    #[error("{0}")]
    DatatypeMismatch(String),
    /// A cast between types that have none (42846).
    #[error("{0}")]
    CannotCast(String),
    /// A text that is no value of the type (22P02).
    #[error("invalid input syntax for type {type_name}")]
    InvalidText {
        /// PostgreSQL's name of the type.
        type_name: String,
    },
    /// A text that is none of an enum's labels (22P02).
    #[error("invalid input value for enum {0}")]
    InvalidLabel(String),
    /// A name, or a label, that cannot be one (42602).
    #[error("{0}")]
    InvalidName(String),
    /// A text that is no date or time (22007).
    #[error("invalid input syntax for type {type_name}")]
    InvalidDatetime {
        /// PostgreSQL's name of the type.
        type_name: String,
    },
    /// A date or time that does not exist, or lies outside its type's range (22008).
    #[error("date/time field value out of range")]
    DatetimeOverflow,
    /// An offset from UTC that no time zone has (22009).
    #[error("time zone displacement out of range")]
    ZoneDisplacement,
    /// Vectors that do not fit each other or their column, or are none (22000).
    #[error("{0}")]
    InvalidVector(String),
    /// A vector with an element that is NULL (22004).
    #[error("array must not contain nulls")]
    NullElement,
    /// A number outside its type's range (22003).
    #[error("{0} out of range")]
    NumericOverflow(String),
    /// Division by zero (22012).
    #[error("division by zero")]
    DivisionByZero,
    /// A subquery in an expression returned several rows (21000).
    #[error("more than one row returned by a subquery used as an expression")]
    Cardinality,
    /// An argument that a function or clause cannot take (22023).
    #[error("{0}")]
    InvalidParameter(String),
    /// A pattern that is no regular expression (2201B).
    #[error("{0}")]
    InvalidPattern(String),
    /// What stands behind ESCAPE is not one character (22025).
    #[error("invalid escape string")]
    InvalidEscape,
    /// NULL where there must be a value (22004).
    #[error("{0}")]
    NullNotAllowed(&'static str),
    /// A place that an array or a bytea does not have, or an array that there cannot be (2202E).
    #[error("{0}")]
    ArraySubscript(&'static str),
    /// A logarithm of what has none (2201E).
    #[error("{0}")]
    InvalidLogarithm(&'static str),
    /// A root or power of what has none (2201F).
    #[error("{0}")]
    InvalidPower(&'static str),
    /// Bounds or a count that make no buckets (2201G).
    #[error("{0}")]
    InvalidBuckets(&'static str),
    /// An escape of JSON that stands for no character of a text (22P05).
    #[error("unsupported Unicode escape sequence")]
    UntranslatableCharacter,
    /// A value that a setting cannot take (22023).
    #[error("invalid value for parameter \"{name}\": \"{value}\"")]
    InvalidSetting {
        /// The setting.
        name: String,
        /// What it was given.
        value: String,
        /// What it takes.
        hint: Option<String>,
    },
    /// A setting that cannot be changed, or not now (55P02).
    #[error("parameter \"{0}\" cannot be changed")]
    FixedSetting(String),
    /// Not done here, or not yet (0A000).
    #[error("{what}")]
    Unsupported {
        /// What is not supported.
        what: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// No prepared statement of that name (26000).
    #[error("prepared statement \"{0}\" does not exist")]
    UndefinedStatement(String),
    /// A prepared statement of that name is there already (42P05).
    #[error("prepared statement \"{0}\" already exists")]
    DuplicateStatement(String),
    /// A prepared statement's columns changed under it (0A000).
    #[error("cached plan must not change result type")]
    ResultTypeChanged,
    /// In a failed transaction nothing but its end is accepted (25P02).
    #[error("current transaction is aborted, commands ignored until end of transaction block")]
    FailedTransaction,
    /// Only within a transaction (25P01).
    #[error("{0} can only be used in transaction blocks")]
    NoTransaction(&'static str),
    /// Not within a transaction (25001).
    #[error("{0} cannot run inside a transaction block")]
    ActiveTransaction(&'static str),
    /// Too late in a transaction to change how it reads (25001).
    #[error("{0}")]
    TooLate(&'static str),
    /// No savepoint of that name (3B001).
    #[error("savepoint \"{0}\" does not exist")]
    UndefinedSavepoint(String),
    /// A write in a read-only transaction (25006).
    #[error("cannot execute {0} in a read-only transaction")]
    ReadOnly(String),
    /// A write while an earlier epoch is read (25006).
    #[error("cannot execute {0} at an earlier epoch")]
    ReadOnlyEpoch(String),
    /// An epoch that vacuum has taken files of (72000).
    #[error("{0}")]
    Expired(String),
    /// The client asked to stop (57014).
    #[error("canceling statement due to user request")]
    Cancelled,
    /// `statement_timeout` has passed (57014).
    #[error("canceling statement due to statement timeout")]
    Timeout,
    /// The statement needs more memory than it may have (53200).
    #[error("out of memory")]
    OutOfMemory {
        /// How much was asked for and by what.
        detail: String,
    },
    /// Spilled data fills the space that it may have (53100).
    #[error("no space left for temporary files")]
    DiskFull {
        /// The limit.
        detail: String,
    },
    /// The lake's storage has no space left (53100).
    #[error("no space is left where the lake is: {0}")]
    LakeFull(String),
    /// The role may not do it (42501).
    #[error("{0}")]
    InsufficientPrivilege(String),
    /// Rows that are gone since, of an earlier epoch (42501).
    #[error(
        "permission denied for earlier rows of {relation}: rows that were there in that epoch are gone since"
    )]
    NoHistory {
        /// The table.
        relation: String,
    },
    /// A policy or mask could not be evaluated; with which value is not told (38000).
    #[error("a row policy or mask of \"{0}\" could not be evaluated")]
    PolicyFailed(String),
    /// A function that contradicts itself (42P13).
    #[error("{0}")]
    InvalidFunction(String),
    /// A definition that cannot be carried out (42P17).
    #[error("{0}")]
    InvalidDefinition(String),
    /// No such policy of a table (42704).
    #[error("policy \"{name}\" for table \"{table}\" does not exist")]
    MissingPolicy {
        /// The policy.
        name: String,
        /// Its table.
        table: String,
    },
    /// No such role, or none that may log in (28000).
    #[error("role \"{0}\" does not exist or may not log in")]
    InvalidRole(String),
    /// A relation of another kind than the statement is for (42809).
    #[error("{0}")]
    WrongObject(String),
    /// The same, with what to do (42809).
    #[error("{message}")]
    WrongObjectHint {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A row that was copied in does not fit; the code is the inner error's.
    #[error("{error}")]
    Row {
        /// The table's name.
        table: String,
        /// The line that it ends on, from 1.
        line: i64,
        /// The column to blame.
        column: Option<String>,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// A file that is not what COPY expects (22P04).
    #[error("{message}")]
    CopyFormat {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Bytes that are no binary value of their type (22P03).
    #[error("{0}")]
    BinaryFormat(String),
    /// Text that is not of the encoding (22021).
    #[error("invalid byte sequence for encoding \"{0}\"")]
    Encoding(String),
    /// What is to be dropped is not there (42P01).
    #[error("{kind} \"{name}\" does not exist")]
    MissingRelation {
        /// "table" or "view".
        kind: &'static str,
        /// As the statement names it.
        name: String,
    },
    /// No such constraint of a table (42704).
    #[error("constraint \"{name}\" for table \"{table}\" does not exist")]
    MissingConstraint {
        /// The constraint.
        name: String,
        /// Its table.
        table: String,
    },
    /// No such index of a table (42704).
    #[error("index \"{name}\" for table \"{table}\" does not exist")]
    MissingIndex {
        /// The index.
        name: String,
        /// Its table.
        table: String,
    },
    /// CLUSTER without an index, of a table that was never clustered (42704).
    #[error("there is no previously clustered index for table \"{0}\"")]
    NoClusteredIndex(String),
    /// A materialized view without rows yet (55000).
    #[error("materialized view \"{0}\" has not been populated")]
    NotPopulated(String),
    /// What is asked for wants something else first (55000).
    #[error("{0}")]
    PrerequisiteState(String),
    /// A sequence at its end (2200H).
    #[error("{0}")]
    SequenceLimit(String),
    /// A number that something cannot take, in a sentence of its own (22003).
    #[error("{0}")]
    OutOfRange(String),
    /// A relation of that name is there already (42P07).
    #[error("relation \"{0}\" already exists")]
    DuplicateTable(String),
    /// A schema of that name is there already (42P06).
    #[error("schema \"{0}\" already exists")]
    DuplicateSchema(String),
    /// A column twice (42701).
    #[error("column \"{0}\" specified more than once")]
    DuplicateColumn(String),
    /// A function of that name and those arguments is there already (42723).
    #[error("{0}")]
    DuplicateFunction(String),
    /// Another object of that name is there already (42710).
    #[error("{0}")]
    DuplicateObject(String),
    /// A role has as many sessions as it may have (53300).
    #[error("too many connections for role \"{0}\"")]
    TooManyConnections(String),
    /// What is in use cannot be changed so (55006).
    #[error("{0}")]
    ObjectInUse(String),
    /// A right that a kind of object does not have (0LP01).
    #[error("{0}")]
    InvalidGrant(String),
    /// A name that the system keeps for itself (42939).
    #[error("unacceptable schema name \"{0}\"")]
    ReservedName(String),
    /// A definition that contradicts itself (42P16).
    #[error("{0}")]
    InvalidTableDefinition(String),
    /// There is a cursor of that name.
    #[error("cursor \"{0}\" already exists")]
    DuplicateCursor(String),
    /// There is no cursor of that name.
    #[error("cursor \"{0}\" does not exist")]
    UndefinedCursor(String),
    /// A cursor that keeps no rows was to go back.
    #[error("cursor can only scan forward")]
    NotScrollable,
    /// No key as ON CONFLICT names it (42P10).
    #[error("{0}")]
    InvalidColumnReference(String),
    /// A value for a column that is always computed (428C9).
    #[error("column \"{0}\" can only be updated to DEFAULT")]
    GeneratedAlways(String),
    /// Something needs what is to be dropped (2BP01).
    #[error("{message}")]
    Dependents {
        /// What cannot be done.
        message: String,
        /// What needs it.
        detail: String,
    },
    /// NULL where none may be (23502).
    #[error("{0}")]
    NotNullViolation(Box<Violation>),
    /// A row that a CHECK refuses (23514).
    #[error("{0}")]
    CheckViolation(Box<Violation>),
    /// A key that is there already (23505).
    #[error("{0}")]
    UniqueViolation(Box<Violation>),
    /// A text longer than its column (22001).
    #[error("value too long for type character varying({0})")]
    TextTooLong(usize),
    /// One statement would change a row twice (21000).
    #[error("{0}")]
    CardinalityViolation(String),
    /// The statement nests too deeply or chains too many operators (54001).
    #[error("{0}")]
    TooComplex(String),
    /// A value or statement passes another limit (54000).
    #[error("{0}")]
    LimitExceeded(String),
    /// Sessions wait for one another's advisory locks (40P01).
    #[error("deadlock detected")]
    Deadlock,
    /// Another writer was first, and the transaction does not fit any more (40001).
    #[error("{0}")]
    Serialization(String),
    /// The commit may be decided, and could not be carried out (40003).
    #[error("{0}")]
    InDoubt(String),
    /// The same of a transaction's COMMIT (08007).
    #[error("{0}")]
    CommitInDoubt(String),
    /// The lake's storage failed (58030).
    #[error("{0}")]
    Storage(String),
    /// A file of the lake is missing, or does not hold what it must (XX001).
    #[error("{0}")]
    DataCorrupted(String),
    /// The lake refused: there is none, there is one already, its format is newer (58P01 and kin).
    #[error(transparent)]
    Lake(Arc<radlake_catalogs::Error>),
    /// A mistake of this program (XX000).
    #[error("internal error: {0}")]
    Internal(String),
}

/// What stands before the name of an operator in [`Error::UndefinedFunction`].
const OPERATOR: &str = "operator: ";

/// What stands there before what a type has not.
pub(crate) const MISSING: &str = "missing: ";

fn undefined(name: &str) -> String {
    if let Some(missing) = name.strip_prefix(MISSING) {
        return format!("could not identify {missing}");
    }
    match name.strip_prefix(OPERATOR) {
        Some(operation) => format!("operator does not exist: {operation}"),
        None => format!("function {name} does not exist"),
    }
}

impl From<crate::pg_catalog::CatalogError> for Error {
    fn from(error: crate::pg_catalog::CatalogError) -> Self {
        planning::catalog(&error)
    }
}

impl Error {
    /// True for what is told of a statement's way, not of a row: it may be told although a policy hides rows.
    pub(crate) fn tells_no_value(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Timeout
                | Self::OutOfMemory { .. }
                | Self::DiskFull { .. }
                | Self::LakeFull(_)
                | Self::Storage(_)
                | Self::DataCorrupted(_)
                | Self::Expired(_)
                | Self::Serialization(_)
                | Self::PolicyFailed(_)
                | Self::InsufficientPrivilege(_)
                | Self::NoHistory { .. }
                | Self::Cardinality
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UndefinedTable { hint, .. }
            | Self::UndefinedColumn { hint, .. }
            | Self::UndefinedFunction { hint, .. }
            | Self::InvalidSetting { hint, .. }
            | Self::CopyFormat { hint, .. }
            | Self::Unsupported { hint, .. } => hint.clone(),
            Self::WrongObjectHint { hint, .. } => Some(hint.clone()),
            Self::Row { error, .. } => error.hint(),
            Self::NotScrollable => {
                Some("Declare it with SCROLL option to enable backward scan.".to_owned())
            }
            Self::OutOfMemory { .. } => Some(
                "Ask for less at once: fewer columns, a filter, a LIMIT; or give the server more memory."
                    .to_owned(),
            ),
            Self::DiskFull { .. } => {
                Some("Ask for less at once, or give the server more temporary space.".to_owned())
            }
            Self::LakeFull(_) => Some(
                "What was committed stays, and the same again goes on from there once there is room; radlake vacuum removes what no epoch \
                 within retention needs."
                    .to_owned(),
            ),
            Self::DataCorrupted(_) => Some(
                "Run radlake check: it names every file that is damaged, and which of them it can mend."
                    .to_owned(),
            ),
            Self::NoHistory { .. } => Some(
                "Its owner can give the right to them: GRANT radlake.history ON … TO …; or read the newest epoch."
                    .to_owned(),
            ),
            Self::NotPopulated(_) => Some("Use the REFRESH MATERIALIZED VIEW command.".to_owned()),
            Self::Internal(_) => {
                Some("This is a mistake of Radlake: please report the statement.".to_owned())
            }
            _ => None,
        }
    }

    /// More about it.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::OutOfMemory { detail } | Self::DiskFull { detail } | Self::Dependents { detail, .. } => {
                Some(detail.clone())
            }
            Self::Row { error, .. } => error.detail(),
            _ => self.violation().and_then(Violation::detail),
        }
    }

    /// Which constraint was violated, and whose it is.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::NotNullViolation(violation)
            | Self::CheckViolation(violation)
            | Self::UniqueViolation(violation) => Some(violation),
            Self::Row { error, .. } => error.violation(),
            _ => None,
        }
    }

    /// Where in the data that was copied in.
    #[must_use]
    pub fn context(&self) -> Option<String> {
        match self {
            Self::Row {
                table, line, column, ..
            } => Some(match column {
                Some(column) => format!("COPY {table}, line {line}, column {column}"),
                None => format!("COPY {table}, line {line}"),
            }),
            _ => None,
        }
    }

    /// Where in the statement's text, in characters from 1.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Syntax { position, .. }
            | Self::UndefinedTable { position, .. }
            | Self::MissingFrom { position, .. }
            | Self::UndefinedColumn { position, .. }
            | Self::AmbiguousColumn { position, .. }
            | Self::UndefinedFunction { position, .. } => *position,
            _ => None,
        }
    }

    /// [`Error::Unsupported`] without a hint.
    /// `left operator right`, by PostgreSQL's names of the types.
    pub(crate) fn undefined_operator(operation: impl std::fmt::Display) -> Self {
        Self::UndefinedFunction {
            name: format!("{OPERATOR}{operation}"),
            hint: Some(
                "No operator matches the given name and argument types. You might need to add explicit type casts."
                    .to_owned(),
            ),
            position: None,
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported {
            what: what.into(),
            hint: None,
        }
    }

    /// [`Error::Internal`].
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// [`Error::Syntax`] without a position.
    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self::Syntax {
            message: message.into(),
            position: None,
        }
    }

    /// Takes the position away, where it is one of another text.
    pub(crate) fn nowhere(mut self) -> Self {
        if let Self::Syntax { position, .. }
        | Self::UndefinedTable { position, .. }
        | Self::MissingFrom { position, .. }
        | Self::UndefinedColumn { position, .. }
        | Self::AmbiguousColumn { position, .. }
        | Self::UndefinedFunction { position, .. } = &mut self
        {
            *position = None;
        }
        self
    }

    /// Gives the position to an error that has none.
    pub(crate) fn at(mut self, place: Option<usize>) -> Self {
        if let Self::Syntax { position, .. }
        | Self::UndefinedTable { position, .. }
        | Self::MissingFrom { position, .. }
        | Self::UndefinedColumn { position, .. }
        | Self::AmbiguousColumn { position, .. }
        | Self::UndefinedFunction { position, .. } = &mut self
        {
            *position = position.or(place);
        }
        self
    }
}

impl From<radlake_sql::SyntaxError> for Error {
    fn from(error: radlake_sql::SyntaxError) -> Self {
        match &error {
            radlake_sql::SyntaxError::TooComplex { .. } => Self::TooComplex(error.to_string()),
            _ => Self::Syntax {
                position: error.position(),
                message: error.to_string(),
            },
        }
    }
}

impl From<radlake_catalogs::Error> for Error {
    fn from(error: radlake_catalogs::Error) -> Self {
        use radlake_catalogs::Error as Lake;
        if running::is_full(&error) {
            return Self::LakeFull(error.to_string());
        }
        match error {
            Lake::DataFusion(inner) => inner.into(),
            Lake::Arrow(inner) => running::arrow(&inner),
            Lake::Conflict { .. } | Lake::Contention { .. } => Self::Serialization(error.to_string()),
            Lake::InDoubt { .. } => Self::InDoubt(error.to_string()),
            Lake::NoEpoch { .. } => Self::InvalidParameter(error.to_string()),
            Lake::ExpiredEpoch { .. } | Lake::NoEpochAt { .. } => Self::Expired(error.to_string()),
            Lake::NotFound { kind: "schema", name } => Self::UndefinedSchema(name),
            Lake::Store(inner) => running::store(&inner),
            Lake::Damaged { .. } => Self::DataCorrupted(error.to_string()),
            Lake::Io { .. } | Lake::Parquet(_) => Self::Storage(error.to_string()),
            other => Self::Lake(Arc::new(other)),
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        planning::translate(&error)
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
