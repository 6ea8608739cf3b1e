//! `extract(field FROM value)` with its fraction, as numeric, and `date_part`, as floating point.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::temporal::{DatePart, date_part};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, internal_err, not_impl_err, plan_err};

use super::Named;

/// As numeric.
pub(super) const EXTRACT: Named = Named {
    name: "pg_extract",
    returns: |types, field| match field {
        Some(field) => {
            check(types)?;
            Ok(DataType::Decimal128(38, scale(&canonical(field)?)))
        }
        None => plan_err!("extract takes the name of a field"),
    },
    run: |values, to| fields(values, to),
};

/// As `double precision`.
pub(super) const DATE_PART: Named = Named {
    name: "pg_date_part",
    returns: |types, field| match field {
        Some(field) => {
            check(types)?;
            canonical(field).map(|_| DataType::Float64)
        }
        None => not_impl_err!("date_part of a field that is no constant"),
    },
    run: |values, to| Ok(cast(&fields(values, &DataType::Decimal128(38, 6))?, to)?),
};

fn check(types: &[DataType]) -> Result<()> {
    match types {
        [
            _,
            DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_) | DataType::Interval(_),
        ] => Ok(()),
        [_, other] => plan_err!("function extract(text, {other}) does not exist"),
        _ => plan_err!("extract takes a field and a value"),
    }
}

/// A field under its own name.
fn canonical(field: &str) -> Result<String> {
    // EXTRACT takes it as a literal too, which comes here between its quotes.
    let lower = field.trim().trim_matches('\'').to_lowercase();
    Ok(match lower.as_str() {
        "years" | "y" | "yr" | "yrs" => "year",
        "mon" | "mons" | "months" => "month",
        "days" | "d" => "day",
        "h" | "hr" | "hrs" | "hours" => "hour",
        "m" | "min" | "mins" | "minutes" => "minute",
        "s" | "sec" | "secs" | "seconds" => "second",
        "ms" | "msec" | "msecs" | "millisecond" | "msecond" | "mseconds" => "milliseconds",
        "us" | "usec" | "usecs" | "microsecond" | "useconds" => "microseconds",
        "weeks" | "w" => "week",
        "qtr" => "quarter",
        "decades" | "dec" => "decade",
        "centuries" | "cent" | "c" => "century",
        "millennia" | "mil" | "mils" => "millennium",
        other => other,
    }
    .to_owned())
}

/// Digits behind the point.
fn scale(field: &str) -> i8 {
    match field {
        "second" | "epoch" => 6,
        "milliseconds" => 3,
        _ => 0,
    }
}

/// The fields as decimals of the type `to`.
fn fields(values: &[ArrayRef], to: &DataType) -> Result<ArrayRef> {
    let [names, values] = values else {
        return internal_err!("extract takes two arguments");
    };
    let names = cast(names, &DataType::Utf8)?;
    let names = names.as_string::<i32>();
    let Some(name) = (0..names.len())
        .find(|row| names.is_valid(*row))
        .map(|row| names.value(row))
    else {
        return Ok(arrow::array::new_null_array(to, values.len()));
    };
    // A constant, by its type's promise.
    let field = canonical(name)?;
    let micros = match values.data_type() {
        DataType::Interval(_) => of_intervals(&field, values)?,
        _ => of_times(&field, values)?,
    };
    let DataType::Decimal128(precision, scale) = to else {
        return internal_err!("extract gives a numeric");
    };
    let exact: Decimal128Array = micros.with_precision_and_scale(38, 6)?;
    let exact: ArrayRef = Arc::new(exact);
    Ok(cast(&exact, &DataType::Decimal128(*precision, *scale))?)
}

/// Millionths of whole numbers.
fn whole(numbers: &Int64Array) -> Decimal128Array {
    numbers.unary::<_, Decimal128Type>(|n| i128::from(n) * 1_000_000)
}

