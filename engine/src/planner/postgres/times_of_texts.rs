//! `to_date(text, pattern)` and `to_timestamp(text, pattern)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, internal_err};
use radlake_udfs::datetime::read;

use super::super::readings;
use super::{Named, texts, unknown};
use crate::Error;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The date.
pub(super) const TO_DATE: Named = Named {
    name: "to_date",
    returns: |types, _| two_texts("to_date", types, DataType::Date32),
    run: |values, _| {
        let days: Result<Date32Array> = times(values)?
            .as_primitive::<TimestampMicrosecondType>()
            .iter()
            .map(|at| {
                at.map(|at| i32::try_from(at.div_euclid(DAY)).map_err(|_| Error::DatetimeOverflow.into()))
                    .transpose()
            })
            .collect();
        Ok(Arc::new(days?))
    },
};

/// What the clock shows; the session's zone is brought in by a cast.
pub(super) const TIMESTAMP_OF: Named = Named {
    name: "timestamp_of_pattern",
    returns: |types, _| {
        two_texts(
            "to_timestamp",
            types,
            DataType::Timestamp(TimeUnit::Microsecond, None),
        )
    },
    run: |values, _| times(values),
};

fn two_texts(name: &str, types: &[DataType], result: DataType) -> Result<DataType> {
    match types {
        [_, _] if types.iter().all(|one| one.is_string() || one.is_null()) => Ok(result),
        _ => unknown(name, types),
    }
}

fn times(values: &[ArrayRef]) -> Result<ArrayRef> {
    let [given, patterns] = values else {
        return internal_err!("a text and a pattern expected");
    };
    let (given, patterns) = (texts(given)?, texts(patterns)?);
    let mut known: Option<(&str, read::Format)> = None;
    let mut out: Vec<Option<i64>> = Vec::with_capacity(given.len());
    for pair in given.iter().zip(&patterns) {
        let (Some(text), Some(pattern)) = pair else {
            out.push(None);
            continue;
        };
        let format = match known.take() {
            Some((last, format)) if last == pattern => format,
            _ => read::Format::parse(pattern),
        };
        let at = format
            .read(text)
            .map_err(|problem| readings::error(problem, "timestamp"))?;
        out.push(Some(at));
        known = Some((pattern, format));
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(out)))
}
