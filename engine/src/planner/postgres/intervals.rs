//! Intervals: compared by their length, where a month has 30 days and a day 24 hours (PostgreSQL, "Date/Time Functions and Operators"),
//! multiplied and divided, and brought into the form in which clocks and calendars show them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, IntervalMonthDayNanoBuilder};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
};
use datafusion::common::{Result, internal_err};

use super::{Named, doubles, unknown};
use crate::Error;

const SPAN_TYPE: DataType = DataType::Decimal128(38, 0);
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The length of an interval in microseconds.
pub(super) const SPAN: Named = Named {
    name: "interval_span",
    returns: |_, _| Ok(SPAN_TYPE),
    run: |values, _| {
        let [interval] = values else {
            return internal_err!("interval_span takes one argument");
        };
        let intervals: ArrayRef = cast(interval, &INTERVAL)?;
        let spans: Decimal128Array = intervals
            .as_primitive::<IntervalMonthDayNanoType>()
            .unary::<_, Decimal128Type>(|value| {
                let days = i128::from(value.months) * 30 + i128::from(value.days);
                days * 86_400_000_000 + i128::from(value.nanoseconds / 1000)
            });
        Ok(Arc::new(spans.with_precision_and_scale(38, 0)?))
    },
};

/// An interval times a number.
pub(in super::super) const MULTIPLY: Named = Named {
    name: "interval_mul",
    returns: |_, _| Ok(INTERVAL),
    run: |values, _| scaled(values, |part, factor| Ok(part * factor)),
};

/// An interval divided by a number.
pub(in super::super) const DIVIDE: Named = Named {
    name: "interval_div",
    returns: |_, _| Ok(INTERVAL),
    run: |values, _| {
        scaled(values, |part, factor| match factor == 0.0 {
            true => Err(Error::DivisionByZero),
            false => Ok(part / factor),
        })
    },
};

/// Every 30 days a month.
pub(super) const JUSTIFY_DAYS: Named = Named {
    name: "justify_days",
    returns: |types, _| of_one("justify_days", types),
    run: |values, _| {
        justified(values, |parts| {
            parts.whole_months()?;
            parts.one_sign_of_days();
            Some(())
        })
    },
};

/// Every 24 hours a day.
pub(super) const JUSTIFY_HOURS: Named = Named {
    name: "justify_hours",
    returns: |types, _| of_one("justify_hours", types),
    run: |values, _| {
        justified(values, |parts| {
            parts.whole_days()?;
            parts.one_sign_of_time();
            Some(())
        })
    },
};

/// Both, and all parts of one sign.
pub(super) const JUSTIFY_INTERVAL: Named = Named {
    name: "justify_interval",
    returns: |types, _| of_one("justify_interval", types),
    run: |values, _| {
        justified(values, |parts| {
            if i64::from(parts.days.signum()) * parts.micros.signum() > 0 {
                parts.whole_months()?;
            }
            parts.whole_days()?;
            parts.whole_months()?;
            if parts.months > 0 && (parts.days < 0 || parts.days == 0 && parts.micros < 0) {
                parts.days += 30;
                parts.months -= 1;
            } else if parts.months < 0 && (parts.days > 0 || parts.days == 0 && parts.micros > 0) {
                parts.days -= 30;
                parts.months += 1;
            }
            parts.one_sign_of_time();
            Some(())
        })
    },
};

fn of_one(name: &str, types: &[DataType]) -> Result<DataType> {
    match types {
        [DataType::Interval(_) | DataType::Null] => Ok(INTERVAL),
        _ => unknown(name, types),
    }
}

/// An interval's parts while they are moved from one to another.
struct Parts {
    months: i32,
    days: i32,
    micros: i64,
}

impl Parts {
    fn whole_months(&mut self) -> Option<()> {
        self.months = self.months.checked_add(self.days / 30)?;
        self.days %= 30;
        Some(())
    }

    fn whole_days(&mut self) -> Option<()> {
        self.days = self.days.checked_add(i32::try_from(self.micros / DAY).ok()?)?;
        self.micros %= DAY;
        Some(())
    }

