//! Dates, times and intervals as the functions of this family read them.

use arrow::array::timezone::Tz as ArrowZone;
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, IntervalMonthDayNanoArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{OffsetName, Tz};
use datafusion::common::{exec_datafusion_err, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::scalar::ScalarValue;

use super::calendar;

/// A value of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Days since 1970.
    Date(i64),
    /// Microseconds since 1970 that clocks show.
    Timestamp(i64),
    /// Microseconds since 1970, and the seconds that clocks are ahead of UTC then.
    Timestamptz {
        at: i64,
        offset: i64,
    },
    /// Microseconds since midnight.
    Time(i64),
    Interval {
        months: i64,
        days: i64,
        micros: i64,
    },
}

/// The values of a column.
pub(super) enum Values<'a> {
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
    Timestamptz(&'a TimestampMicrosecondArray, Zone),
    Time(&'a Time64MicrosecondArray),
    Interval(&'a IntervalMonthDayNanoArray),
}

impl<'a> Values<'a> {
    /// Of a column of a type that [`coerced`] gives.
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self> {
        match array.data_type() {
            DataType::Date32 => Ok(Values::Date(array.as_primitive())),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Ok(Values::Timestamp(array.as_primitive())),
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
                Ok(Values::Timestamptz(array.as_primitive(), Zone::parse(zone)?))
            }
            DataType::Time64(TimeUnit::Microsecond) => Ok(Values::Time(array.as_primitive())),
            DataType::Interval(IntervalUnit::MonthDayNano) => Ok(Values::Interval(array.as_primitive())),
            other => internal_err!("a date or time expected, not {other}"),
        }
    }

    /// The value of row `i`.
    pub(super) fn get(&self, i: usize) -> Result<Option<Value>> {
        Ok(match self {
            Values::Date(a) => a.is_valid(i).then(|| Value::Date(a.value(i).into())),
            Values::Timestamp(a) => a.is_valid(i).then(|| Value::Timestamp(a.value(i))),
            Values::Timestamptz(a, zone) if a.is_valid(i) => {
                let at = a.value(i);
                let offset = zone.offset(at)?;
                Some(Value::Timestamptz { at, offset })
            }
            Values::Timestamptz(..) => None,
            Values::Time(a) => a.is_valid(i).then(|| Value::Time(a.value(i))),
            Values::Interval(a) => a.is_valid(i).then(|| {
                let interval = a.value(i);
                Value::Interval {
                    months: interval.months.into(),
                    days: interval.days.into(),
                    micros: interval.nanoseconds / 1000,
                }
            }),
        })
    }
}

/// The type under which a date or time is read; nothing for what is neither.
pub(super) fn coerced(from: &DataType) -> Option<DataType> {
    match from {
        DataType::Date32 | DataType::Date64 => Some(DataType::Date32),
        DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone())),
        DataType::Time32(_) | DataType::Time64(_) => Some(DataType::Time64(TimeUnit::Microsecond)),
        DataType::Interval(_) | DataType::Duration(_) => Some(DataType::Interval(IntervalUnit::MonthDayNano)),
        _ => None,
    }
}

/// True for the types of text, and of a NULL that has none.
pub(super) fn is_text(from: &DataType) -> bool {
    from.is_string() || from.is_null()
}

/// A function's answer: of one row where all arguments are `constant`.
pub(super) fn answer(rows: ArrayRef, constant: bool) -> Result<ColumnarValue> {
    Ok(match constant {
        true => ColumnarValue::Scalar(ScalarValue::try_from_array(&rows, 0)?),
        false => ColumnarValue::Array(rows),
    })
}

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Of the tz database.
    Named(Tz),
    /// Seconds ahead of UTC.
    Fixed(i32),
    /// The same, of a zone that has no name even for its time.
    Nameless(i32),
}

fn out_of_range() -> DataFusionError {
    exec_datafusion_err!("timestamp out of range")
}

fn naive(micros: i64) -> Result<NaiveDateTime> {
    Ok(DateTime::from_timestamp_micros(micros)
        .ok_or_else(out_of_range)?
        .naive_utc())
}

/// The tables of zones end in 2100; after that a year has the rules of an earlier one that begins on the same weekday and is as long,
/// as in PostgreSQL.
fn like(micros: i64) -> i64 {
    let (year, _, _) = calendar::date(micros.div_euclid(calendar::DAY));
    if year < 2100 {
        return micros;
    }
    let length = |year: i64| calendar::julian(year + 1, 1, 1) - calendar::julian(year, 1, 1);
    let behind = |like: i64| calendar::julian(year, 1, 1) - calendar::julian(like, 1, 1);
    (2072..2100)
        .find(|like| length(*like) == length(year) && behind(*like) % 7 == 0)
        .map_or(micros, |like| micros - behind(like) * calendar::DAY)
}

