//! `make_date(year, month, day)`; a negative year is before Christ.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Date32Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::error::DataFusionError;

use super::Named;
use crate::Error;

/// The date.
pub(super) const MAKE_DATE: Named = Named {
    name: "make_date",
    returns: |types, _| match types {
        [_, _, _] if types.iter().all(|one| one.is_integer() || one.is_null()) => Ok(DataType::Date32),
        _ => plan_err!("function make_date does not exist; it takes three integers"),
    },
    run: |values, _| {
        let whole = CastOptions {
            safe: false,
            ..CastOptions::default()
        };
        let parts = values
            .iter()
            .map(|part| cast_with_options(part, &DataType::Int64, &whole))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let [years, months, days] = parts.as_slice() else {
            return internal_err!("make_date takes three arguments");
        };
        let part = |array: &arrow::array::ArrayRef, row: usize| {
            array
                .is_valid(row)
                .then(|| array.as_primitive::<Int64Type>().value(row))
        };
        let dates = (0..years.len())
            .map(
                |row| match (part(years, row), part(months, row), part(days, row)) {
                    (Some(year), Some(month), Some(day)) => date(year, month, day).map(Some),
                    _ => Ok(None),
                },
            )
            .collect::<Result<Date32Array>>()?;
        Ok(Arc::new(dates))
    },
};

fn date(year: i64, month: i64, day: i64) -> Result<i32> {
    days(year, month, day)
        .and_then(|days| i32::try_from(days).ok())
        .ok_or_else(|| DataFusionError::External(Box::new(Error::DatetimeOverflow)))
}

/// Days since 1970 of a date whose year is as it is written: there is no year 0, which is 1 BC elsewhere.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = match year {
        0 => return None,
        ..0 => year + 1,
        _ => year,
    };
    radlake_udfs::datetime::read::days(year, month, day)
}
