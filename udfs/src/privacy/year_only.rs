//! `year_only(date)`: the first day of a date's year.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate, TimeDelta};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::document::{Family, document};
use crate::rows::by_row;

const NAME: &str = "year_only";
const EPOCH: NaiveDate = match NaiveDate::from_ymd_opt(1970, 1, 1) {
    Some(epoch) => epoch,
    None => NaiveDate::MIN,
};
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The SQL function `year_only`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct YearOnly {
    signature: Signature,
}

impl Default for YearOnly {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Days since 1970 of the first day of the year; `None` for dates that have none.
fn first_day(days: i64) -> Option<i64> {
    let date = EPOCH.checked_add_signed(TimeDelta::try_days(days)?)?;
    let first = NaiveDate::from_ymd_opt(date.year(), 1, 1)?;
    Some((first - EPOCH).num_days())
}

impl ScalarUDFImpl for YearOnly {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [DataType::Timestamp(_, zone)] => {
                Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, zone.clone())])
            }
            [DataType::Date32 | DataType::Null | DataType::Utf8] => Ok(vec![DataType::Date32]),
            _ => plan_err!("{NAME} takes one date or timestamp"),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Date32))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        by_row(&args, |values| {
            let [dates] = values else {
                return exec_err!("{NAME} takes one argument");
            };
            let years: ArrayRef = match dates.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                    let moments = dates.as_primitive::<TimestampMicrosecondType>();
                    let years = moments
                        .iter()
                        .map(|at| first_day(at?.div_euclid(DAY))?.checked_mul(DAY));
                    let years: TimestampMicrosecondArray = years.collect();
                    Arc::new(years.with_timezone_opt(zone.clone()))
                }
                _ => {
                    let dates = cast(dates, &DataType::Date32)?;
                    let dates = dates.as_primitive::<Date32Type>();
                    let years = dates
                        .iter()
                        .map(|at| i32::try_from(first_day(i64::from(at?))?).ok());
                    Arc::new(years.collect::<Date32Array>())
                }
            };
            Ok(years)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "year_only(date)",
                "The first day of the year of a date or timestamp (of UTC's year): of a date of birth, all that is left is the \
                 year.",
                &[("date", "A date or timestamp.")],
                "SELECT year_only('1961-07-14'::date);  -- 1961-01-01",
            )
        });
        Some(&DOC)
    }
}
