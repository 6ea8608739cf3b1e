//! The one place that says which SQLSTATE, hint and position an error has.

use std::io;

use bytes::BytesMut;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use super::codec::{FrameError, put};
use super::encode::EncodeError;
use super::frontend::Malformed;

/// An error as a client gets it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// True if the connection ends with it.
    pub(crate) fatal: bool,
    /// Five characters.
    pub(crate) code: &'static str,
    /// What is wrong.
    pub(crate) message: String,
    /// More about it.
    pub(crate) detail: Option<Box<str>>,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub(crate) position: Option<u32>,
    /// Where in the data of a COPY.
    pub(crate) context: Option<Box<str>>,
    /// Which constraint was violated.
    pub(crate) violation: Option<Box<radlake::Violation>>,
}

impl Report {
    /// An error that the session survives.
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            fatal: false,
            code,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            context: None,
            violation: None,
        }
    }

    /// An error that ends the connection.
    pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            fatal: true,
            ..Self::error(code, message)
        }
    }

    /// Says what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Ends the connection with it.
    pub(crate) fn into_fatal(self) -> Self {
        Self { fatal: true, ..self }
    }

    /// Appends it as ErrorResponse.
    pub(crate) fn put(&self, out: &mut BytesMut) {
        let severity = if self.fatal { "FATAL" } else { "ERROR" };
        put(&ErrorResponse::new(self.fields(severity)), out);
    }

    fn fields(&self, severity: &str) -> Vec<(u8, String)> {
        let mut fields = vec![
            (b'S', severity.to_owned()),
            (b'V', severity.to_owned()),
            (b'C', self.code.to_owned()),
            (b'M', self.message.replace('\0', " ")),
        ];
        let mut optional = |code, value: Option<String>| {
            fields.extend(value.map(|value| (code, value.replace('\0', " "))));
        };
        optional(b'D', self.detail.as_deref().map(str::to_owned));
        optional(b'H', self.hint.clone());
        optional(b'W', self.context.as_deref().map(str::to_owned));
        optional(b'P', self.position.map(|position| position.to_string()));
        if let Some(of) = &self.violation {
            optional(b's', of.schema.clone());
            optional(b't', of.table.clone());
            optional(b'c', of.column.clone());
            optional(b'd', of.data_type.clone());
            optional(b'n', of.constraint.clone());
        }
        fields
    }
}

/// Appends what the session says beside its answer.
pub(crate) fn put_notice(notice: &radlake::Notice, out: &mut BytesMut) {
    // Class 01 of the standard is warnings.
    let severity = if notice.code.starts_with("01") {
        "WARNING"
    } else {
        "NOTICE"
    };
    let fields = Report::error(notice.code, notice.message.as_str()).fields(severity);
    put(&NoticeResponse::new(fields), out);
}

/// Appends a warning.
pub(crate) fn put_warning(code: &'static str, message: &str, out: &mut BytesMut) {
    put(
        &NoticeResponse::new(Report::error(code, message).fields("WARNING")),
        out,
    );
}

/// Why a message could not be served.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The client is not there any more: nothing can be said to it.
    Gone,
    /// The client is told.
    Report(Box<Report>),
}

impl From<Report> for Fault {
    fn from(report: Report) -> Self {
        Self::Report(Box::new(report))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        tracing::debug!(%error, "connection lost");
        Self::Gone
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => error.into(),
            other => Report::fatal("08P01", other.to_string()).into(),
        }
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Self {
        let code = match error {
            Malformed::Format => "08P01",
            Malformed::Encoding => "22021",
            Malformed::TooLong { .. } => "54000",
        };
        let report = Report::error(code, error.to_string());
        match error {
            Malformed::TooLong { .. } => report.hint("Send it in several parts.").into(),
            _ => report.into(),
        }
    }
}

impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Self {
        let code = match error {
            EncodeError::OutOfRange("date" | "time" | "timestamp" | "interval") => "22008",
            EncodeError::OutOfRange(_) => "22003",
            EncodeError::Ragged => "2202E",
            EncodeError::NullElement => "22004",
            EncodeError::TooLong(_) => "54000",
            EncodeError::Arrow(_) => "XX000",
        };
        Report::error(code, error.to_string()).into()
    }
}

impl From<radlake::Error> for Fault {
    fn from(error: radlake::Error) -> Self {
        Report::from(&error).into()
    }
}

