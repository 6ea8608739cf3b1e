//! interval, in the style `postgres`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit,
};
use bytes::{BufMut, BytesMut};

use super::datetime::put_fraction;
use super::integer::put_decimal;
use super::{EncodeError, Format, Result, Value};

/// PostgreSQL's three independent parts.
#[derive(Clone, Copy, Default)]
struct Parts {
    months: i32,
    days: i32,
    micros: i64,
}

struct Text(Vec<Parts>);
struct Binary(Vec<Parts>);

fn writer(parts: Vec<Parts>, format: Format) -> Box<dyn Value> {
    match format {
        Format::Text => Box::new(Text(parts)),
        Format::Binary => Box::new(Binary(parts)),
    }
}

/// Arrow's calendar intervals.
pub(super) fn interval(array: &ArrayRef, unit: IntervalUnit, format: Format) -> Box<dyn Value> {
    let parts = match unit {
        IntervalUnit::YearMonth => array
            .as_primitive::<IntervalYearMonthType>()
            .values()
            .iter()
            .map(|months| Parts {
                months: *months,
                ..Parts::default()
            })
            .collect(),
        IntervalUnit::DayTime => array
            .as_primitive::<IntervalDayTimeType>()
            .values()
            .iter()
            .map(|v| Parts {
                months: 0,
                days: v.days,
                micros: i64::from(v.milliseconds) * 1_000,
            })
            .collect(),
        IntervalUnit::MonthDayNano => array
            .as_primitive::<IntervalMonthDayNanoType>()
            .values()
            .iter()
            .map(|v| Parts {
                months: v.months,
                days: v.days,
                micros: v.nanoseconds.div_euclid(1_000),
            })
            .collect(),
    };
    writer(parts, format)
}

/// Arrow's durations: what PostgreSQL's subtraction of timestamps gives, as days and a time of day.
pub(super) fn duration(array: &ArrayRef, unit: TimeUnit, format: Format) -> Result<Box<dyn Value>> {
    let (counts, scale) = match unit {
        TimeUnit::Second => (array.as_primitive::<DurationSecondType>().values(), 1_000_000),
        TimeUnit::Millisecond => (array.as_primitive::<DurationMillisecondType>().values(), 1_000),
        TimeUnit::Microsecond => (array.as_primitive::<DurationMicrosecondType>().values(), 1),
        TimeUnit::Nanosecond => {
            let nanos = array.as_primitive::<DurationNanosecondType>().values();
            return Ok(writer(
                nanos.iter().map(|n| days_and_time(n.div_euclid(1_000))).collect(),
                format,
            ));
        }
    };
    let nulls = array.nulls();
    let parts = counts
        .iter()
        .enumerate()
        .map(|(row, count)| match count.checked_mul(scale) {
            Some(micros) => Ok(days_and_time(micros)),
            None if nulls.is_some_and(|nulls| nulls.is_null(row)) => Ok(Parts::default()),
            None => Err(EncodeError::OutOfRange("interval")),
        })
        .collect::<Result<_>>()?;
    Ok(writer(parts, format))
}

fn days_and_time(micros: i64) -> Parts {
    const DAY: i64 = 86_400_000_000;
    Parts {
        months: 0,
        days: (micros / DAY) as i32,
        micros: micros % DAY,
    }
}

impl Value for Binary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let Parts { months, days, micros } = self.0[row];
        out.put_i64(micros);
        out.put_i32(days);
        out.put_i32(months);
        Ok(())
    }
}

impl Value for Text {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let Parts { months, days, micros } = self.0[row];
        // PostgreSQL signs a part explicitly where the one before it was negative.
        let (mut first, mut after_negative) = (true, false);
        for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
            if value == 0 {
                continue;
            }
            if !first {
                out.put_u8(b' ');
            }
            if after_negative && value > 0 {
                out.put_u8(b'+');
            }
            put_decimal(i64::from(value), out);
            out.put_u8(b' ');
            out.put_slice(unit.as_bytes());
            if value != 1 {
                out.put_u8(b's');
            }
            (first, after_negative) = (false, value < 0);
        }
        if first || micros != 0 {
            if !first {
                out.put_u8(b' ');
            }
            if micros < 0 {
                out.put_u8(b'-');
            } else if after_negative {
                out.put_u8(b'+');
            }
            put_time(micros.unsigned_abs(), out);
        }
        Ok(())
    }
}

/// Hours (two digits or more), minutes, seconds.
fn put_time(micros: u64, out: &mut BytesMut) {
    let seconds = micros / 1_000_000;
    for (part, separator) in [
        (seconds / 3600, Some(b':')),
        (seconds / 60 % 60, Some(b':')),
        (seconds % 60, None),
    ] {
        if part < 10 {
            out.put_u8(b'0');
        }
        put_decimal(part as i64, out);
        if let Some(separator) = separator {
            out.put_u8(separator);
        }
    }
    put_fraction((micros % 1_000_000) as u32, out);
}
