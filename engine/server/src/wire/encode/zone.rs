//! The session's time zone: how far local time is from UTC at an instant.

use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use radlake::datetimes;

/// A time zone as `SET TimeZone` takes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Zone {
    /// No offset.
    Utc,
    /// Seconds east of Greenwich.
    Fixed(i32),
    /// A name of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// Reads the value of `TimeZone` as it is shown (`Europe/Berlin`, `<+02>-02`); `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match datetimes::setting(text).ok()?.0 {
            datetimes::Zone::Named(chrono_tz::Tz::UTC)
            | datetimes::Zone::Fixed(0)
            | datetimes::Zone::Nameless(0) => Self::Utc,
            datetimes::Zone::Named(zone) => Self::Named(zone),
            datetimes::Zone::Fixed(east) | datetimes::Zone::Nameless(east) => Self::Fixed(east),
        })
    }

    /// As dates and times are read in it.
    pub(crate) fn for_reading(&self) -> datetimes::Zone {
        match self {
            Self::Utc => datetimes::Zone::Fixed(0),
            Self::Fixed(east) => datetimes::Zone::Fixed(*east),
            Self::Named(zone) => datetimes::Zone::Named(*zone),
        }
    }

    /// Seconds east of Greenwich at `seconds` after 1970.
    pub(super) fn offset(&self, seconds: i64) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => {
                let seconds = equivalent(seconds);
                // Before chrono's years the zone keeps the offset that it has at their edge.
                let at = DateTime::from_timestamp(seconds, 0).map_or(NaiveDateTime::MIN, |at| at.naive_utc());
                zone.offset_from_utc_datetime(&at).fix().local_minus_utc()
            }
        }
    }
}

/// The zone tables end in 2100; after that a year has the rules of an earlier one that begins on the same weekday
/// and is as long, as in PostgreSQL.
fn equivalent(seconds: i64) -> i64 {
    const DAY: i64 = 86_400;
    let (year, _, _) = super::datetime::civil(seconds.div_euclid(DAY));
    if year < 2100 {
        return seconds;
    }
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let first_day = |year: i64| {
        let before = year - 1;
        before * 365 + before / 4 - before / 100 + before / 400 - 719_162
    };
    (2072..2100)
        .find(|like| leap(*like) == leap(year) && (first_day(*like) - first_day(year)) % 7 == 0)
        .map_or(seconds, |like| {
            seconds + (first_day(like) - first_day(year)) * DAY
        })
}