    fn one_sign_of_days(&mut self) {
        if self.months > 0 && self.days < 0 {
            self.days += 30;
            self.months -= 1;
        } else if self.months < 0 && self.days > 0 {
            self.days -= 30;
            self.months += 1;
        }
    }

    fn one_sign_of_time(&mut self) {
        if self.days > 0 && self.micros < 0 {
            self.micros += DAY;
            self.days -= 1;
        } else if self.days < 0 && self.micros > 0 {
            self.micros -= DAY;
            self.days += 1;
        }
    }
}

fn justified(values: &[ArrayRef], run: fn(&mut Parts) -> Option<()>) -> Result<ArrayRef> {
    each(values, |value| {
        let mut parts = Parts {
            months: value.months,
            days: value.days,
            micros: value.nanoseconds / 1000,
        };
        run(&mut parts)?;
        made(parts.months, parts.days, parts.micros)
    })
}

/// An interval of its parts, if it can be held: its time is kept in nanoseconds.
pub(in super::super) fn made(months: i32, days: i32, micros: i64) -> Option<IntervalMonthDayNano> {
    Some(IntervalMonthDayNano::new(months, days, micros.checked_mul(1000)?))
}

/// What `run` makes of each interval; it is out of range where that is nothing.
fn each(
    values: &[ArrayRef],
    run: impl Fn(IntervalMonthDayNano) -> Option<IntervalMonthDayNano>,
) -> Result<ArrayRef> {
    let [values] = values else {
        return internal_err!("an interval expected");
    };
    let values = cast(values, &INTERVAL)?;
    let values = values.as_primitive::<IntervalMonthDayNanoType>();
    let mut out = IntervalMonthDayNanoBuilder::with_capacity(values.len());
    for value in values {
        out.append_option(
            value
                .map(|value| run(value).ok_or(Error::DatetimeOverflow))
                .transpose()?,
        );
    }
    Ok(Arc::new(out.finish()))
}

fn scaled(values: &[ArrayRef], by: impl Fn(f64, f64) -> std::result::Result<f64, Error>) -> Result<ArrayRef> {
    let [intervals, factors] = values else {
        return internal_err!("an interval and a number expected");
    };
    let intervals = cast(intervals, &INTERVAL)?;
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    let factors = doubles(factors)?;
    let factors = factors.as_primitive::<Float64Type>();
    let mut out = IntervalMonthDayNanoBuilder::with_capacity(intervals.len());
    for row in 0..intervals.len() {
        if intervals.is_null(row) || factors.is_null(row) {
            out.append_null();
            continue;
        }
        let (value, factor) = (intervals.value(row), factors.value(row));
        // A zero divisor is told before what is out of range.
        let scaled = spilled(
            by(value.months.into(), factor)?,
            by(value.days.into(), factor)?,
            by((value.nanoseconds / 1000) as f64, factor)?,
        );
        out.append_value(scaled.ok_or(Error::DatetimeOverflow)?);
    }
    Ok(Arc::new(out.finish()))
}

/// Fractions of months become days, of days time, as in `interval_mul` (`src/backend/utils/adt/timestamp.c`).
pub(in super::super) fn spilled(months: f64, days: f64, micros: f64) -> Option<IntervalMonthDayNano> {
    let whole = |value: f64| {
        let fits = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
        fits.then_some(value as i32)
    };
    let rounded = |value: f64| (value * 1e6).round_ties_even() / 1e6;
    let (whole_months, mut whole_days) = (whole(months)?, whole(days)?);
    let month_rest = rounded((months - f64::from(whole_months)) * 30.0);
    let month_days = month_rest.trunc();
    let mut seconds = rounded((days - f64::from(whole_days) + month_rest - month_days) * 86_400.0);
    if seconds.abs() >= 86_400.0 {
        let more = (seconds / 86_400.0).trunc();
        whole_days = whole_days.checked_add(more as i32)?;
        seconds -= more * 86_400.0;
    }
    whole_days = whole_days.checked_add(month_days as i32)?;
    let micros = (micros + seconds * 1e6).round_ties_even();
    if !(-9.2e18..=9.2e18).contains(&micros) {
        return None;
    }
    made(whole_months, whole_days, micros as i64)
}