impl From<&radlake::Error> for Report {
    fn from(error: &radlake::Error) -> Self {
        Self {
            hint: error.hint(),
            detail: error.detail().map(String::into_boxed_str),
            position: error.position().and_then(|place| u32::try_from(place).ok()),
            context: error.context().map(String::into_boxed_str),
            violation: error.violation().cloned().map(Box::new),
            ..Self::error(sqlstate(error), error.to_string())
        }
    }
}

/// PostgreSQL's code of an error of the engine.
fn sqlstate(error: &radlake::Error) -> &'static str {
    use radlake::Error as E;
    match error {
        E::Syntax { .. } => "42601",
        E::UndefinedTable { .. } | E::MissingFrom { .. } => "42P01",
        E::UndefinedColumn { .. } => "42703",
        E::AmbiguousColumn { .. } => "42702",
        E::DuplicateAlias(_) => "42712",
        E::WrongObject(_) | E::WrongObjectHint { .. } => "42809",
        E::MissingRelation { .. } => "42P01",
        E::DuplicateTable(_) => "42P07",
        E::DuplicateSchema(_) => "42P06",
        E::DuplicateColumn(_) => "42701",
        E::DuplicateObject(_) => "42710",
        E::TooManyConnections(_) => "53300",
        E::ObjectInUse(_) => "55006",
        E::InvalidGrant(_) => "0LP01",
        E::ReservedName(_) => "42939",
        E::InvalidTableDefinition(_) => "42P16",
        E::DuplicateCursor(_) => "42P03",
        E::UndefinedCursor(_) => "34000",
        E::NotScrollable => "55000",
        E::InvalidColumnReference(_) => "42P10",
        E::GeneratedAlways(_) => "428C9",
        E::Dependents { .. } => "2BP01",
        E::NotNullViolation(_) => "23502",
        E::CheckViolation(_) => "23514",
        E::UniqueViolation(_) => "23505",
        E::TextTooLong(_) => "22001",
        E::CardinalityViolation(_) => "21000",
        E::UndefinedFunction { .. } => "42883",
        E::UndefinedObject { .. }
        | E::UndefinedSetting(_)
        | E::MissingConstraint { .. }
        | E::MissingIndex { .. }
        | E::MissingPolicy { .. }
        | E::NoClusteredIndex(_) => "42704",
        E::NotPopulated(_) | E::PrerequisiteState(_) => "55000",
        E::SequenceLimit(_) => "2200H",
        E::UndefinedSchema(_) => "3F000",
        E::UndefinedDatabase(_) => "3D000",
        E::UndefinedParameter(_) => "42P02",
        E::ParameterCount { .. } => "08P01",
        E::Grouping(_) => "42803",
        E::DatatypeMismatch(_) => "42804",
        E::CannotCast(_) => "42846",
        E::InvalidText { .. } | E::InvalidLabel(_) => "22P02",
        E::InvalidName(_) => "42602",
        E::DuplicateFunction(_) => "42723",
        E::InvalidPattern(_) => "2201B",
        E::InvalidEscape => "22025",
        E::NullNotAllowed(_) => "22004",
        E::ArraySubscript(_) => "2202E",
        E::InvalidLogarithm(_) => "2201E",
        E::InvalidPower(_) => "2201F",
        E::InvalidBuckets(_) => "2201G",
        E::UntranslatableCharacter => "22P05",
        E::InvalidDatetime { .. } => "22007",
        E::DatetimeOverflow => "22008",
        E::ZoneDisplacement => "22009",
        E::InvalidVector(_) => "22000",
        E::NullElement => "22004",
        E::NumericOverflow(_) | E::OutOfRange(_) => "22003",
        E::DivisionByZero => "22012",
        E::Cardinality => "21000",
        E::InvalidParameter(_) | E::InvalidSetting { .. } => "22023",
        E::FixedSetting(_) => "55P02",
        E::Unsupported { .. } | E::ResultTypeChanged => "0A000",
        E::UndefinedStatement(_) => "26000",
        E::DuplicateStatement(_) => "42P05",
        E::FailedTransaction => "25P02",
        E::NoTransaction(_) => "25P01",
        E::ActiveTransaction(_) | E::TooLate(_) => "25001",
        E::UndefinedSavepoint(_) => "3B001",
        E::ReadOnly(_) | E::ReadOnlyEpoch(_) => "25006",
        E::Expired(_) => "72000",
        E::Cancelled | E::Timeout => "57014",
        E::OutOfMemory { .. } => "53200",
        E::DiskFull { .. } | E::LakeFull(_) => "53100",
        E::InsufficientPrivilege(_) | E::NoHistory { .. } => "42501",
        E::InvalidRole(_) => "28000",
        E::PolicyFailed(_) => "38000",
        E::InvalidDefinition(_) => "42P17",
        E::InvalidFunction(_) => "42P13",
        E::TooComplex(_) => "54001",
        E::LimitExceeded(_) => "54000",
        E::Serialization(_) => "40001",
        E::Deadlock => "40P01",
        E::InDoubt(_) => "40003",
        E::CommitInDoubt(_) => "08007",
        E::Row { error, .. } => sqlstate(error),
        E::CopyFormat { .. } => "22P04",
        E::BinaryFormat(_) => "22P03",
        E::Encoding(_) => "22021",
        E::Storage(_) => "58030",
        E::DataCorrupted(_) => "XX001",
        E::Lake(error) => lake(error),
        _ => "XX000",
    }
}

