//! `date_shift(date, person [, days])`: a date moved by a number of days that is each person's own.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::key::{PrivacyKey, keyed};
use crate::document::{Family, document};
use crate::rows::by_row;

const NAME: &str = "date_shift";
/// Days that dates move at most, where nothing else is said.
const MOST: i64 = 365;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The SQL function `date_shift`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateShift {
    signature: Signature,
}

impl Default for DateShift {
    fn default() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Stable),
        }
    }
}

impl ScalarUDFImpl for DateShift {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let moved = match given.first() {
            Some(DataType::Timestamp(_, zone)) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            Some(DataType::Date32 | DataType::Null | DataType::Utf8) => DataType::Date32,
            Some(other) => return plan_err!("{NAME} moves dates and timestamps, not {other}"),
            None => return plan_err!("{NAME} takes a date and a person"),
        };
        match given.len() {
            2 => Ok(vec![moved, DataType::Utf8]),
            3 => Ok(vec![moved, DataType::Utf8, DataType::Int64]),
            n => plan_err!("{NAME} takes two or three arguments, not {n}"),
        }
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Date32))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mac = PrivacyKey::of(&args.config_options)?;
        by_row(&args, |values| {
            let [dates, persons, rest @ ..] = values else {
                return exec_err!("{NAME} takes a date and a person");
            };
            let persons = cast(persons, &DataType::Utf8)?;
            let persons = persons.as_string::<i32>();
            let most = match rest.first() {
                Some(most) => Some(cast(most, &DataType::Int64)?),
                None => None,
            };
            let most = most.as_ref().map(|most| most.as_primitive::<Int64Type>());
            // Each person's own, and never none.
            let days = |row: usize| -> Option<i64> {
                if persons.is_null(row) {
                    return None;
                }
                let most = match most {
                    Some(most) if most.is_null(row) => return None,
                    Some(most) => most.value(row).clamp(1, 36_500),
                    None => MOST,
                };
                let hash = keyed(&mac, NAME, persons.value(row).as_bytes());
                let mut number = [0; 8];
                number.copy_from_slice(&hash[..8]);
                let chosen = (u64::from_be_bytes(number) % (2 * most.unsigned_abs())) as i64;
                Some(if chosen < most {
                    chosen - most
                } else {
                    chosen - most + 1
                })
            };
            let shifted: ArrayRef = match dates.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                    let moments = dates.as_primitive::<TimestampMicrosecondType>();
                    let shifted = (0..moments.len()).map(|row| {
                        let at = moments.is_valid(row).then(|| moments.value(row))?;
                        at.checked_add(days(row)?.checked_mul(DAY)?)
                    });
                    let shifted: TimestampMicrosecondArray = shifted.collect();
                    Arc::new(shifted.with_timezone_opt(zone.clone()))
                }
                _ => {
                    let dates = cast(dates, &DataType::Date32)?;
                    let dates = dates.as_primitive::<Date32Type>();
                    let shifted = (0..dates.len()).map(|row| {
                        let at = dates.is_valid(row).then(|| dates.value(row))?;
                        at.checked_add(i32::try_from(days(row)?).ok()?)
                    });
                    Arc::new(shifted.collect::<Date32Array>())
                }
            };
            Ok(shifted)
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOC: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            document(
                Family::Privacy,
                "date_shift(date, person, days)",
                "A date or timestamp moved by a number of days that is each person's own, from HMAC-SHA-256 under the lake's \
                 key: the time between two events of one person stays what it was. Never by none; NULL without a person.",
                &[
                    ("date", "A date or timestamp."),
                    ("person", "Whose it is: the number of days depends on it alone."),
                    ("days", "How far at most, either way; 365 if left out."),
                ],
                "SELECT date_shift('2020-03-05'::date, 'P1') - date_shift('2020-03-01'::date, 'P1');  -- 4",
            )
        });
        Some(&DOC)
    }
}
