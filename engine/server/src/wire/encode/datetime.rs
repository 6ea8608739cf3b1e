//! date, time, timestamp and timestamptz, in ISO style.
//!
//! Arrow counts from 1970, PostgreSQL's binary formats from 2000; PostgreSQL keeps microseconds, so
//! nanoseconds are cut. The ends of the integer range stand for `infinity`, as in PostgreSQL.

use arrow::array::{ArrayRef, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use bytes::{BufMut, BytesMut};

use super::{EncodeError, Format, Result, Value, Zone};

/// Days from 1970-01-01 to 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROS: i64 = EPOCH_DAYS * DAY;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Year (0 is 1 BC), month and day of a day since 1970 in the proleptic Gregorian calendar.
pub(super) fn civil(days: i64) -> (i64, u32, u32) {
    // Years that begin in March, in eras of 400 years.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (year + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

/// Two digits.
fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

fn put_two(number: u32, out: &mut BytesMut) {
    out.put_slice(&two(number));
}

/// `YYYY-MM-DD`; true if ` BC` has to follow.
fn put_day(days: i64, out: &mut BytesMut) -> bool {
    let (year, month, day) = civil(days);
    let before_christ = year <= 0;
    let shown = if before_christ { 1 - year } else { year };
    let ([m1, m2], [d1, d2]) = (two(month), two(day));
    if shown < 10_000 {
        // In one piece: dates are in most rows.
        let ([c1, c2], [y1, y2]) = (two((shown / 100) as u32), two((shown % 100) as u32));
        out.put_slice(&[c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2]);
    } else {
        super::integer::put_decimal(shown, out);
        out.put_slice(&[b'-', m1, m2, b'-', d1, d2]);
    }
    before_christ
}

/// `.` and up to six digits without trailing zeros; nothing for 0.
pub(super) fn put_fraction(micros: u32, out: &mut BytesMut) {
    if micros == 0 {
        return;
    }
    let mut digits = *b".000000";
    let mut rest = micros;
    for digit in digits[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let end = 7 - digits.iter().rev().take_while(|d| **d == b'0').count();
    out.put_slice(&digits[..end]);
}

/// `HH:MM:SS[.ffffff]` of microseconds since midnight.
fn put_clock(micros: i64, out: &mut BytesMut) {
    let seconds = (micros / 1_000_000) as u32;
    let ([h1, h2], [m1, m2], [s1, s2]) = (two(seconds / 3600), two(seconds / 60 % 60), two(seconds % 60));
    out.put_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
    put_fraction((micros % 1_000_000) as u32, out);
}

/// `+HH[:MM[:SS]]`.
fn put_offset(offset: i32, out: &mut BytesMut) {
    out.put_u8(if offset < 0 { b'-' } else { b'+' });
    let seconds = offset.unsigned_abs();
    put_two(seconds / 3600, out);
    if !seconds.is_multiple_of(3600) {
        out.put_u8(b':');
        put_two(seconds / 60 % 60, out);
    }
    if !seconds.is_multiple_of(60) {
        out.put_u8(b':');
        put_two(seconds % 60, out);
    }
}

/// `infinity` for the largest, `-infinity` for the smallest number of the type.
fn put_infinity(value: i64, smallest: i64, largest: i64, out: &mut BytesMut) -> bool {
    if value == largest {
        out.put_slice(b"infinity");
    } else if value == smallest {
        out.put_slice(b"-infinity");
    } else {
        return false;
    }
    true
}

struct DateText(Vec<i64>);
struct DateBinary(Vec<i64>);

/// Days since 1970.
pub(super) fn date(days: Vec<i64>, format: Format) -> Box<dyn Value> {
    match format {
        Format::Text => Box::new(DateText(days)),
        Format::Binary => Box::new(DateBinary(days)),
    }
}

const DATE_MIN: i64 = i32::MIN as i64;
const DATE_MAX: i64 = i32::MAX as i64;

impl Value for DateText {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let days = self.0[row];
        if !put_infinity(days, DATE_MIN, DATE_MAX, out) && put_day(days, out) {
            out.put_slice(b" BC");
        }
        Ok(())
    }

    fn bare(&self) -> bool {
        // ` BC` wants quotes.
        false
    }
}

impl Value for DateBinary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let days = self.0[row];
        let shifted = if days == DATE_MIN || days == DATE_MAX {
            days
        } else {
            days - EPOCH_DAYS
        };
        out.put_i32(i32::try_from(shifted).map_err(|_| EncodeError::OutOfRange("date"))?);
        Ok(())
    }
}

struct TimeText(ScalarBuffer<i64>);
struct TimeBinary(ScalarBuffer<i64>);