/// PostgreSQL's code of what a lake refuses.
fn lake(error: &radlake::LakeError) -> &'static str {
    use radlake::LakeError as L;
    match error {
        L::NoLake { .. } => "58P01",
        L::LakeExists { .. } => "58P02",
        L::Format { .. } | L::Feature { .. } => "0A000",
        L::NotFound { .. } => "42704",
        L::Exists { .. } => "42710",
        L::Conflict { .. } | L::Contention { .. } => "40001",
        L::Foreign { .. } | L::Older { .. } => "55000",
        L::Damaged { .. } => "XX001",
        L::Invalid(_) => "22023",
        L::Store(_) | L::Io { .. } => "58030",
        _ => "XX000",
    }
}

#[cfg(test)]
mod tests {
    use radlake::Error as E;

    use super::*;

    #[test]
    fn errors_have_postgresqls_codes() {
        let name = String::new;
        for (error, code) in [
            (
                E::UndefinedTable {
                    name: name(),
                    hint: None,
                    position: None,
                },
                "42P01",
            ),
            (
                E::UndefinedColumn {
                    name: name(),
                    hint: None,
                    position: None,
                },
                "42703",
            ),
            (
                E::UndefinedFunction {
                    name: name(),
                    hint: None,
                    position: None,
                },
                "42883",
            ),
            (
                E::Syntax {
                    message: name(),
                    position: None,
                },
                "42601",
            ),
            (E::InvalidText { type_name: name() }, "22P02"),
            (E::DivisionByZero, "22012"),
            (
                E::Unsupported {
                    what: name(),
                    hint: None,
                },
                "0A000",
            ),
            (E::Cancelled, "57014"),
            (E::Timeout, "57014"),
            (E::OutOfMemory { detail: name() }, "53200"),
            (E::FailedTransaction, "25P02"),
            (E::InsufficientPrivilege(name()), "42501"),
            (E::NoHistory { relation: name() }, "42501"),
            (E::NumericOverflow(name()), "22003"),
            (E::DatetimeOverflow, "22008"),
            (E::Internal(name()), "XX000"),
            (radlake::LakeError::NoLake { url: name() }.into(), "58P01"),
            (radlake::LakeError::LakeExists { url: name() }.into(), "58P02"),
            (radlake::LakeError::invalid("").into(), "22023"),
            (radlake::LakeError::damaged("", "").into(), "XX001"),
        ] {
            assert_eq!(Report::from(&error).code, code, "{error:?}");
        }
    }

    #[test]
    fn hint_detail_and_position_reach_the_client() {
        let error = E::UndefinedColumn {
            name: "\"patent_id\"".to_owned(),
            hint: Some("Perhaps you meant patient_id.".to_owned()),
            position: Some(8),
        };
        let mut out = BytesMut::new();
        Report::from(&error).put(&mut out);
        let text = String::from_utf8_lossy(&out).replace('\0', "|");
        for field in [
            "SERROR|",
            "VERROR|",
            "C42703|",
            "HPerhaps you meant patient_id.|",
            "P8|",
        ] {
            assert!(text.contains(field), "{field} is not in {text}");
        }
    }
}
