//! Types of columns that nobody declared: the narrowest that every value of the whole file fits.

use arrow::datatypes::{DataType, TimeUnit};
use radlake::Error;

use crate::copy::Record;
use crate::wire::parameters::{Source, read};
use crate::wire::{Format, Zone};

/// A type that values may fit, from the narrowest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Boolean,
    Integer,
    Bigint,
    Double,
    Date,
    Timestamp,
    Timestamptz,
    Uuid,
}

const ALL: [Candidate; 8] = [
    Candidate::Boolean,
    Candidate::Integer,
    Candidate::Bigint,
    Candidate::Double,
    Candidate::Date,
    Candidate::Timestamp,
    Candidate::Timestamptz,
    Candidate::Uuid,
];

impl Candidate {
    fn sql(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Double => "double precision",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Timestamptz => "timestamptz",
            Self::Uuid => "uuid",
        }
    }

    fn fits(self, bytes: &[u8]) -> bool {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let parses = |oid, target: DataType| {
            let source = Source {
                oid,
                format: Format::Text,
                zone: &Zone::Utc,
            };
            read(Some(bytes), &source, &target).is_ok()
        };
        // Identifiers such as 00123 are no numbers.
        let start = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
        let number = digit(start) && !(bytes[start] == b'0' && digit(start + 1))
            || bytes.get(start) == Some(&b'.') && digit(start + 1);
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        match self {
            Self::Boolean => matches!(bytes.to_ascii_lowercase().as_slice(), b"true" | b"false"),
            Self::Integer => number && text.parse::<i32>().is_ok(),
            Self::Bigint => number && text.parse::<i64>().is_ok(),
            Self::Double => {
                number && text.parse::<f64>().is_ok_and(f64::is_finite)
                    || matches!(text, "NaN" | "Infinity" | "-Infinity")
            }
            Self::Date => bytes.len() == 10 && bytes[4] == b'-' && parses(1082, DataType::Date32),
            // A zone says that it is an instant: without one everywhere, it is none.
            Self::Timestamp => {
                bytes.len() > 10
                    && bytes[4] == b'-'
                    && digit(0)
                    && !text[10..].contains(['+', '-', 'Z', 'z'])
                    && parses(1114, DataType::Timestamp(TimeUnit::Microsecond, None))
            }
            Self::Timestamptz => {
                bytes.len() > 10
                    && bytes[4] == b'-'
                    && digit(0)
                    && text
                        .get(10..)
                        .is_some_and(|rest| rest.contains(['+', '-', 'Z', 'z']))
                    && parses(
                        1184,
                        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                    )
            }
            Self::Uuid => bytes.len() == 36 && bytes[8] == b'-' && parses(2950, DataType::Utf8),
        }
    }
}

/// Columns whose types are being found.
#[derive(Debug, Default)]
pub(crate) struct Inference {
    columns: Vec<(String, Vec<Candidate>, bool)>,
}

impl Inference {
    /// The names of the columns.
    pub(crate) fn new(names: Vec<String>) -> Self {
        let columns = names
            .into_iter()
            .map(|name| (name, ALL.to_vec(), false))
            .collect();
        Self { columns }
    }

    /// Looks at a record. One of another width is left to the reading itself, which says which it is.
    pub(crate) fn see(&mut self, record: &Record<'_>) {
        for (at, (_, candidates, seen)) in self.columns.iter_mut().enumerate() {
            if candidates.is_empty() || at >= record.len() {
                continue;
            }
            let Some(value) = record.value(at) else {
                continue;
            };
            *seen = true;
            // What the narrowest of the numbers fits, the wider ones do.
            if candidates.first() == Some(&Candidate::Integer)
                && candidates.len() == 3
                && Candidate::Integer.fits(value)
            {
                continue;
            }
            candidates.retain(|candidate| candidate.fits(value));
        }
    }

    /// Names and types as SQL has them.
    pub(crate) fn columns(&self) -> Vec<(String, String)> {
        let sql = |(name, candidates, seen): &(String, Vec<Candidate>, bool)| {
            let narrowest = candidates.first().filter(|_| *seen);
            let sql = narrowest.map_or("text", |candidate| candidate.sql());
            (name.clone(), sql.to_owned())
        };
        self.columns.iter().map(sql).collect()
    }
}

/// Names of columns must differ and be something.
pub(crate) fn checked(names: &[String]) -> Result<(), Error> {
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::InvalidParameter(format!(
                "column {} has no name in the header; without a header say --with \"HEADER false\"",
                at + 1
            )));
        }
        if names[..at].contains(name) {
            return Err(Error::DuplicateColumn(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(values: &[&str]) -> &'static str {
        let fits = |candidate: &Candidate| values.iter().all(|value| candidate.fits(value.as_bytes()));
        ALL.into_iter().find(fits).map_or("text", Candidate::sql)
    }

    #[test]
    fn the_narrowest_type_of_all_values() {
        for (values, sql) in [
            (&["1", "-2"][..], "integer"),
            (&["1", "3000000000"], "bigint"),
            (&["1", "2.5", "1e3"], "double precision"),
            (&["001", "002"], "text"),
            (&["0", "0.5"], "double precision"),
            (&["true", "FALSE"], "boolean"),
            (&["1", "true"], "text"),
            (&["2020-02-29"], "date"),
            (&["2020-02-30"], "text"),
            (&["2020-02-29 12:00:00", "2020-02-29T12:00:00.5"], "timestamp"),
            (
                &["2020-02-29 12:00:00Z", "2020-02-29T12:00:00+02:00"],
                "timestamptz",
            ),
            (&["2020-02-29 12:00:00Z", "2020-02-29T12:00:00"], "text"),
            (&["00000000-0000-0000-0000-0000000000ff"], "uuid"),
            (&["99999999999999999999"], "double precision"),
        ] {
            assert_eq!(inferred(values), sql, "{values:?}");
        }
    }
}
