//! Dates and times as PostgreSQL reads them, from any text: of a literal, a column, a parameter or a file that is copied.

mod decode;
mod fields;
mod format;
mod labels;
mod numbers;
mod places;
#[cfg(test)]
mod tests;
mod words;

use chrono_tz::Tz;

use super::calendar;
pub use super::value::Zone;
use decode::{Decoded, Special};
pub use format::Format;

/// The types that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `date`, in days since 1970.
    Date,
    /// `time`, in microseconds since midnight.
    Time,
    /// `timestamp`, in microseconds since 1970.
    Timestamp,
    /// `timestamptz`, in microseconds since 1970, UTC.
    Timestamptz,
}

/// The order of the parts of `01/02/03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The month first.
    #[default]
    Mdy,
    /// The day first.
    Dmy,
    /// The year first.
    Ymd,
}

impl Order {
    /// Of the value of `DateStyle`: `ISO, DMY`.
    #[must_use]
    pub fn of_style(style: &str) -> Self {
        match style.rsplit(',').next().map(str::trim) {
            Some("DMY") => Self::Dmy,
            Some("YMD") => Self::Ymd,
            _ => Self::Mdy,
        }
    }
}

/// Why a text is no date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It has no form of one (22007).
    Syntax,
    /// One of its parts, or all of it, is out of range (22008).
    Range,
    /// Its offset from UTC is out of range (22009).
    Displacement,
    /// It names a time zone that is not known (22023).
    UnknownZone,
    /// `now`, `today` …, which only literals are.
    Current,
    /// PostgreSQL reads it.
    Unsupported(&'static str),
}

/// What a date or timestamp `infinity` is here; `-infinity` is the least number.
const INFINITY: i64 = i64::MAX;

/// Days since 1970 of the first day of timestamps, 24 November 4714 BC, and of the end of dates.
const DAYS: std::ops::Range<i64> = -calendar::EPOCH..2_147_483_494 - calendar::EPOCH;

/// Year, month and day of days since 1970; the year 0 is 1 BC.
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    calendar::date(days)
}

/// Days since 1970 of a date, if the calendar has it; the year 0 is 1 BC.
#[must_use]
pub fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(-4713..=5_874_897).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let days = calendar::julian(year, month, day) - calendar::EPOCH;
    (DAYS.contains(&days) && calendar::date(days) == (year, month, day)).then_some(days)
}

/// Reads a text. `infinity` is the greatest number of the type, `-infinity` the least: of a `date`, of 32 bits.
///
/// # Errors
/// [`Problem`].
pub fn read(text: &str, kind: Kind, zone: Zone, order: Order) -> Result<i64, Problem> {
    let mut decoded = Decoded::new(order, kind == Kind::Time);
    decoded.decode(&fields::split(text)?)?;
    match (decoded.special, kind) {
        (None, Kind::Time) => return Ok(decoded.of_day()),
        (None, _) => {}
        (Some(Special::Epoch), _) => return Ok(0),
        (Some(Special::Infinity), Kind::Date) => return Ok(i32::MAX.into()),
        (Some(Special::MinusInfinity), Kind::Date) => return Ok(i32::MIN.into()),
        (Some(Special::Infinity), _) => return Ok(INFINITY),
        (Some(Special::MinusInfinity), _) => return Ok(i64::MIN),
    }
    let day = calendar::julian(decoded.year, decoded.month, decoded.day) - calendar::EPOCH;
    if !DAYS.contains(&day) {
        return Err(Problem::Range);
    }
    if kind == Kind::Date {
        return Ok(day);
    }
    let shown = i128::from(day) * i128::from(calendar::DAY) + i128::from(decoded.of_day());
    let east = match kind {
        Kind::Timestamptz => {
            // Clocks may show what the type does not reach, of a moment that it does.
            let near = i64::try_from(shown).unwrap_or(i64::MAX);
            let zone = decoded.place.unwrap_or(zone);
            zone.offset_of_local(near).map_err(|_| Problem::Range)?
        }
        _ => 0,
    };
    let at = shown - i128::from(east) * 1_000_000;
    let at = i64::try_from(at).map_err(|_| Problem::Range)?;
    let first = DAYS.start * calendar::DAY;
    match at >= first && at != INFINITY {
        true => Ok(at),
        false => Err(Problem::Range),
    }
}

/// The time zone that `AT TIME ZONE` names: an abbreviation, a name, or an offset as POSIX has it.
///
/// # Errors
/// [`Problem::UnknownZone`] and [`Problem::Unsupported`].
pub fn zone(name: &str) -> Result<Zone, Problem> {
    match places::abbreviation(name)? {
        Some(zone) => Ok(zone),
        None => places::named(name),
    }
}

/// The time zone that `SET TimeZone` names, which are no abbreviations, and how it is shown.
///
/// # Errors
/// [`Problem::UnknownZone`] and [`Problem::Unsupported`].
pub fn setting(name: &str) -> Result<(Zone, String), Problem> {
    match places::named(name)? {
        Zone::Named(zone) => Ok((Zone::Named(zone), zone.name().to_owned())),
        Zone::Fixed(east) if name.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c)) => {
            Ok((Zone::Nameless(east), name.to_owned()))
        }
        // What its times are called is what its offset says.
        Zone::Fixed(east) if name == described(east) => Ok((Zone::Fixed(east), name.to_owned())),
        _ => Err(Problem::Unsupported(
            "a time zone that is described by a name of its own; name one of pg_timezone_names or give hours",
        )),
    }
}

/// A zone by its offset as PostgreSQL describes it: `<+02>-02`, `<-03:30>+03:30`.
#[must_use]
pub fn described(east: i32) -> String {
    let (sign, against) = if east < 0 { ('-', '+') } else { ('+', '-') };
    let minutes = east.abs() / 60;
    let size = match minutes % 60 {
        0 => format!("{:02}", minutes / 60),
        rest => format!("{:02}:{rest:02}", minutes / 60),
    };
    format!("<{sign}{size}>{against}{size}")
}

/// The name of a zone as Arrow's types have it: of the tz database, or an offset from UTC.
#[must_use]
pub fn arrow_name(zone: Zone) -> String {
    match zone {
        Zone::Named(Tz::UTC) => "UTC".to_owned(),
        Zone::Named(zone) => zone.name().to_owned(),
        Zone::Fixed(east) | Zone::Nameless(east) => {
            let (sign, minutes) = (if east < 0 { '-' } else { '+' }, east.abs() / 60);
            let colon = if matches!(zone, Zone::Fixed(_)) { ":" } else { "" };
            format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
        }
    }
}