/// Time of day of any unit.
pub(super) fn time(array: &ArrayRef, unit: TimeUnit, format: Format) -> Result<Box<dyn Value>> {
    let micros: ScalarBuffer<i64> = match unit {
        TimeUnit::Second => array
            .as_primitive::<Time32SecondType>()
            .values()
            .iter()
            .map(|t| i64::from(*t) * 1_000_000)
            .collect(),
        TimeUnit::Millisecond => array
            .as_primitive::<Time32MillisecondType>()
            .values()
            .iter()
            .map(|t| i64::from(*t) * 1_000)
            .collect(),
        TimeUnit::Microsecond => array.as_primitive::<Time64MicrosecondType>().values().clone(),
        TimeUnit::Nanosecond => array
            .as_primitive::<Time64NanosecondType>()
            .values()
            .iter()
            .map(|t| t.div_euclid(1_000))
            .collect(),
    };
    Ok(match format {
        Format::Text => Box::new(TimeText(micros)),
        Format::Binary => Box::new(TimeBinary(micros)),
    })
}

fn check_time(micros: i64) -> Result<i64> {
    if (0..=DAY).contains(&micros) {
        Ok(micros)
    } else {
        Err(EncodeError::OutOfRange("time"))
    }
}

impl Value for TimeText {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        put_clock(check_time(self.0[row])?, out);
        Ok(())
    }

    fn bare(&self) -> bool {
        true
    }
}

impl Value for TimeBinary {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        out.put_i64(check_time(self.0[row])?);
        Ok(())
    }
}

/// Counts of a unit since 1970, read as microseconds.
struct Instants {
    counts: ScalarBuffer<i64>,
    unit: TimeUnit,
}

impl Instants {
    #[inline]
    fn micros(&self, row: usize) -> Result<i64> {
        let count = self.counts[row];
        if count == i64::MAX || count == i64::MIN {
            return Ok(count);
        }
        match self.unit {
            TimeUnit::Microsecond => Some(count),
            TimeUnit::Nanosecond => Some(count.div_euclid(1_000)),
            TimeUnit::Millisecond => count.checked_mul(1_000),
            TimeUnit::Second => count.checked_mul(1_000_000),
        }
        .ok_or(EncodeError::OutOfRange("timestamp"))
    }
}

struct Timestamp(Instants);
struct TimestampTz(Instants, Zone);
struct TimestampBinary(Instants);

/// Instants of any unit; with a zone (the session's) as timestamptz.
pub(super) fn timestamp(
    array: &ArrayRef,
    unit: TimeUnit,
    zone: Option<Zone>,
    format: Format,
) -> Result<Box<dyn Value>> {
    let counts = match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values().clone(),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values().clone(),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values().clone(),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values().clone(),
    };
    let instants = Instants { counts, unit };
    Ok(match (format, zone) {
        (Format::Binary, _) => Box::new(TimestampBinary(instants)),
        (Format::Text, Some(zone)) => Box::new(TimestampTz(instants, zone)),
        (Format::Text, None) => Box::new(Timestamp(instants)),
    })
}

impl Value for Timestamp {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let micros = self.0.micros(row)?;
        if put_infinity(micros, i64::MIN, i64::MAX, out) {
            return Ok(());
        }
        let before_christ = put_day(micros.div_euclid(DAY), out);
        out.put_u8(b' ');
        put_clock(micros.rem_euclid(DAY), out);
        if before_christ {
            out.put_slice(b" BC");
        }
        Ok(())
    }
}

impl Value for TimestampTz {
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let micros = self.0.micros(row)?;
        if put_infinity(micros, i64::MIN, i64::MAX, out) {
            return Ok(());
        }
        let offset = self.1.offset(micros.div_euclid(1_000_000));
        // Shifted within the day: at the edge of the range the local time does not fit into 64 bits.
        let local = micros.rem_euclid(DAY) + i64::from(offset) * 1_000_000;
        let before_christ = put_day(micros.div_euclid(DAY) + local.div_euclid(DAY), out);
        out.put_u8(b' ');
        put_clock(local.rem_euclid(DAY), out);
        put_offset(offset, out);
        if before_christ {
            out.put_slice(b" BC");
        }
        Ok(())
    }
}

impl Value for TimestampBinary {
    #[inline]
    fn write(&self, row: usize, out: &mut BytesMut) -> Result {
        let micros = self.0.micros(row)?;
        out.put_i64(match micros {
            i64::MIN | i64::MAX => micros,
            micros => micros
                .checked_sub(EPOCH_MICROS)
                .ok_or(EncodeError::OutOfRange("timestamp"))?,
        });
        Ok(())
    }
}
