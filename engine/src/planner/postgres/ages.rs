//! `age`, `isfinite`, and dates and times of their parts: `make_time`, `make_timestamp`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, IntervalMonthDayNanoBuilder, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNano, IntervalUnit, TimeUnit,
    TimestampMicrosecondType, UInt32Type,
};
use datafusion::common::{Result, internal_err, not_impl_err};
use radlake_udfs::datetime::read::{self, Kind, Order, Zone};

use super::super::readings;
use super::intervals::made;
use super::{Named, doubles, longs, texts, unknown};
use crate::Error;

const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Years, months, days and time between two times of a calendar.
pub(super) const AGE: Named = Named {
    name: "age",
    returns: |types, _| match types {
        [later, earlier] if is_time(later) && is_time(earlier) => {
            Ok(DataType::Interval(IntervalUnit::MonthDayNano))
        }
        // The other form of it, `age(xid)`, comes with the day of today before it.
        [DataType::Date32, DataType::UInt32] => Ok(DataType::Int32),
        _ => unknown("age", types),
    },
    run: |values, _| {
        if let [_, xids] = values
            && let Some(xids) = xids.as_primitive_opt::<UInt32Type>()
        {
            return Ok(Arc::new(xids.unary::<_, Int32Type>(age_of_transaction)));
        }
        let [later, earlier] = values else {
            return internal_err!("age takes two arguments");
        };
        let (later, earlier) = (shown(later)?, shown(earlier)?);
        let mut out = IntervalMonthDayNanoBuilder::with_capacity(later.len());
        for pair in later.iter().zip(&earlier) {
            out.append_option(match pair {
                (Some(later), Some(earlier)) => Some(age(later, earlier).ok_or(Error::DatetimeOverflow)?),
                _ => None,
            });
        }
        Ok(Arc::new(out.finish()))
    },
};

/// No row of a lake keeps the number of its transaction, and none has to be rewritten before numbers begin anew: nothing ages. What is
/// no number of a transaction is older than any, as in PostgreSQL.
fn age_of_transaction(xid: u32) -> i32 {
    const FIRST_NORMAL: u32 = 3;
    if xid < FIRST_NORMAL { i32::MAX } else { 0 }
}

fn is_time(given: &DataType) -> bool {
    matches!(given, DataType::Date32 | DataType::Timestamp(..)) || given.is_string() || given.is_null()
}

/// What clocks show at times: of moments in their zone, which is the session's.
pub(super) fn shown(values: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    if values.data_type().is_string() {
        let values = texts(values)?;
        return values
            .iter()
            .map(|text| {
                text.map(|text| read::read(text, Kind::Timestamp, Zone::Fixed(0), Order::default()))
                    .transpose()
                    .map_err(|problem| readings::error(problem, "timestamp"))
            })
            .collect();
    }
    let DataType::Timestamp(_, Some(zone)) = values.data_type() else {
        return Ok(cast(values, &LOCAL)?
            .as_primitive::<TimestampMicrosecondType>()
            .clone());
    };
    let zone = Zone::parse(zone)?;
    let moments = cast(
        values,
        &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )?;
    let moments = moments.as_primitive::<TimestampMicrosecondType>();
    let local: TimestampMicrosecondArray = moments.try_unary(|at| {
        let shown = at.checked_add(zone.offset(at)? * 1_000_000);
        shown.ok_or_else(|| datafusion::error::DataFusionError::from(Error::DatetimeOverflow))
    })?;
    Ok(local.with_timezone_opt(None::<Arc<str>>))
}