impl Zone {
    /// The zone of a column's type: a name of the tz database, or an offset such as `+01:00`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Ok(Zone::Named(zone));
        }
        let zone: ArrowZone = text.parse()?;
        let offset = zone.offset_from_utc_datetime(&NaiveDateTime::default());
        let offset = offset.fix().local_minus_utc();
        Ok(match text.contains(':') {
            true => Zone::Fixed(offset),
            // Written so by `read::arrow_name`.
            false => Zone::Nameless(offset),
        })
    }

    /// Seconds that clocks are ahead of UTC at a moment, which is in microseconds since 1970.
    ///
    /// # Errors
    /// The moment lies beyond the calendar.
    pub fn offset(&self, at: i64) -> Result<i64> {
        Ok(match self {
            Zone::Named(Tz::UTC) => 0,
            Zone::Named(zone) => zone
                .offset_from_utc_datetime(&naive(like(at))?)
                .fix()
                .local_minus_utc()
                .into(),
            Zone::Fixed(offset) | Zone::Nameless(offset) => (*offset).into(),
        })
    }

    /// Seconds that clocks are ahead of UTC when they show a time. As in PostgreSQL, of an hour that comes twice it is the second,
    /// and an hour that is left out is read as if the clocks had not been changed yet.
    ///
    /// # Errors
    /// The time lies beyond the calendar.
    pub fn offset_of_local(&self, shown: i64) -> Result<i64> {
        let zone = match self {
            Zone::Named(zone) => zone,
            Zone::Fixed(offset) | Zone::Nameless(offset) => return Ok((*offset).into()),
        };
        let shown = naive(like(shown))?;
        let offset = match zone.offset_from_local_datetime(&shown) {
            LocalResult::Single(offset) | LocalResult::Ambiguous(_, offset) => offset,
            LocalResult::None => {
                let before = shown
                    .checked_sub_signed(TimeDelta::hours(3))
                    .ok_or_else(out_of_range)?;
                zone.offset_from_local_datetime(&before)
                    .earliest()
                    .ok_or_else(out_of_range)?
            }
        };
        Ok(offset.fix().local_minus_utc().into())
    }

    /// What the zone's time is called at a moment: `CEST`, `+04`.
    pub(super) fn abbreviation(&self, at: i64) -> Result<String> {
        if let Zone::Named(zone) = self {
            let offset = zone.offset_from_utc_datetime(&naive(like(at))?);
            if let Some(name) = offset.abbreviation() {
                return Ok(name.to_owned());
            }
        }
        let offset = self.offset(at)?;
        if matches!(self, Zone::Nameless(_)) {
            return Ok(String::new());
        }
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        Ok(match (self, minutes) {
            (_, 0) => format!("{sign}{hours:02}"),
            (Zone::Named(_), _) => format!("{sign}{hours:02}{minutes:02}"),
            (_, _) => format!("{sign}{hours:02}:{minutes:02}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Zone;

    fn shown(text: &str) -> i64 {
        chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")
            .unwrap()
            .and_utc()
            .timestamp_micros()
    }

    #[test]
    fn hours_that_come_twice_or_not_at_all_are_read_as_postgresql_does() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let hours = |text: &str| zone.offset_of_local(shown(text)).unwrap() / 3600;
        assert_eq!(hours("2024-07-01 12:00"), 2);
        assert_eq!(hours("2024-01-01 12:00"), 1);
        assert_eq!(hours("2024-10-27 02:30"), 1);
        assert_eq!(hours("2024-03-31 02:30"), 1);
    }

    #[test]
    fn zones_have_names() {
        let named = |zone: &str, text: &str| Zone::parse(zone).unwrap().abbreviation(shown(text)).unwrap();
        assert_eq!(named("Europe/Berlin", "2024-07-01 12:00"), "CEST");
        assert_eq!(named("Asia/Dubai", "2024-07-01 12:00"), "+04");
        assert_eq!(named("UTC", "2024-07-01 12:00"), "UTC");
        assert_eq!(named("+00:00", "2024-07-01 12:00"), "+00");
        assert_eq!(named("-03:30", "2024-07-01 12:00"), "-03:30");
    }
}