fn of_times(field: &str, values: &ArrayRef) -> Result<Decimal128Array> {
    let part = |part: DatePart| -> Result<Int64Array> {
        let parts = cast(&date_part(values, part)?, &DataType::Int64)?;
        Ok(parts.as_primitive::<Int64Type>().clone())
    };
    let is_date = matches!(values.data_type(), DataType::Date32);
    let is_time = matches!(values.data_type(), DataType::Time64(_));
    let clock = matches!(
        field,
        "hour" | "minute" | "second" | "milliseconds" | "microseconds"
    );
    if is_date && clock || is_time && !clock && field != "epoch" {
        return not_impl_err!("unit \"{field}\" is not supported for this type");
    }
    match field {
        "hour" => Ok(whole(&part(DatePart::Hour)?)),
        "minute" => Ok(whole(&part(DatePart::Minute)?)),
        // The whole seconds are the clock's, the fraction is the moment's in every zone.
        "second" | "milliseconds" | "microseconds" => {
            let seconds = part(DatePart::Second)?;
            let fraction = micros(values)?;
            let times = match field {
                "second" => 1,
                "milliseconds" => 1_000,
                _ => 1_000_000,
            };
            Ok(arrow::compute::kernels::arity::binary(
                &seconds,
                &fraction,
                |s, f| (i128::from(s) * 1_000_000 + i128::from(f.rem_euclid(1_000_000))) * times,
            )?)
        }
        "epoch" => Ok(micros(values)?.unary::<_, Decimal128Type>(i128::from)),
        // There is no year 0.
        "year" | "isoyear" => {
            let years = part(if field == "year" {
                DatePart::Year
            } else {
                DatePart::YearISO
            })?;
            Ok(whole(&years.unary(|y| if y > 0 { y } else { y - 1 })))
        }
        // Days since noon of 24 November 4714 BC, which PostgreSQL counts from midnight.
        "julian" if is_date => {
            Ok(micros(values)?
                .unary::<_, Decimal128Type>(|at| i128::from(at) / 86_400 + 2_440_588 * 1_000_000))
        }
        "decade" => Ok(whole(&part(DatePart::Year)?.unary(|y| y.div_euclid(10)))),
        "century" => Ok(whole(&part(DatePart::Year)?.unary(|y| age(y, 100)))),
        "millennium" => Ok(whole(&part(DatePart::Year)?.unary(|y| age(y, 1000)))),
        "quarter" => Ok(whole(&part(DatePart::Quarter)?)),
        "month" => Ok(whole(&part(DatePart::Month)?)),
        "week" => Ok(whole(&part(DatePart::WeekISO).or_else(|_| part(DatePart::Week))?)),
        "day" => Ok(whole(&part(DatePart::Day)?)),
        "doy" => Ok(whole(&part(DatePart::DayOfYear)?)),
        "dow" => Ok(whole(&part(DatePart::DayOfWeekSunday0)?)),
        "isodow" => Ok(whole(&part(DatePart::DayOfWeekMonday0)?.unary(|d| d + 1))),
        other => not_impl_err!("extract of \"{other}\""),
    }
}

/// Centuries and millennia have no zeroth: the first begins with the year 1.
fn age(year: i64, length: i64) -> i64 {
    match year > 0 {
        true => (year + length - 1) / length,
        false => -((length - year) / length),
    }
}

/// Microseconds since 1970, or since midnight.
fn micros(values: &ArrayRef) -> Result<Int64Array> {
    Ok(match values.data_type() {
        DataType::Date32 => values
            .as_primitive::<Date32Type>()
            .unary::<_, Int64Type>(|day| i64::from(day) * 86_400_000_000),
        DataType::Time64(_) => {
            let times = cast(values, &DataType::Time64(TimeUnit::Microsecond))?;
            times
                .as_primitive::<Time64MicrosecondType>()
                .unary::<_, Int64Type>(|at| at)
        }
        DataType::Timestamp(_, zone) => {
            let moments = cast(values, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            moments
                .as_primitive::<TimestampMicrosecondType>()
                .unary::<_, Int64Type>(|at| at)
        }
        other => return exec_err!("no time: {other}"),
    })
}

fn of_intervals(field: &str, values: &ArrayRef) -> Result<Decimal128Array> {
    let intervals = cast(values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    const DAY: i128 = 86_400_000_000;
    const M: i128 = 1_000_000;
    let of: fn(i128, i128, i128) -> i128 = match field {
        "year" => |months, _, _| months / 12 * M,
        "decade" => |months, _, _| months / 120 * M,
        "century" => |months, _, _| months / 1200 * M,
        "millennium" => |months, _, _| months / 12_000 * M,
        "quarter" => |months, _, _| (months % 12 / 3 + 1) * M,
        "month" => |months, _, _| months % 12 * M,
        "day" => |_, days, _| days * M,
        "hour" => |_, _, micros| micros / 3_600_000_000 * M,
        "minute" => |_, _, micros| micros / 60_000_000 % 60 * M,
        "second" => |_, _, micros| micros % 60_000_000,
        "milliseconds" => |_, _, micros| micros % 60_000_000 * 1_000,
        "microseconds" => |_, _, micros| micros % 60_000_000 * M,
        // A year has 365.25 days, a month 30.
        "epoch" => {
            |months, days, micros| months / 12 * (DAY * 1461 / 4) + (months % 12 * 30 + days) * DAY + micros
        }
        other => return not_impl_err!("extract of \"{other}\" from an interval"),
    };
    Ok(intervals.unary::<_, Decimal128Type>(|value| {
        of(
            value.months.into(),
            value.days.into(),
            (value.nanoseconds / 1000).into(),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centuries_are_counted_from_one() {
        for (year, century) in [(2000, 20), (2001, 21), (1, 1), (0, -1), (-99, -1), (-100, -2)] {
            assert_eq!(age(year, 100), century, "{year}");
        }
    }
}