/// As `timestamp_age` has it (`src/backend/utils/adt/timestamp.c`): what is missing in one part is taken from the next, a month having
/// the days that the earlier time's month has.
fn age(later: i64, earlier: i64) -> Option<IntervalMonthDayNano> {
    let sign = if later < earlier { -1 } else { 1 };
    let (first, last) = (later.min(earlier), later.max(earlier));
    let (from, to) = (first.div_euclid(DAY), last.div_euclid(DAY));
    let ((year1, month1, day1), (year2, month2, day2)) = (read::civil(from), read::civil(to));
    let mut micros = last.rem_euclid(DAY) - first.rem_euclid(DAY);
    let mut days = day2 - day1;
    let mut months = (year2 - year1) * 12 + month2 - month1;
    if micros < 0 {
        micros += DAY;
        days -= 1;
    }
    // Of the two it is always the month that the earlier one lies in.
    let of_month = length(year1, month1);
    while days < 0 {
        days += of_month;
        months -= 1;
    }
    let (months, days) = (
        i32::try_from(months * sign).ok()?,
        i32::try_from(days * sign).ok()?,
    );
    made(months, days, micros * sign)
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a time or an interval has an end; there are none without here.
pub(super) const ISFINITE: Named = Named {
    name: "isfinite",
    returns: |types, _| match types {
        [DataType::Date32 | DataType::Timestamp(..) | DataType::Interval(_)] => Ok(DataType::Boolean),
        _ => unknown("isfinite", types),
    },
    run: |values, _| {
        let [values] = values else {
            return internal_err!("isfinite takes one argument");
        };
        let finite: BooleanArray = match values.data_type() {
            DataType::Date32 => values
                .as_primitive::<Date32Type>()
                .iter()
                .map(|day| day.map(|day| !matches!(day, i32::MIN | i32::MAX)))
                .collect(),
            DataType::Timestamp(_, zone) => {
                cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?
                    .as_primitive::<TimestampMicrosecondType>()
                    .iter()
                    .map(|at| at.map(|at| !matches!(at, i64::MIN | i64::MAX)))
                    .collect()
            }
            _ => (0..values.len())
                .map(|row| values.is_valid(row).then_some(true))
                .collect(),
        };
        Ok(Arc::new(finite))
    },
};

/// A time of day of hours, minutes and seconds.
pub(super) const MAKE_TIME: Named = Named {
    name: "make_time",
    returns: |types, _| match types {
        [hours, minutes, seconds] if is_whole(hours) && is_whole(minutes) && is_number(seconds) => {
            Ok(DataType::Time64(TimeUnit::Microsecond))
        }
        _ => unknown("make_time", types),
    },
    run: |values, _| {
        let [hours, minutes, seconds] = values else {
            return internal_err!("make_time takes three arguments");
        };
        let times = clocks(hours, minutes, seconds)?;
        if times.contains(&Some(DAY)) {
            return not_impl_err!("the time 24:00:00");
        }
        Ok(Arc::new(Time64MicrosecondArray::from(times)))
    },
};

/// What a clock shows on a day.
pub(super) const MAKE_TIMESTAMP: Named = Named {
    name: "make_timestamp",
    returns: |types, _| match types {
        [parts @ .., seconds] if parts.len() == 5 && parts.iter().all(is_whole) && is_number(seconds) => {
            Ok(LOCAL)
        }
        _ => unknown("make_timestamp", types),
    },
    run: |values, _| {
        let [years, months, days, hours, minutes, seconds] = values else {
            return internal_err!("make_timestamp takes six arguments");
        };
        let clocks = clocks(hours, minutes, seconds)?;
        let dates = [longs(years)?, longs(months)?, longs(days)?];
        let dates = dates.each_ref().map(|part| part.as_primitive::<Int64Type>());
        let moments = (0..clocks.len()).map(|row| {
            let (Some(clock), false) = (clocks[row], dates.iter().any(|part| part.is_null(row))) else {
                return Ok(None);
            };
            let day = super::make_date::days(dates[0].value(row), dates[1].value(row), dates[2].value(row));
            let at = day.and_then(|day| day.checked_mul(DAY)?.checked_add(clock));
            at.ok_or_else(|| Error::DatetimeOverflow.into()).map(Some)
        });
        Ok(Arc::new(moments.collect::<Result<TimestampMicrosecondArray>>()?))
    },
};

fn is_whole(given: &DataType) -> bool {
    given.is_integer() || given.is_null()
}

fn is_number(given: &DataType) -> bool {
    given.is_numeric() || given.is_null()
}

/// Microseconds since midnight; 24:00:00 is the last of them.
fn clocks(hours: &ArrayRef, minutes: &ArrayRef, seconds: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let (hours, minutes, seconds) = (longs(hours)?, longs(minutes)?, doubles(seconds)?);
    let (hours, minutes) = (
        hours.as_primitive::<Int64Type>(),
        minutes.as_primitive::<Int64Type>(),
    );
    let seconds = seconds.as_primitive::<Float64Type>();
    let one = |hour: i64, minute: i64, second: f64| {
        let in_range = (0..=24).contains(&hour) && (0..60).contains(&minute);
        let micros = (second * 1e6).round_ties_even();
        if !in_range || !(0.0..=60_000_000.0).contains(&micros) {
            return None;
        }
        let at = (hour * 60 + minute) * 60_000_000 + micros as i64;
        (at <= DAY).then_some(at)
    };
    (0..hours.len())
        .map(|row| {
            if hours.is_null(row) || minutes.is_null(row) || seconds.is_null(row) {
                return Ok(None);
            }
            one(hours.value(row), minutes.value(row), seconds.value(row))
                .map(Some)
                .ok_or_else(|| Error::DatetimeOverflow.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_take_what_is_missing_from_the_next_part() {
        let at = |year, month, day, micros| read::days(year, month, day).unwrap() * DAY + micros;
        let age = |later, earlier| age(later, earlier).unwrap();
        assert_eq!(
            age(at(2020, 3, 1, 0), at(2019, 1, 31, 0)),
            IntervalMonthDayNano::new(13, 1, 0)
        );
        assert_eq!(
            age(at(2019, 1, 31, 0), at(2020, 3, 1, 1)),
            IntervalMonthDayNano::new(-13, -1, -1000)
        );
    }
}
